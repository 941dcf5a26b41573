import asyncio
import base64
import contextlib
import os
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import websockets
from websockets.typing import Subprotocol

from heygen_graphql.accounts import Tokens
from heygen_graphql.settings import Settings
from heygen_graphql.tables import utc_now
from tests.api.conftest import SECRET
from tests.api.serving import Api, Socket, changed, served, sign_up
from tests.api.test_videos import create

STATUS = "subscription ($id: ID!) { videoStatus(id: $id) { version video { id title status } } }"
UPDATES = "subscription { videoUpdates { version } }"
LIMITS = "{ server { maxScenes } }"
RENAME = """
mutation ($id: ID!, $title: String!) {
  updateVideo(id: $id, input: { title: $title }) { video { title } userErrors { code } }
}
"""
LOG_OUT = "mutation ($token: String!) { logOut(refreshToken: $token) { userErrors { code } } }"
CREATE_KEY = 'mutation { createApiKey(input: { name: "watcher" }) { key userErrors { code } } }'


async def ending(websocket: Socket, seconds: float = 15) -> tuple[int, str]:
    """The code and reason of the server's closing; what else comes before is read past."""
    async with asyncio.timeout(seconds):
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                await websocket.connection.recv()
    code = websocket.connection.close_code
    assert code is not None
    return code, websocket.connection.close_reason or ""


async def closing_code(websocket: Socket, seconds: float = 15) -> int:
    return (await ending(websocket, seconds))[0]


@pytest.fixture(scope="module")
def strict(api_settings: Settings) -> Iterator[Api]:
    """Somebody at a server of low limits."""
    limits: dict[str, Any] = {
        "max_subscriptions_per_connection": 3,
        "max_connections_per_user": 2,
        "max_anonymous_connections_per_address": 4,
        "connection_init_seconds": 0.5,
        "keep_alive_seconds": 0.5,
        "max_body_bytes": 2048,
    }
    with (
        served(changed(api_settings, **limits)) as address,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as http,
    ):
        yield Api(http).signed_in()


def token_that_expires(api: Api, seconds: float) -> str:
    """A token of the same session that was issued nearly half an hour ago."""
    tokens = Tokens(key=SECRET.encode(), algorithm="HS256", access_minutes=30, refresh_days=30)
    claims, _ = tokens.read_access(api.token or "")
    return tokens.issue_access(claims, utc_now() + timedelta(seconds=seconds, minutes=-30))[0]


# Messages


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[]",
        "[1]",
        "1",
        "null",
        '"text"',
        "{}",
        '{"id": "1"}',
        '{"type": 1}',
        '{"type": "what is this"}',
        '{"type": "next", "id": "1", "payload": {}}',
        b'{"type": "ping"}',
        '{"type": "ping", "payload": []}',
        '{"type": "pong", "payload": 1}',
        '{"type": "connection_init", "payload": []}',
        '{"type": "connection_init", "payload": "token"}',
        '{"type": "complete"}',
        '{"type": "complete", "id": 1}',
        '{"type": "ping", "payload": {"deep": ' + "[" * 5000 + "]" * 5000 + "}}",
    ],
)
async def test_what_is_no_message_of_the_protocol_closes_the_socket(
    anyone: Api, message: str | bytes
) -> None:
    async with anyone.websocket() as websocket:
        await websocket.connection.send(message)
        assert await closing_code(websocket) == 4400


@pytest.mark.parametrize(
    "message",
    [
        {"payload": {"query": LIMITS}},
        {"id": "", "payload": {"query": LIMITS}},
        {"id": 1, "payload": {"query": LIMITS}},
        {"id": "1"},
        {"id": "1", "payload": []},
        {"id": "1", "payload": {}},
        {"id": "1", "payload": {"query": 1}},
        {"id": "1", "payload": {"query": LIMITS, "variables": []}},
        {"id": "1", "payload": {"query": LIMITS, "operationName": 1}},
        {"id": "1", "payload": {"query": LIMITS, "extensions": "none"}},
    ],
)
async def test_a_subscribe_of_the_wrong_shape_closes_the_socket(
    anyone: Api, message: dict[str, object]
) -> None:
    async with anyone.websocket() as websocket:
        await websocket.begin()
        await websocket.send({"type": "subscribe", **message})
        assert await closing_code(websocket) == 4400


