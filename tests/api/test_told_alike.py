"""An event is made once for those who are told the very same, and for nobody else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.people import superuser
from tests.api.serving import Api, Socket, changed, served
from tests.api.test_subscriptions import CANCEL, RENAME, in_thread
from tests.api.test_videos import create

STATUS = "subscription ($id: ID!) { videoStatus(id: $id) { version video { title status } } }"
CREATE_KEY = 'mutation { createApiKey(input: { name: "watcher" }) { key userErrors { code } } }'


@asynccontextmanager
async def watching(watches: Sequence[tuple[Api, str, dict[str, Any]]]) -> AsyncIterator[list[Socket]]:
    """Each on a socket of its own, past its first event."""
    async with AsyncExitStack() as stack:
        sockets = []
        for api, query, variables in watches:
            sockets.append(await stack.enter_async_context(api.subscribed(query, **variables)))
            assert (await sockets[-1].receive())["type"] == "next"
        yield sockets


async def titles_to_the_end(socket: Socket) -> list[str]:
    """What is told until the video is canceled; versions must grow."""
    titles, version = [], 0
    while (message := await socket.receive())["type"] == "next":
        event = message["payload"]["data"]["videoStatus"]
        assert event["version"] > version
        version = event["version"]
        titles.append(f"{event['video']['title']} {event['video']['status']}")
    assert message["type"] == "complete"
    return titles


async def test_many_who_watch_alike_are_all_told_of_the_change_and_the_end(ada: Api) -> None:
    video_id = create(ada, title="first")
    async with watching([(ada, STATUS, {"id": video_id})] * 30) as sockets:
        await in_thread(ada, RENAME, id=video_id, title="second")
        telling = [asyncio.create_task(titles_to_the_end(socket)) for socket in sockets]
        await asyncio.sleep(0.5)
        await in_thread(ada, CANCEL, id=video_id)
        for titles in await asyncio.gather(*telling):
            assert titles == ["second PENDING", "second CANCELED"]


async def test_ids_of_their_own_come_back_to_those_who_are_told_alike(ada: Api) -> None:
    video_id = create(ada)
    async with ada.subscribed(STATUS, id=video_id) as socket:
        odd = 'two "quoted" \\ ünïcode'
        payload = {"query": STATUS, "variables": {"id": video_id}}
        await socket.send({"id": odd, "type": "subscribe", "payload": payload})
        assert {(await socket.receive())["id"] for _ in range(2)} == {"1", odd}
        await in_thread(ada, RENAME, id=video_id, title="renamed")
        told = [await socket.receive() for _ in range(2)]
    assert {one["id"] for one in told} == {"1", odd}
    assert told[0]["payload"] == told[1]["payload"]


async def test_documents_variables_and_operations_of_their_own_are_told_by_themselves(ada: Api) -> None:
    video_id = create(ada)
    by_variable = """
    subscription ($id: ID!, $with: Boolean!) {
      videoStatus(id: $id) { video { title @include(if: $with) status @skip(if: $with) } }
    }
    """
    aliased = "subscription ($id: ID!) { told: videoStatus(id: $id) { video { title } } }"
    other = "subscription ($id: ID!) { videoStatus(id: $id) { video { script } } }"
    watches: list[tuple[Api, str, dict[str, Any]]] = [
        (ada, by_variable, {"id": video_id, "with": True}),
        (ada, by_variable, {"id": video_id, "with": False}),
        (ada, aliased, {"id": video_id}),
        (ada, other, {"id": video_id}),
    ]
    two = f"""
    subscription A {{ videoStatus(id: "{video_id}") {{ video {{ title }} }} }}
    subscription B {{ videoStatus(id: "{video_id}") {{ version }} }}
    """
    async with watching(watches) as sockets:
        for name in ("A", "B"):
            payload = {"query": two, "operationName": name}
            await sockets[0].send({"id": name, "type": "subscribe", "payload": payload})
            assert (await sockets[0].receive())["id"] == name
        await in_thread(ada, RENAME, id=video_id, title="new")
        several = {}
        for _ in range(3):
            message = await sockets[0].receive()
            several[message["id"]] = message["payload"]["data"]
        told = [several["1"], *[await socket.next() for socket in sockets[1:]]]
    assert told == [
        {"videoStatus": {"video": {"title": "new"}}},
        {"videoStatus": {"video": {"status": "PENDING"}}},
        {"told": {"video": {"title": "new"}}},
        {"videoStatus": {"video": {"script": "Hello there."}}},
    ]
    assert several["A"] == {"videoStatus": {"video": {"title": "new"}}}
    assert list(several["B"]["videoStatus"]) == ["version"]


async def test_a_superuser_is_told_of_their_own_videos_alone_however_they_signed_in(
    anyone: Api, api_settings: Settings, ada: Api
) -> None:
    root = await superuser(anyone, api_settings)
    program = Api(root.http, root(CREATE_KEY).data["createApiKey"]["key"])
    adas, roots = create(ada, title="hers"), create(root, title="theirs")
    watches = [(one, STATUS, {"id": video}) for one, video in ((ada, adas), (root, roots), (program, roots))]
    async with watching(watches) as (of_ada, by_session, by_key):
        async with root.subscribed(STATUS, id=adas) as stranger:
            assert "errors" in (await stranger.receive())["payload"]
        await in_thread(ada, RENAME, id=adas, title="hers, new")
        await in_thread(root, RENAME, id=roots, title="theirs, new")
        assert (await of_ada.next())["videoStatus"]["video"]["title"] == "hers, new"
        for socket in (by_session, by_key):
            assert (await socket.next())["videoStatus"]["video"]["title"] == "theirs, new"


async def test_links_that_are_told_begin_with_the_address_that_the_watcher_came_to(
    ada: Api,
) -> None:
    video_id = create(ada)
    query = "subscription ($id: ID!) { videoStatus(id: $id) { video { title avatar { previewUrl } } } }"
    there = httpx.URL(str(ada.http.base_url).replace("127.0.0.1", "localhost"))
    async with watching([(ada, query, {"id": video_id})]) as (here,):
        with httpx.Client(base_url=there, timeout=30, trust_env=False) as http:
            async with watching([(Api(http, ada.token), query, {"id": video_id})]) as (elsewhere,):
                await in_thread(ada, RENAME, id=video_id, title="new")
                told = [
                    (await socket.next())["videoStatus"]["video"]["avatar"]["previewUrl"]
                    for socket in (here, elsewhere)
                ]
    assert [httpx.URL(url).host for url in told] == ["127.0.0.1", "localhost"]


async def test_errors_are_told_to_each_who_asked_for_them(ada: Api) -> None:
    # Given two who ask for something that cannot be answered
    video_id = create(ada)
    query = """
    subscription ($id: ID!) { videoStatus(id: $id) { video { title url(expiresInSeconds: 1) } } }
    """
    async with watching([(ada, query, {"id": video_id})] * 2) as sockets:
        await in_thread(ada, RENAME, id=video_id, title="new")
        for socket in sockets:
            payload = (await socket.receive())["payload"]
            assert payload["data"]["videoStatus"]["video"] == {"title": "new", "url": None}
            assert [error["extensions"]["code"] for error in payload["errors"]] == ["BAD_USER_INPUT"]


async def test_two_people_watch_their_own_videos_and_not_each_others(ada: Api, ben: Api) -> None:
    adas, bens = create(ada, title="hers"), create(ben, title="his")
    async with watching([(ada, STATUS, {"id": adas}), (ben, STATUS, {"id": bens})]) as (one, other):
        async with ben.subscribed(STATUS, id=adas) as stranger:
            assert "errors" in (await stranger.receive())["payload"]
        await in_thread(ada, RENAME, id=adas, title="hers, new")
        assert (await one.next())["videoStatus"]["video"]["title"] == "hers, new"
        with pytest.raises(TimeoutError):
            await other.receive(seconds=0.5)


async def test_a_watcher_who_comes_later_is_told_what_is_true_then(ada: Api) -> None:
    """A first event is made for whoever begins to watch, however lately another's was made."""
    video_id = create(ada, title="first")
    query = "subscription ($id: ID!) { videoStatus(id: $id) { video { title owner { fullName } } } }"
    rename = "mutation ($name: String) { updateMe(input: { fullName: $name }) { user { fullName } } }"
    async with watching([(ada, query, {"id": video_id})] * 2) as sockets:
        await in_thread(ada, RENAME, id=video_id, title="second")
        for socket in sockets:
            assert (await socket.next())["videoStatus"]["video"]["title"] == "second"
        await in_thread(ada, rename, name="Ada Byron")
        async with ada.subscribed(query, id=video_id) as later:
            told = (await later.next())["videoStatus"]["video"]
    assert told == {"title": "second", "owner": {"fullName": "Ada Byron"}}


async def test_an_event_is_paid_for_once_however_many_are_told_it(api_settings: Settings, ada: Api) -> None:
    # Given a server at which this person's watchers may take some two hundred points, and twenty of them
    settings = changed(api_settings, max_operation_cost=60, points_bucket=200, points_per_second=1)
    video_id = create(ada)
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        there = Api(http, ada.token)
        async with there.subscribed(STATUS, id=video_id) as socket:
            for number in range(2, 12):
                payload = {"query": STATUS, "variables": {"id": video_id}}
                await socket.send({"id": str(number), "type": "subscribe", "payload": payload})
            for _ in range(11):
                assert (await socket.receive())["type"] == "next"
            # When the video changes 20 times, which for each of them would be 400 points
            for title in range(20):
                await in_thread(ada, RENAME, id=video_id, title=str(title))
                for _ in range(11):
                    event = (await socket.next(seconds=5))["videoStatus"]
                    # Then all are told at once
                    assert event["video"]["title"] == str(title)
