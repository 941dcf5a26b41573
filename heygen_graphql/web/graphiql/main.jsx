import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import "graphiql/style.css";
import "./page.css";

const workers = { graphql: "graphql.worker.js", json: "json.worker.js" };
globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    return new Worker(new URL(workers[label] ?? "editor.worker.js", import.meta.url));
  },
};

const endpoint = new URL("graphql", location.origin);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === "https:" ? "wss:" : "ws:";

// What is typed into the headers pane goes along as the websocket's connection_init payload, too.
const send = createGraphiQLFetcher({
  url: endpoint.href,
  subscriptionUrl: socket.href,
  enableIncrementalDelivery: false,
});

// A header that has not been filled in is not sent: the server takes one credential, and a whole one.
const isFilledIn = ([, value]) => !/^\s*(Bearer)?\s*$/i.test(value);
const fetcher = (operation, options) =>
  send(operation, {
    ...options,
    headers: Object.fromEntries(Object.entries(options?.headers ?? {}).filter(isFilledIn)),
  });

const welcome = `# A script goes in, a presenter speaks it in a video.
# Ctrl-Enter runs the operation that the cursor is in.

# 1. Make an account, and put its access token into the
#    Headers pane below, behind "Bearer", or an API key
#    behind "X-API-Key".

mutation SignUp {
  signUp(
    input: {
      email: "me@example.com"
      password: "correct horse battery"
    }
  ) {
    session { accessToken }
    userErrors { code field message }
  }
}

# 2. Ask for a video.

mutation CreateVideo {
  createVideo(
    input: { script: "Hello! I was made on this machine." }
  ) {
    video { id status }
    userErrors { code field message }
  }
}

# 3. Watch it being made: its id goes here.

subscription Watch {
  videoStatus(id: "...") {
    version
    video {
      status
      stage
      progress
      secondsLeft
      url
      failure { code message }
    }
  }
}

# Who can be heard, and who can be seen?

query Catalogue {
  voices(first: 5) {
    totalCount
    edges { node { voiceId name language } }
  }
  avatars { edges { node { avatarId name previewUrl } } }
}
`;

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL
    fetcher={fetcher}
    defaultQuery={welcome}
    defaultHeaders={'{\n  "Authorization": "Bearer ",\n  "X-API-Key": ""\n}'}
    defaultEditorToolsVisibility="headers"
  />,
);
