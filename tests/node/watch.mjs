// Watches a video with a client that frontends use, and tells each thing that happens in a line of JSON.
// node watch.mjs CLIENT URL VIDEO_ID TOKEN...   The first connection signs in with the first token, and so on;
// the last one is for all that follow.
import { ApolloClient, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import WebSocket from "ws";

const [name, url, id, ...tokens] = process.argv.slice(2);
const query = "subscription ($id: ID!) { videoStatus(id: $id) { version video { title status } } }";
const variables = { id };
const tell = (what) => console.log(JSON.stringify(what));
let signedIn = 0;
const authorization = () => `Bearer ${tokens[Math.min(signedIn++, tokens.length - 1)]}`;
const retries = { retryAttempts: 50, retryWait: () => new Promise((resolve) => setTimeout(resolve, 100)) };
const sink = {
  next: ({ data, errors }) => {
    if (errors) return tell({ errors: errors.map((one) => one.extensions.code) });
    const { title, status } = data.videoStatus.video;
    tell({ title, status });
  },
  error: (error) => {
    tell({ error: error.code ?? error.response?.status ?? String(error) });
    process.exit();
  },
  complete: () => {
    tell("complete");
    process.exit();
  },
};

const webSocketClient = () =>
  createWsClient({
    url: url.replace("http", "ws"),
    webSocketImpl: WebSocket,
    connectionParams: () => ({ authorization: authorization() }),
    ...retries,
    // Whoever has no other token had better ask for one than knock again.
    shouldRetry: (event) => event.code !== 4403 || signedIn < tokens.length,
    on: {
      connected: () => tell("connected"),
      closed: ({ code }) => tell({ closed: code }),
    },
  });

const clients = {
  "graphql-ws": () => webSocketClient().subscribe({ query, variables }, sink),
  "graphql-sse": () =>
    createSseClient({
      url,
      headers: () => ({ Authorization: authorization() }),
      ...retries,
      on: { connected: () => tell("connected") },
    }).subscribe({ query, variables }, sink),
  // urql by its own fetch, which streams server-sent events
  urql: () =>
    new Client({
      url,
      exchanges: [fetchExchange],
      fetchSubscriptions: true,
      preferGetMethod: false,
      fetchOptions: () => ({ headers: { Authorization: authorization() } }),
    })
      .subscription(query, variables)
      .subscribe(({ data, error, hasNext }) => {
        if (error) sink.next({ errors: error.graphQLErrors });
        // urql tells the last result again when there are no more.
        else if (hasNext) sink.next({ data });
        if (!hasNext) sink.complete();
      }),
  "urql-ws": () => {
    const socket = webSocketClient();
    const forward = ({ query, variables }) => ({
      subscribe: (observer) => ({ unsubscribe: socket.subscribe({ query, variables }, observer) }),
    });
    new Client({ url, exchanges: [subscriptionExchange({ forwardSubscription: forward })], preferGetMethod: false })
      .subscription(query, variables)
      .subscribe(({ data, error, hasNext }) => {
        if (error) sink.error(error);
        else if (hasNext) sink.next({ data });
        else sink.complete();
      });
  },
  apollo: () =>
    new ApolloClient({ link: new GraphQLWsLink(webSocketClient()), cache: new InMemoryCache() })
      .subscribe({ query: gql(query), variables })
      .subscribe(sink),
};

clients[name]();
