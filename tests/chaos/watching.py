"""Somebody who watches videos on one socket, comes back when it is cut, and notes what must not be."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from tests.chaos.plan import Watch

VIDEO_STATUS = """
subscription ($id: ID!) {
  videoStatus(id: $id) { version video { id status version progress failure { code } } }
}
"""
FINAL = frozenset({"COMPLETED", "FAILED", "CANCELED"})
PASSING = frozenset({"UNAVAILABLE"})
"""What an error may say while something is away: come again."""

_AGAIN_SECONDS = 0.3
_OPEN_SECONDS = 20.0


class _CutOff(Exception):
    """The server ended it in an orderly way, before all that was to be told."""


@dataclass
class Watcher:
    watch: Watch
    urls: Sequence[str]
    token: str
    ends: dict[str, str] = field(default_factory=dict)
    """The final status that was seen, by video."""
    surprises: list[str] = field(default_factory=list)
    connections: int = 0
    _socket: ClientConnection | None = None
    _newest: dict[str, int] = field(default_factory=dict)
    """The greatest version that was seen of each video, on whichever connection."""

    async def run(self, films: dict[str, int]) -> None:
        """Until the end of each of the videos (given with their numbers) has been seen."""
        for api in itertools.count(self.watch.api):
            try:
                await self._connected(self.urls[api % len(self.urls)], films)
                return
            except (OSError, WebSocketException, TimeoutError, _CutOff):
                await asyncio.sleep(_AGAIN_SECONDS)

    def cut(self) -> bool:
        """Break the connection, without a word to the other side; False when there is none."""
        if self._socket is None:
            return False
        self._socket.transport.abort()
        return True

    async def _connected(self, url: str, films: dict[str, int]) -> None:
        async with connect(
            f"{url.replace('http', 'ws', 1)}/graphql",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            proxy=None,
            open_timeout=_OPEN_SECONDS,
            close_timeout=1,
        ) as socket:
            try:
                await self._begun(socket)
                await self._subscribed(socket, films)
            finally:
                self._socket = None
                if socket.close_code is not None and 4000 <= socket.close_code < 5000:
                    self._surprise(f"was sent away: {socket.close_code} {socket.close_reason}")

    async def _begun(self, socket: ClientConnection) -> None:
        payload = {"Authorization": f"Bearer {self.token}"}
        async with asyncio.timeout(_OPEN_SECONDS):
            await _send(socket, type="connection_init", payload=payload)
            message = json.loads(await socket.recv())
        if message["type"] != "connection_ack":
            raise _CutOff
        self.connections += 1
        self._socket = socket

    async def _subscribed(self, socket: ClientConnection, films: dict[str, int]) -> None:
        left = [video_id for video_id in films if video_id not in self.ends]
        for video_id in left:
            operation = {"query": VIDEO_STATUS, "variables": {"id": video_id}}
            await _send(socket, id=video_id, type="subscribe", payload=operation)
        await self._follow(socket, set(left))

    async def _follow(self, socket: ClientConnection, left: set[str]) -> None:
        seen: dict[str, int] = {}
        async for text in socket:
            message: dict[str, Any] = json.loads(text)
            match message["type"]:
                case "ping":
                    await _send(socket, type="pong")
                case "next" if "errors" not in message["payload"]:
                    self._note(message["id"], message["payload"]["data"]["videoStatus"], seen)
                case "next":
                    self._complain(message["payload"]["errors"])
                    raise _CutOff
                case "error":
                    self._complain(message["payload"])
                    raise _CutOff
                case "complete":
                    video_id = message["id"]
                    if video_id not in self.ends:
                        # A server that stops completes what it can tell no more of.
                        raise _CutOff
                    left.discard(video_id)
            if not left:
                return
        raise _CutOff

    def _note(self, video_id: str, event: dict[str, Any], seen: dict[str, int]) -> None:
        version, video = event["version"], event["video"]
        if video["id"] != video_id or video["version"] != version:
            self._surprise(f"was told of another video or version than the event's: {event}")
        if version <= seen.get(video_id, 0):
            self._surprise(f"saw version {version} after {seen[video_id]} on one connection")
        if video_id not in seen and version < self._newest.get(video_id, 0):
            self._surprise(f"came back to version {version}, older than {self._newest[video_id]} before")
        if video_id in self.ends:
            self._surprise(f"heard of {video_id} after its end: {event}")
        seen[video_id] = version
        self._newest[video_id] = max(version, self._newest.get(video_id, 0))
        if video["status"] in FINAL:
            self.ends[video_id] = video["status"]

    def _complain(self, errors: list[dict[str, Any]]) -> None:
        for error in errors:
            if error["extensions"]["code"] not in PASSING:
                self._surprise(f"got an error: {error}")

    def _surprise(self, what: str) -> None:
        self.surprises.append(f"watcher {self.watch.number} {what}")


async def _send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))
