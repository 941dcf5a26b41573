import asyncio
import sqlite3
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
from tests.api.serving import Api, changed, served, sign_up
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
        assert await websocket.closing_code() == 4400


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
        assert await websocket.closing_code() == 4400


async def test_a_message_that_is_too_large_closes_the_socket(strict: Api) -> None:
    async with strict.websocket() as websocket:
        await websocket.begin()
        await websocket.send({"type": "ping", "payload": {"text": "x" * 2000}})
        assert (await websocket.receive())["type"] == "pong"
        # Two bytes each in UTF-8
        await websocket.connection.send('{"type": "ping", "payload": {"text": "' + "é" * 1100 + '"}}')
        assert await websocket.ending() == (4400, "A message may have at most 2048 bytes")


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
        assert await websocket.ending() == (4401, "Unauthorized")


async def test_who_says_nothing_at_first_is_sent_away(strict: Api) -> None:
    async with strict.websocket() as websocket:
        await websocket.send({"type": "ping"})
        assert (await websocket.receive())["type"] == "pong"
        assert await websocket.ending(3) == (4408, "Connection initialisation timeout")


async def test_a_socket_begins_only_once(anyone: Api) -> None:
    async with anyone.websocket() as websocket:
        await websocket.begin()
        await websocket.send({"type": "connection_init"})
        assert await websocket.ending() == (4429, "Too many initialisation requests")


@pytest.mark.parametrize("protocols", [[Subprotocol("graphql-ws")], None])
async def test_only_the_present_protocol_is_spoken(anyone: Api, protocols: list[Subprotocol] | None) -> None:
    async with anyone.websocket(subprotocols=protocols) as websocket:
        assert await websocket.closing_code() == 4406


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
    with served(friends) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
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
        code, reason = await websocket.ending()
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
        code, reason = await websocket.ending(5)
    # Then the connection ends then, and not at the next look
    assert code == 4403
    assert reason == "Forbidden: what you signed in with has expired"
    assert 0.4 < (utc_now() - began).total_seconds() < 3
    async with ada.websocket() as websocket:
        await websocket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        assert await websocket.closing_code() == 4403


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
        endings = await asyncio.gather(adas.ending(10), bens.ending(10))
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
        assert await watcher.ending() == (4409, "Subscriber for 1 already exists")
    # A reason has room for 123 bytes, however long the id is
    async with ada.subscribed(UPDATES) as watcher:
        for _ in range(2):
            await watcher.send({"id": "é" * 200, "type": "subscribe", "payload": {"query": UPDATES}})
        assert await watcher.closing_code() == 4409


async def test_an_id_may_be_used_again_once_the_client_has_completed_it(ada: Api) -> None:
    async with ada.subscribed(UPDATES) as watcher:
        await watcher.send({"id": "1", "type": "complete"})
        await watcher.send({"id": "never used", "type": "complete"})
        await watcher.subscribe(LIMITS)
        assert await watcher.next() == {"server": {"maxScenes": 50}}
        assert await watcher.receive() == {"id": "1", "type": "complete"}