async def test_a_message_that_is_too_large_closes_the_socket(strict: Api) -> None:
    async with strict.websocket() as websocket:
        await websocket.begin()
        await websocket.send({"type": "ping", "payload": {"text": "x" * 2000}})
        assert (await websocket.receive())["type"] == "pong"
        # Two bytes each in UTF-8
        await websocket.connection.send('{"type": "ping", "payload": {"text": "' + "é" * 1100 + '"}}')
        assert await ending(websocket) == (4400, "A message may have at most 2048 bytes")


async def test_pings_are_answered_with_what_they_carry_before_and_after_the_beginning(anyone: Api) -> None:
    async with anyone.websocket() as websocket:
        await websocket.send({"type": "ping"})
        assert await websocket.receive() == {"type": "pong"}
        await websocket.begin()
        await websocket.send({"type": "ping", "payload": {"at": 1}})
        assert await websocket.receive() == {"type": "pong", "payload": {"at": 1}}
        await websocket.send({"type": "pong", "payload": {"at": 1}})
        await websocket.send({"type": "ping"})
        assert await websocket.receive() == {"type": "pong"}


# Beginning


async def test_nothing_is_executed_before_the_first_message(anyone: Api) -> None:
    async with anyone.websocket() as websocket:
        await websocket.subscribe(LIMITS)
        assert await ending(websocket) == (4401, "Unauthorized")


async def test_who_says_nothing_at_first_is_sent_away(strict: Api) -> None:
    async with strict.websocket() as websocket:
        await websocket.send({"type": "ping"})
        assert (await websocket.receive())["type"] == "pong"
        assert await ending(websocket, 3) == (4408, "Connection initialisation timeout")


async def test_a_socket_begins_only_once(anyone: Api) -> None:
    async with anyone.websocket() as websocket:
        await websocket.begin()
        await websocket.send({"type": "connection_init"})
        assert await ending(websocket) == (4429, "Too many initialisation requests")


@pytest.mark.parametrize("protocols", [[Subprotocol("graphql-ws")], None])
async def test_only_the_present_protocol_is_spoken(anyone: Api, protocols: list[Subprotocol] | None) -> None:
    async with anyone.websocket(subprotocols=protocols) as websocket:
        assert await closing_code(websocket) == 4406


async def test_pages_of_the_servers_own_and_of_listed_origins_alone_may_open_a_socket(
    anyone: Api, api_settings: Settings
) -> None:
    here = str(anyone.http.base_url).rstrip("/")
    async with anyone.websocket(origin=here) as websocket:
        await websocket.begin()
    for stranger in ("https://elsewhere.example", "null", "http://127.0.0.1:1"):
        with pytest.raises(websockets.InvalidStatus) as refusal:
            async with anyone.websocket(origin=stranger):
                pass
        assert refusal.value.response.status_code == 403

    friends = changed(api_settings, cors_origins=("https://elsewhere.example",))
    with served(friends) as address, httpx.Client(base_url=address, trust_env=False) as http:
        async with Api(http).websocket(origin="https://elsewhere.example") as websocket:
            await websocket.begin()
        with pytest.raises(websockets.InvalidStatus):
            async with Api(http).websocket(origin="https://another.example"):
                pass


# Signing in


@pytest.mark.parametrize(
    "form", ["authorization", "Authorization", "bare", "apiKey", "X-API-Key", "bearer key"]
)
async def test_a_socket_takes_credentials_in_its_first_message(someone: Api, form: str) -> None:
    key = someone(CREATE_KEY).data["createApiKey"]["key"] if "ey" in form else ""
    payloads: dict[str, dict[str, Any]] = {
        "authorization": {"authorization": f"Bearer {someone.token}"},
        "Authorization": {"Authorization": f"Bearer {someone.token}"},
        "bare": {"authorization": someone.token},
        "apiKey": {"apiKey": key},
        "X-API-Key": {"X-API-Key": key},
        "bearer key": {"Authorization": f"Bearer {key}"},
    }
    async with someone.websocket() as websocket:
        await websocket.begin(payloads[form])
        await websocket.subscribe("{ me { isActive } }")
        assert await websocket.next() == {"me": {"isActive": True}}


