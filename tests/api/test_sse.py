import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from heygen_graphql.settings import Settings
from heygen_graphql.tables import utc_now
from tests.api.serving import Api, changed, served
from tests.api.test_sockets import CREATE_KEY, LIMITS, RENAME, STATUS, UPDATES, token_that_expires
from tests.api.test_subscriptions import CANCEL, in_thread
from tests.api.test_videos import create
from tests.servers import HeygenServer, clean_environment, free_port, wait_until

EVENTS = {"Accept": "text/event-stream"}


@dataclass(frozen=True, slots=True)
class Stream:
    response: httpx.Response
    events: AsyncIterator[tuple[str, Any]]

    async def next(self, seconds: float = 15) -> Any:
        """The next result."""
        async with asyncio.timeout(seconds):
            name, data = await anext(self.events)
        assert name == "next"
        return data

    async def data(self, seconds: float = 15) -> Any:
        result = await self.next(seconds)
        assert "errors" not in result, result
        return result["data"]

    async def code(self, seconds: float = 15) -> str:
        """That of the only error of the next result."""
        (error,) = (await self.next(seconds))["errors"]
        code: str = error["extensions"]["code"]
        return code

    async def completes(self, seconds: float = 15) -> bool:
        """Whether the stream is completed next, and then over."""
        async with asyncio.timeout(seconds):
            return [event async for event in self.events] == [("complete", None)]


async def events_of(response: httpx.Response) -> AsyncGenerator[tuple[str, Any], None]:
    """Names and data, as https://html.spec.whatwg.org/multipage/server-sent-events.html has them read."""
    event: dict[str, str] = {}
    async for line in response.aiter_lines():
        if not line and event:
            yield event["event"], json.loads(event["data"]) if event["data"] else None
            event = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(":")
            event[name] = value.removeprefix(" ")


@asynccontextmanager
async def streamed(
    api: Api, query: str, /, *, variables: Any = None, **headers: str
) -> AsyncIterator[Stream]:
    credentials = {"Authorization": f"Bearer {api.token}"} if api.token else {}
    async with (
        httpx.AsyncClient(base_url=api.http.base_url, timeout=30, trust_env=False) as http,
        http.stream(
            "POST",
            "/graphql",
            json={"query": query, "variables": variables},
            headers=EVENTS | credentials | headers,
        ) as response,
    ):
        assert response.status_code == 200, (await response.aread(), response.text)
        async with aclosing(events_of(response)) as events:
            yield Stream(response, events)


async def test_a_watcher_sees_the_present_state_every_change_and_the_end(ada: Api) -> None:
    # Given somebody who watches a video by server-sent events, and takes gzip
    video_id = create(ada, title="first")
    gzip = {"Accept-Encoding": "gzip"}
    async with streamed(ada, STATUS, variables={"id": video_id}, **gzip) as watcher:
        # Then nothing on the way will hold events back
        assert watcher.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert watcher.response.headers["cache-control"] == "no-store"
        assert "content-encoding" not in watcher.response.headers
        # And they see it as it is, each change when it happens, and the end
        assert (await watcher.data())["videoStatus"]["video"]["title"] == "first"
        for title in ("second", "third"):
            await in_thread(ada, RENAME, id=video_id, title=title)
            assert (await watcher.data())["videoStatus"]["video"]["title"] == title
        await in_thread(ada, CANCEL, id=video_id)
        assert (await watcher.data())["videoStatus"]["video"]["status"] == "CANCELED"
        assert await watcher.completes()
    # And whoever comes late sees the end
    async with streamed(ada, STATUS, variables={"id": video_id}) as watcher:
        assert (await watcher.data())["videoStatus"]["video"]["status"] == "CANCELED"
        assert await watcher.completes()


async def test_anothers_video_cannot_be_watched(ada: Api, ben: Api) -> None:
    video_id = create(ada)
    async with streamed(ben, STATUS, variables={"id": video_id}) as watcher:
        assert await watcher.code() == "BAD_USER_INPUT"
        assert await watcher.completes()


async def test_queries_and_mutations_are_answered_as_a_stream_of_one_result(ada: Api) -> None:
    video_id = create(ada)
    async with streamed(ada, RENAME, variables={"id": video_id, "title": "streamed"}) as stream:
        assert (await stream.data())["updateVideo"]["video"] == {"title": "streamed"}
        assert await stream.completes()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_document_that_is_refused_is_told_on_the_stream(anyone: Api, query: str, code: str) -> None:
    async with streamed(anyone, query) as stream:
        result = await stream.next()
        assert "data" not in result
        assert [error["extensions"]["code"] for error in result["errors"]] == [code]
        assert await stream.completes()


