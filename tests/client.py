"""A client of the public API, as a frontend would be one."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

SIGN_UP = """
mutation ($input: SignUpInput!) {
  signUp(input: $input) { session { accessToken user { id email } } userErrors { code field message } }
}
"""
CREATE_VIDEO = """
mutation ($input: CreateVideoInput!) {
  createVideo(input: $input) { video { id status version } userErrors { code field message } }
}
"""
VIDEO_STATUS = """
subscription ($id: ID!) {
  videoStatus(id: $id) {
    version
    video { id status stage progress version secondsLeft queuePosition failure { code message } }
  }
}
"""
# A sentence, so that the render of a LOW film is over in about a second.
SHORT = {"script": "One, two, three.", "quality": "LOW"}


class Client:
    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)

    async def execute(self, document: str, **variables: Any) -> dict[str, Any]:
        answer = (await self.http.post("/graphql", json={"query": document, "variables": variables})).json()
        assert not answer.get("errors"), answer
        data: dict[str, Any] = answer["data"]
        return data

    async def sign_up(self) -> None:
        person = {"email": f"{uuid4().hex}@example.com", "password": "correct horse", "fullName": "Ada"}
        payload = (await self.execute(SIGN_UP, input=person))["signUp"]
        assert payload["userErrors"] == []
        self.http.headers["Authorization"] = f"Bearer {payload['session']['accessToken']}"

    async def create_video(self, request: Mapping[str, Any]) -> str:
        payload = (await self.execute(CREATE_VIDEO, input=request))["createVideo"]
        assert payload["userErrors"] == []
        video_id: str = payload["video"]["id"]
        return video_id

    async def follow(self, document: str, field: str, **variables: Any) -> AsyncIterator[dict[str, Any]]:
        """What each event of a subscription says in `field`, until the server completes it."""
        address = f"{self.url.replace('http', 'ws', 1)}/graphql"
        async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
            payload = {"Authorization": self.http.headers["Authorization"]}
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            operation = {"query": document, "variables": variables}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": operation}))
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "complete":
                    return
                assert message["type"] == "next", message
                assert not message["payload"].get("errors"), message
                yield message["payload"]["data"][field]

    def watch(self, video_id: str) -> AsyncIterator[dict[str, Any]]:
        return self.follow(VIDEO_STATUS, "videoStatus", id=video_id)

    async def watch_to_end(self, video_id: str, seconds: float = 120) -> list[dict[str, Any]]:
        async with asyncio.timeout(seconds):
            return [event async for event in self.watch(video_id)]

    async def wait_for_progress(self, video_id: str, seconds: float = 60) -> None:
        """Until a part of the film has been drawn."""
        async with asyncio.timeout(seconds):
            async for event in self.watch(video_id):
                if event["video"]["status"] == "PROCESSING" and event["video"]["stage"] == "DRAWING":
                    return
        raise AssertionError("the video ended before it was seen being drawn")


@asynccontextmanager
async def signed_up(url: str) -> AsyncIterator[Client]:
    client = Client(url)
    async with client.http:
        await client.sign_up()
        yield client