async def test_a_socket_takes_credentials_of_its_handshake(someone: Api) -> None:
    key = someone(CREATE_KEY).data["createApiKey"]["key"]
    for headers in ({"Authorization": f"Bearer {someone.token}"}, {"X-API-Key": key}):
        async with someone.websocket(additional_headers=headers) as websocket:
            await websocket.begin()
            await websocket.subscribe("{ me { isActive } }")
            assert await websocket.next() == {"me": {"isActive": True}}


@pytest.mark.parametrize(
    "payload",
    [
        {"authorization": "Bearer nonsense"},
        {"authorization": "Basic YWRhOmFkYQ=="},
        {"authorization": 1},
        {"apiKey": "hg_nonsense"},
        {"apiKey": ["hg_nonsense"]},
    ],
)
async def test_bad_credentials_close_the_socket(anyone: Api, payload: dict[str, object]) -> None:
    async with anyone.websocket() as websocket:
        await websocket.send({"type": "connection_init", "payload": payload})
        code, reason = await ending(websocket)
        assert code == 4403
        assert reason.startswith("Forbidden: ")


async def test_without_credentials_only_what_is_public_is_answered(anyone: Api) -> None:
    async with anyone.subscribed(UPDATES) as websocket:
        (error,) = (await websocket.receive())["payload"]["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert (await websocket.receive())["type"] == "complete"
        await websocket.subscribe(LIMITS)
        assert await websocket.next() == {"server": {"maxScenes": 50}}


async def test_a_token_that_expires_ends_the_connection_at_that_moment(ada: Api) -> None:
    # Given a token with a little more than a second to live
    token = token_that_expires(ada, 1.5)
    began = utc_now()
    async with ada.websocket() as websocket:
        await websocket.begin({"authorization": f"Bearer {token}"})
        await websocket.subscribe(UPDATES)
        # When it expires
        code, reason = await ending(websocket, 5)
    # Then the connection ends then, and not at the next look
    assert code == 4403
    assert reason == "Forbidden: what you signed in with has expired"
    assert 0.4 < (utc_now() - began).total_seconds() < 3
    async with ada.websocket() as websocket:
        await websocket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        assert await closing_code(websocket) == 4403


async def test_a_connection_ends_soon_after_its_session_or_its_account(
    anyone: Api, ben: Api, api_settings: Settings
) -> None:
    # Given two who are connected
    session = sign_up(anyone)
    ada = Api(anyone.http, session["accessToken"])
    async with ada.subscribed(UPDATES) as adas, ben.subscribed(UPDATES) as bens:
        # When one logs out elsewhere, and the other's account is deactivated
        anyone(LOG_OUT, token=session["refreshToken"])
        email = ben("{ me { email } }").data["me"]["email"]
        path = urlsplit(api_settings.resolved_database_url).path
        with sqlite3.connect(path, timeout=10) as database:
            database.execute("UPDATE users SET is_active = 0 WHERE email = ?", (email,))
        database.close()
        # Then both are sent away
        endings = await asyncio.gather(ending(adas, 10), ending(bens, 10))
    assert [code for code, _ in endings] == [4403, 4403]
    assert "session has ended" in endings[0][1]
    assert "deactivated" in endings[1][1]


# Operations


async def test_queries_and_mutations_run_over_a_socket(ada: Api) -> None:
    video_id = create(ada)
    async with ada.websocket() as websocket:
        await websocket.begin({"authorization": f"Bearer {ada.token}"})
        await websocket.subscribe(RENAME, id=video_id, title="by socket")
        assert await websocket.next() == {"updateVideo": {"video": {"title": "by socket"}, "userErrors": []}}
        assert await websocket.receive() == {"id": "1", "type": "complete"}
        # And the id is free again
        await websocket.subscribe("query ($id: ID!) { video(id: $id) { title } }", id=video_id)
        assert await websocket.next() == {"video": {"title": "by socket"}}


async def test_one_of_several_operations_is_chosen_by_its_name(anyone: Api) -> None:
    query = f"query A {LIMITS} query B {{ __typename }}"
    async with anyone.websocket() as websocket:
        await websocket.begin()
        payload = {"query": query, "operationName": "B"}
        await websocket.send({"id": "1", "type": "subscribe", "payload": payload})
        assert await websocket.next() == {"__typename": "Query"}
        assert (await websocket.receive())["type"] == "complete"
        await websocket.send({"id": "1", "type": "subscribe", "payload": payload | {"operationName": "C"}})
        refusal = await websocket.receive()
        assert refusal["type"] == "error"
        assert refusal["payload"][0]["extensions"]["code"] == "OPERATION_RESOLUTION_FAILURE"


async def test_a_persisted_query_runs_by_its_hash(anyone: Api) -> None:
    query = "query Persisted { server { maxScenes } }"
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": sha256(query.encode()).hexdigest()}}
    async with anyone.websocket() as websocket:
        await websocket.begin()
        await websocket.send({"id": "1", "type": "subscribe", "payload": {"extensions": extensions}})
        refusal = await websocket.receive()
        assert refusal["type"] == "error"
        assert refusal["payload"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
        for payload in ({"query": query, "extensions": extensions}, {"extensions": extensions}):
            await websocket.send({"id": "1", "type": "subscribe", "payload": payload})
            assert (await websocket.next())["server"] == {"maxScenes": 50}
            assert (await websocket.receive())["type"] == "complete"


@pytest.mark.parametrize("query", ["{", "subscription { nothing }", "{ a b: c(", ""])
async def test_a_document_that_is_refused_leaves_the_sockets_other_operations_alone(
    ada: Api, query: str
) -> None:
    video_id = create(ada)
    async with ada.subscribed(STATUS, id=video_id) as watcher:
        await watcher.next()
        await watcher.send({"id": "2", "type": "subscribe", "payload": {"query": query}})
        refusal = await watcher.receive()
        assert (refusal["id"], refusal["type"]) == ("2", "error")
        assert refusal["payload"][0]["message"]
        assert refusal["payload"][0]["extensions"]["code"]
        await asyncio.to_thread(lambda: ada(RENAME, id=video_id, title="on it goes").data)
        assert (await watcher.next())["videoStatus"]["video"]["title"] == "on it goes"


async def test_an_id_that_is_in_use_closes_the_socket(ada: Api) -> None:
    async with ada.subscribed(UPDATES) as watcher:
        await watcher.subscribe(UPDATES)
        assert await ending(watcher) == (4409, "Subscriber for 1 already exists")
    # A reason has room for 123 bytes, however long the id is
    async with ada.subscribed(UPDATES) as watcher:
        for _ in range(2):
            await watcher.send({"id": "é" * 200, "type": "subscribe", "payload": {"query": UPDATES}})
        assert await closing_code(watcher) == 4409


async def test_an_id_may_be_used_again_once_the_client_has_completed_it(ada: Api) -> None:
    async with ada.subscribed(UPDATES) as watcher:
        await watcher.send({"id": "1", "type": "complete"})
        await watcher.send({"id": "never used", "type": "complete"})
        await watcher.subscribe(LIMITS)
        assert await watcher.next() == {"server": {"maxScenes": 50}}
        assert await watcher.receive() == {"id": "1", "type": "complete"}


# Limits


async def test_a_connection_carries_so_many_subscriptions(strict: Api) -> None:
    async with strict.subscribed(UPDATES) as watcher:
        for id in ("2", "3"):
            await watcher.send({"id": id, "type": "subscribe", "payload": {"query": UPDATES}})
        await watcher.send({"id": "2", "type": "complete"})
        await watcher.send({"id": "4", "type": "subscribe", "payload": {"query": UPDATES}})
        await watcher.send({"type": "ping"})
        assert await watcher.receive() == {"type": "pong"}
        await watcher.send({"id": "5", "type": "subscribe", "payload": {"query": UPDATES}})
        code, reason = await ending(watcher)
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
            code, reason = await ending(third)
        # Then it is refused
        assert code == 4429
        assert reason.startswith("Too many connections. At most 2 connections of your account")
        # And theirs count for nobody else: the address may open as many anonymous ones as it could
        async with opened(strict, 4) as anonymous:
            for websocket in anonymous:
                await websocket.begin()
            async with strict.websocket() as one_more:
                code, reason = await ending(one_more)
            assert code == 4429
            assert reason.startswith("Too many connections. At most 4 connections of your address")
    # And when they have left there is room again
    await asyncio.sleep(0.2)
    async with strict.websocket() as again:
        await again.begin(credentials)


@asynccontextmanager
async def opened(api: Api, count: int) -> AsyncIterator[list[Socket]]:
    if count == 0:
        yield []
        return
    async with api.websocket() as websocket, opened(api, count - 1) as others:
        yield [websocket, *others]


# Clients that do not read


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