async def test_a_stream_is_asked_for_by_get_too_which_changes_nothing(ada: Api) -> None:
    video_id = create(ada, title="as it was")
    headers = EVENTS | {"Authorization": f"Bearer {ada.token}"}

    def told(query: str, **variables: str) -> str:
        parameters = {"query": query, "variables": json.dumps(variables)}
        return ada.http.get("/graphql", params=parameters, headers=headers).text

    assert '{"server":{"maxScenes":50}}' in told(LIMITS)
    assert "mutations are not allowed" in told(RENAME, id=video_id, title="by GET")
    ada(CANCEL, id=video_id)
    assert '"title":"as it was","status":"CANCELED"' in told(STATUS, id=video_id)


async def test_requests_that_are_no_graphql_are_refused_as_ever(anyone: Api) -> None:
    for status, options in (
        (400, {"content": "{", "headers": {"Content-Type": "application/json"}}),
        (400, {"json": [{"query": LIMITS}]}),
        (415, {"content": "query=", "headers": {"Content-Type": "text/plain"}}),
    ):
        options["headers"] = EVENTS | options.get("headers", {})  # type: ignore[operator]
        answer = anyone.http.post("/graphql", **options)
        assert answer.status_code == status
        assert answer.json()["errors"][0]["message"]


async def test_who_prefers_json_gets_no_stream(anyone: Api) -> None:
    accept = "application/graphql-response+json, application/json, text/event-stream"
    answer = anyone.send({"query": LIMITS}, Accept=accept)
    assert answer.response.headers["content-type"].startswith("application/graphql-response+json")
    assert answer.data == {"server": {"maxScenes": 50}}


async def test_a_stream_takes_credentials_of_its_headers(someone: Api) -> None:
    key = someone(CREATE_KEY).data["createApiKey"]["key"]
    anybody = Api(someone.http)
    async with streamed(anybody, "{ me { isActive } }", **{"X-API-Key": key}) as stream:
        assert await stream.data() == {"me": {"isActive": True}}
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        async with streamed(anybody, UPDATES, **headers) as stream:
            assert await stream.code() == "UNAUTHENTICATED"
            assert await stream.completes()


async def test_a_token_that_expires_ends_the_stream_at_that_moment(ada: Api) -> None:
    watcher = Api(ada.http, token_that_expires(ada, 1.5))
    began = utc_now()
    async with streamed(watcher, UPDATES) as stream:
        assert await stream.code(5) == "UNAUTHENTICATED"
        assert await stream.completes()
    assert 0.4 < (utc_now() - began).total_seconds() < 3


async def test_who_leaves_is_forgotten_at_once(ada: Api) -> None:
    def watched() -> float:
        return ada.metric("graphql_subscriptions_active")

    await asyncio.to_thread(wait_until, lambda: watched() == 0, "earlier watchers leaving")
    async with streamed(ada, UPDATES):
        await asyncio.to_thread(wait_until, lambda: watched() == 1, "watching")
    await asyncio.to_thread(wait_until, lambda: watched() == 0, "forgetting the watcher", 1)


@pytest.fixture(scope="module")
def strict(api_settings: Settings) -> Iterator[Api]:
    """Somebody at a server of low limits."""
    limits = {
        "max_connections_per_user": 2,
        "max_anonymous_connections_per_address": 1,
        "keep_alive_seconds": 0.2,
    }
    with (
        served(changed(api_settings, **limits)) as address,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as http,
    ):
        yield Api(http).signed_in()


async def test_streams_count_among_a_users_connections_as_websockets_do(strict: Api) -> None:
    credentials = {"authorization": f"Bearer {strict.token}"}
    async with strict.websocket() as websocket, streamed(strict, UPDATES):
        await websocket.begin(credentials)
        headers = EVENTS | credentials
        refusal = await asyncio.to_thread(
            lambda: strict.http.post("/graphql", json={"query": LIMITS}, headers=headers)
        )
        assert refusal.status_code == 429
        assert refusal.headers["retry-after"]
        assert refusal.json()["errors"][0]["extensions"]["code"] == "TOO_MANY_CONNECTIONS"
        # Plain requests are none of them.
        assert await asyncio.to_thread(lambda: strict(LIMITS).data)


async def test_a_silent_stream_is_kept_alive(strict: Api) -> None:
    async with streamed(strict, UPDATES) as stream, asyncio.timeout(5):
        comments = 0
        async for line in stream.response.aiter_lines():
            assert line in ("", ":")
            comments += line == ":"
            if comments == 4:
                break


async def test_a_server_that_stops_does_not_wait_for_its_streams(sqlite_url: str, tmp_path: Path) -> None:
    # Given a server with a watcher
    environment = clean_environment(DATABASE_URL=sqlite_url, DATA_DIR=str(tmp_path / "data"))
    server = HeygenServer("serve", environment, tmp_path, free_port())
    try:
        with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as http:
            async with streamed(Api(http).signed_in(), UPDATES) as stream:
                # When it is told to stop
                began = time.monotonic()
                stopping = asyncio.create_task(asyncio.to_thread(server.stop))
                # Then the stream ends, not as if it were complete, and the server with it
                assert [event async for event in stream.events] == []
            await stopping
            assert time.monotonic() - began < 4
    finally:
        server.close()
