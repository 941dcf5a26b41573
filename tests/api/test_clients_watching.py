"""The clients of npm that frontends watch with, against a live server."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.serving import Api, served
from tests.api.test_sockets import RENAME, token_that_expires
from tests.api.test_subscriptions import CANCEL, in_thread
from tests.api.test_videos import create
from tests.node_programs import run_node
from tests.servers import free_port, wait_until

BY_SOCKET = ["graphql-ws", "urql-ws", "apollo"]
BY_EVENTS = ["graphql-sse", "urql"]


async def watch(client: str, api: Api, video_id: str, *tokens: str | None) -> list[Any]:
    """What the client had to tell until its subscription was over."""
    url = str(api.http.base_url.join("/graphql"))
    told = await asyncio.to_thread(
        run_node, "watch.mjs", client, url, video_id, *(token or "" for token in tokens), seconds=45
    )
    return [json.loads(line) for line in told.splitlines()]


def watched(api: Api) -> float:
    """How many subscriptions are followed at this moment."""
    return api.metric("graphql_subscriptions_active")


async def until_watched(api: Api, by: int = 1) -> None:
    await asyncio.to_thread(wait_until, lambda: watched(api) >= by, "watching")


@pytest.mark.parametrize("client", [*BY_SOCKET, *BY_EVENTS])
async def test_a_client_watches_a_video_to_its_end(ada: Api, client: str) -> None:
    video_id = create(ada, title="first")
    await asyncio.to_thread(wait_until, lambda: watched(ada) == 0, "earlier watchers leaving")
    watching = asyncio.create_task(watch(client, ada, video_id, ada.token))
    await until_watched(ada)
    # Several changes in a moment may come as one, the first with what was there before.
    await asyncio.sleep(0.5)
    await in_thread(ada, RENAME, id=video_id, title="second")
    await asyncio.sleep(0.5)
    await in_thread(ada, CANCEL, id=video_id)
    told = [one for one in await watching if one != "connected"]
    assert [one for one in told if "title" in one] == [
        {"title": "first", "status": "PENDING"},
        {"title": "second", "status": "PENDING"},
        {"title": "second", "status": "CANCELED"},
    ]
    assert "complete" in told


@pytest.mark.parametrize("client", ["graphql-ws", "graphql-sse"])
async def test_a_client_comes_back_to_a_server_that_restarts(api_settings: Settings, client: str) -> None:
    # Given a client that watches
    port = free_port()
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http,
        served(api_settings, port),
    ):
        ada = Api(http).signed_in()
        video_id = create(ada, title="first")
        await asyncio.to_thread(wait_until, lambda: watched(ada) == 0, "earlier watchers leaving")
        watching = asyncio.create_task(watch(client, ada, video_id, ada.token))
        await until_watched(ada)
    # When the server goes, comes back, and the video ends only then
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http,
        served(api_settings, port),
    ):
        ada = Api(http, ada.token)
        await in_thread(ada, RENAME, id=video_id, title="second")
        await until_watched(ada)
        await in_thread(ada, CANCEL, id=video_id)
        told = await watching
    # Then it has come back, and seen the end
    assert told.count("connected") >= 2
    assert {"title": "first", "status": "PENDING"} in told
    assert {"title": "second", "status": "CANCELED"} in told
    assert "complete" in told


async def test_a_client_goes_on_with_a_new_token_when_its_old_one_expires(ada: Api) -> None:
    video_id = create(ada, title="first")
    await asyncio.to_thread(wait_until, lambda: watched(ada) == 0, "earlier watchers leaving")
    watching = asyncio.create_task(watch("graphql-ws", ada, video_id, token_that_expires(ada, 3), ada.token))
    await until_watched(ada)
    await asyncio.sleep(3.5)
    await until_watched(ada)
    await in_thread(ada, CANCEL, id=video_id)
    told = await watching
    pending, canceled = ({"title": "first", "status": status} for status in ("PENDING", "CANCELED"))
    assert told[:5] == ["connected", pending, {"closed": 4403}, "connected", pending]
    assert canceled in told
    assert "complete" in told


async def test_a_stream_whose_token_expires_tells_its_client_so(ada: Api) -> None:
    video_id = create(ada)
    told = await watch("graphql-sse", ada, video_id, token_that_expires(ada, 3))
    assert told[-2:] == [{"errors": ["UNAUTHENTICATED"]}, "complete"]


@pytest.mark.parametrize("client", [*BY_SOCKET, *BY_EVENTS])
async def test_a_client_that_may_not_come_in_is_told_so(ada: Api, client: str) -> None:
    told = await watch(client, ada, create(ada), "nonsense")
    refusals = [{"closed": 4403}] if client in BY_SOCKET else [{"errors": ["UNAUTHENTICATED"]}]
    assert all(refusal in told for refusal in refusals)
    assert not [one for one in told if "title" in one]
