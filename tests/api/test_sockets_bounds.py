"""What one websocket, one person and one address may take of the server, and clients that do not read."""

import asyncio
import base64
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import websockets

from tests.api.serving import Api, Socket
from tests.api.test_sockets import RENAME, UPDATES
from tests.api.test_videos import create


async def test_a_connection_carries_so_many_subscriptions(strict: Api) -> None:
    async with strict.subscribed(UPDATES) as watcher:
        for id in ("2", "3"):
            await watcher.send({"id": id, "type": "subscribe", "payload": {"query": UPDATES}})
        await watcher.send({"id": "2", "type": "complete"})
        await watcher.send({"id": "4", "type": "subscribe", "payload": {"query": UPDATES}})
        await watcher.send({"type": "ping"})
        assert await watcher.receive() == {"type": "pong"}
        await watcher.send({"id": "5", "type": "subscribe", "payload": {"query": UPDATES}})
        code, reason = await watcher.ending()
        assert code == 4429
        assert reason == "Too many subscriptions: at most 3 may run on one connection"


async def test_a_user_holds_so_many_connections_and_an_address_so_many_anonymous_ones(strict: Api) -> None:
    credentials = {"authorization": f"Bearer {strict.token}"}
    # Given a user with as many connections as may be
    async with opened(strict, 2) as (first, second):
        await first.begin(credentials)
        await second.begin(credentials)
        # When they open another, which is anonymous until it says who it is
        async with strict.websocket() as third:
            await third.send({"type": "connection_init", "payload": credentials})
            code, reason = await third.ending()
        # Then it is refused
        assert code == 4429
        assert reason.startswith("Too many connections. At most 2 connections of your account")
        # And theirs count for nobody else: the address may open as many anonymous ones as it could
        async with opened(strict, 4) as anonymous:
            for websocket in anonymous:
                await websocket.begin()
            async with strict.websocket() as one_more:
                code, reason = await one_more.ending()
            assert code == 4429
            assert reason.startswith("Too many connections. At most 4 connections of your address")
    # And soon after they have left there is room again
    async with asyncio.timeout(10):
        while not await is_let_in(strict, credentials):
            continue


async def is_let_in(api: Api, credentials: dict[str, str]) -> bool:
    async with api.websocket() as websocket:
        await websocket.send({"type": "connection_init", "payload": credentials})
        with contextlib.suppress(websockets.ConnectionClosed):
            return bool((await websocket.receive())["type"] == "connection_ack")
    return False


@asynccontextmanager
async def opened(api: Api, count: int) -> AsyncIterator[list[Socket]]:
    if count == 0:
        yield []
        return
    async with api.websocket() as websocket, opened(api, count - 1) as others:
        yield [websocket, *others]


async def test_a_client_that_answers_no_ping_is_given_up(strict: Api) -> None:
    # Given a client that only listens
    with shaken_hands(strict) as connection:
        connection.settimeout(5)
        connection.sendall(frame(1, b'{"type": "connection_init"}'))
        received = b""
        # When it leaves the server's pings unanswered
        while chunk := await asyncio.to_thread(connection.recv, 65536):
            received += chunk
        # Then it is closed, as a dead one would be
        assert b"connection_ack" in received
        assert b"\x03\xf3keepalive ping timeout" in received


async def test_pings_of_a_client_that_reads_no_answers_do_not_fill_the_memory(anyone: Api) -> None:
    # Given a client that sends pings and never reads
    pings = frame(9, b"x" * 125) * 1000
    with shaken_hands(anyone) as connection:
        connection.settimeout(1)
        sent = 0
        # When it sends as many as it can
        with contextlib.suppress(TimeoutError):
            while sent < 100_000_000:
                sent += await asyncio.to_thread(connection.send, pings)
        # Then the server has stopped reading, when the system's own buffers were full
        assert sent < 50_000_000


async def test_a_slow_reader_gets_the_newest_state_and_not_every_one(ada: Api) -> None:
    # Given somebody who watches a video with much to tell, and reads nothing
    video_id = create(ada, script="A long story. " * 70)
    stories = " ".join(f"story{number}: script" for number in range(29))
    query = f"subscription ($id: ID!) {{ videoStatus(id: $id) {{ version video {{ title {stories} }} }} }}"
    async with ada.websocket(max_queue=1, max_size=None) as watcher:
        await watcher.begin({"authorization": f"Bearer {ada.token}"})
        await watcher.subscribe(query, id=video_id)
        # When the video changes again and again
        changes = 400
        for number in range(changes):
            await asyncio.to_thread(lambda title: ada(RENAME, id=video_id, title=title).data, str(number))
        # Then they read what the system had buffered, and then the newest
        events = 0
        async with asyncio.timeout(20):
            while (await watcher.next())["videoStatus"]["video"]["title"] != str(changes - 1):
                events += 1
    assert events < changes / 2


@contextmanager
def shaken_hands(api: Api) -> Iterator[socket.socket]:
    """A connection after a websocket's handshake, by hand."""
    url = api.http.base_url
    with socket.create_connection((url.host, url.port), timeout=5) as connection:
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(
            f"GET /graphql HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 101")
        yield connection


def frame(opcode: int, payload: bytes) -> bytes:
    """A masked frame (RFC 6455, section 5.2) of up to 125 bytes; the mask is zero."""
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload
