"""Many websockets that watch, in a process of its own: as cheap as they can be, so that they are not what is
measured.

They speak `graphql-transport-ws` over frames by hand (RFC 6455, section 5.2) and note when each event came.
"""

import asyncio
import base64
import gc
import json
import multiprocessing
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

OPENING_AT_ONCE = 40
SECONDS = 120.0
_VERSION = re.compile(rb'"version": ?(\d+)')


@dataclass(frozen=True, slots=True)
class Watch:
    """One connection with one subscription."""

    url: str
    """http://..., of the endpoint."""
    api_key: str | None
    query: str
    variables: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Arrival:
    watch: int
    """Its place in the order of opening."""
    at: float
    """On the machine's monotonic clock, which its processes share."""
    version: int


class Watchers:
    """The process, from outside."""

    def __init__(self) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_run, args=(theirs,), daemon=True)
        self._process.start()

    def open(self, watches: Sequence[Watch]) -> None:
        """Returns when each has had its first event."""
        self._ask("open", list(watches))

    def pause(self, count: int) -> None:
        """The first `count` stop reading."""
        self._ask("pause", count)

    def collect(self) -> list[Arrival]:
        """What has come since the last time."""
        return [Arrival(*one) for one in self._ask("collect")]

    def close(self) -> None:
        """All connections; the process stays."""
        self._ask("close")

    def end(self) -> None:
        self._process.kill()
        self._process.join()

    def _ask(self, *command: object) -> Any:
        self._pipe.send(command)
        if not self._pipe.poll(SECONDS):
            raise TimeoutError(f"the watchers did not {command[0]} within {SECONDS:g} s")
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Connection(asyncio.Protocol):
    def __init__(self, watch: Watch, place: int, arrivals: list[tuple[int, float, int]]) -> None:
        self._watch = watch
        self._place = place
        self._arrivals = arrivals
        self._buffer = b""
        self._is_open = False
        self.has_begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are no subclasses of asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        url = urlsplit(self._watch.url)
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.has_begun.done():
            self.has_begun.set_exception(ConnectionError(f"closed: {self._buffer!r}"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.has_begun.set_exception(ConnectionError(head.decode()))
                return
            self._is_open, self._buffer = True, rest
            key = self._watch.api_key
            self._say({"type": "connection_init", "payload": {"apiKey": key} if key else {}})
        while len(self._buffer) >= 2:
            start, length = 2, self._buffer[1]
            if length >= 126:
                start = 4 if length == 126 else 10
                length = int.from_bytes(self._buffer[2:start], "big")
            if len(self._buffer) < start + length:
                return
            opcode, payload = self._buffer[0] & 15, self._buffer[start : start + length]
            self._buffer = self._buffer[start + length :]
            self._take(opcode, payload)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 1:
            version = _VERSION.search(payload)
            if version is not None:
                self._arrivals.append((self._place, time.monotonic(), int(version[1])))
                if not self.has_begun.done():
                    self.has_begun.set_result(None)
            elif b"connection_ack" in payload:
                operation = {"query": self._watch.query, "variables": self._watch.variables}
                self._say({"id": "1", "type": "subscribe", "payload": operation})
            elif not self.has_begun.done():
                self.has_begun.set_exception(ConnectionError(payload.decode()))
        elif opcode == 9:
            self._send(10, payload)
        elif opcode == 8 and not self.has_begun.done():
            self.has_begun.set_exception(ConnectionError(payload[2:].decode()))

    def _say(self, message: dict[str, Any]) -> None:
        self._send(1, json.dumps(message).encode())

    def _send(self, opcode: int, payload: bytes) -> None:
        """A masked frame; the mask is zero."""
        assert self.transport is not None
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else b"\xfe" + length.to_bytes(2, "big")
        self.transport.write(bytes([0x80 | opcode]) + size + bytes(4) + payload)


async def _serve(pipe: Connection) -> None:
    arrivals: list[tuple[int, float, int]] = []
    connections: list[_Connection] = []
    at_once = asyncio.Semaphore(OPENING_AT_ONCE)

    async def open_one(watch: Watch, place: int) -> None:
        async with at_once, asyncio.timeout(SECONDS / 2):
            url = urlsplit(watch.url)
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(
                lambda: _Connection(watch, place, arrivals), str(url.hostname), url.port or 80
            )
            connections.append(connection)
            await connection.has_begun

    while True:
        name, *arguments = await asyncio.to_thread(pipe.recv)
        answer: object = None
        try:
            if name == "open":
                first = len(connections)
                await asyncio.gather(
                    *(open_one(watch, first + place) for place, watch in enumerate(arguments[0]))
                )
            elif name == "collect":
                answer = arrivals[:]
                arrivals.clear()
            elif name == "pause":
                for connection in connections[: arguments[0]]:
                    assert connection.transport is not None
                    connection.transport.pause_reading()
            elif name == "close":
                for connection in connections:
                    assert connection.transport is not None
                    connection.transport.abort()
                connections.clear()
        except Exception as error:
            answer = RuntimeError(f"{type(error).__name__}: {error}")
        pipe.send(answer)


def _run(pipe: Connection) -> None:
    gc.disable()
    uvloop.run(_serve(pipe))
