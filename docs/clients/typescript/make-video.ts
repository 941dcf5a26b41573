// Makes a video of a sentence and saves it: npm start -- "Hello there." hello.mp4
//
// HEYGEN_URL says where the server is (http://127.0.0.1:8000), HEYGEN_API_KEY who calls it.

import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { print } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

import { CreateVideoDocument, FollowVideoDocument } from "./generated.js";
import type {
  CreateVideoMutation,
  CreateVideoMutationVariables,
  FollowVideoSubscription,
  FollowVideoSubscriptionVariables,
} from "./generated.js";

const url = process.env.HEYGEN_URL ?? "http://127.0.0.1:8000";
const apiKey = process.env.HEYGEN_API_KEY;
const [script, out] = process.argv.slice(2);
if (!apiKey || !script || !out) {
  throw new Error('HEYGEN_API_KEY=hg_... npm start -- "Hello there." hello.mp4');
}

async function createVideo(variables: CreateVideoMutationVariables): Promise<string> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: {
      Accept: "application/graphql-response+json",
      "Content-Type": "application/json",
      "X-API-Key": apiKey!,
    },
    body: JSON.stringify({ query: print(CreateVideoDocument), variables }),
  });
  const { data, errors } = (await response.json()) as {
    data?: CreateVideoMutation;
    errors?: { message: string; extensions: { code: string } }[];
  };
  const faults =
    errors?.map(({ message, extensions }) => ({ code: extensions.code, message })) ??
    data?.createVideo.userErrors ??
    [];
  const id = data?.createVideo.video?.id;
  if (!id) {
    throw new Error(faults.map(({ code, message }) => `${code}: ${message}`).join("\n"));
  }
  return id;
}

/** The video's last state: every one before is told on the way. */
async function follow(id: string): Promise<FollowVideoSubscription["videoStatus"]["video"]> {
  const client = createClient({
    url: `${url.replace("http", "ws")}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { apiKey },
  });
  const events = client.iterate<FollowVideoSubscription, FollowVideoSubscriptionVariables>({
    query: print(FollowVideoDocument),
    variables: { id },
  });
  let video: FollowVideoSubscription["videoStatus"]["video"] | undefined;
  for await (const { data, errors } of events) {
    if (!data) {
      throw new Error(errors?.map((error) => error.message).join("\n"));
    }
    video = data.videoStatus.video;
    console.log(video.status, video.stage ?? "", `${Math.round(video.progress * 100)}%`);
  }
  await client.dispose();
  if (!video) {
    throw new Error("The server said nothing about the video.");
  }
  return video;
}

const video = await follow(await createVideo({ input: { script, quality: "LOW" } }));
if (!video.url) {
  throw new Error(video.failure?.message ?? `The video is ${video.status}.`);
}
// The link is signed: no key goes along.
const film = await fetch(video.url);
if (!film.ok || !film.body) {
  throw new Error(`The film: HTTP ${film.status}`);
}
await pipeline(Readable.fromWeb(film.body as Parameters<typeof Readable.fromWeb>[0]), createWriteStream(out));
