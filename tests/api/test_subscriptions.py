import asyncio
import contextlib
import hashlib
import time
from pathlib import Path

import httpx
import pytest
import websockets
from websockets.typing import Subprotocol

from heygen_graphql.settings import Settings
from tests.api.serving import Api, Socket, served, sign_up
from tests.api.test_videos import create
from tests.servers import wait_until

STATUS = """
subscription ($id: ID!) {
  videoStatus(id: $id) { version video { id title status version queuePosition owner { videosCount } } }
}
"""
UPDATES = "subscription { videoUpdates { version video { id title status owner { videosCount } } } }"
RENAME = """
mutation ($id: ID!, $title: String!) {
  updateVideo(id: $id, input: { title: $title }) { video { version } userErrors { code } }
}
"""
CANCEL = "mutation ($id: ID!) { cancelVideo(id: $id) { userErrors { code } } }"
DELETE = "mutation ($id: ID!) { deleteVideo(id: $id) { userErrors { code } } }"
LOG_OUT = "mutation ($token: String!) { logOut(refreshToken: $token) { userErrors { code } } }"


async def in_thread(api: Api, query: str, **variables: object) -> None:
    await asyncio.to_thread(lambda: api(query, **variables).data)


async def until_heard(watcher: Socket, api: Api, video_id: str) -> None:
    """Rename the video until the updates tell of it, which shows that their subscription stands."""
    for number in range(30):
        await in_thread(api, RENAME, id=video_id, title=str(number))
        with contextlib.suppress(TimeoutError):
            while (await watcher.next(seconds=1))["videoUpdates"]["video"]["title"] != str(number):
                continue
            return
    raise AssertionError("no update was heard of")


async def test_a_watcher_sees_the_present_state_every_change_and_the_end(ada: Api) -> None:
    # Given somebody who watches a video
    video_id = create(ada, title="first")
    async with ada.subscribed(STATUS, id=video_id) as watcher:
        # Then they see it as it is
        event = (await watcher.next())["videoStatus"]
        assert (event["video"]["title"], event["video"]["status"]) == ("first", "PENDING")
        assert event["video"]["queuePosition"] >= 1
        # When it changes, and again
        changed, waits_seconds = event, []
        for title in ("second", "third", "fourth", "fifth"):
            began, before = time.monotonic(), changed
            await in_thread(ada, RENAME, id=video_id, title=title)
            changed = (await watcher.next())["videoStatus"]
            waits_seconds.append(time.monotonic() - began)
            assert changed["video"]["title"] == title
            assert changed["version"] > before["version"]
        # Then they are told at once: by looks alone, of which one has just been, it would be two seconds
        assert min(waits_seconds[1:]) < 1.5
        # When it ends, the subscription does too
        await in_thread(ada, CANCEL, id=video_id)
        ended = (await watcher.next())["videoStatus"]
        assert ended["video"] == changed["video"] | {
            "status": "CANCELED",
            "version": ended["version"],
            "queuePosition": None,
        }
        assert await watcher.receive() == {"id": "1", "type": "complete"}


async def test_watching_a_video_that_has_ended_tells_so_and_completes(ada: Api) -> None:
    video_id = create(ada)
    ada(CANCEL, id=video_id)
    async with ada.subscribed(STATUS, id=video_id) as watcher:
        assert (await watcher.next())["videoStatus"]["video"]["status"] == "CANCELED"
        assert (await watcher.receive())["type"] == "complete"


async def test_a_video_deleted_while_it_is_watched_completes_the_subscription(ada: Api) -> None:
    video_id = create(ada)
    async with ada.subscribed(STATUS, id=video_id) as watcher:
        await watcher.next()
        await in_thread(ada, DELETE, id=video_id)
        assert (await watcher.receive())["type"] == "complete"


async def test_anothers_video_cannot_be_watched_nor_one_that_does_not_exist(ada: Api, ben: Api) -> None:
    for video_id in (create(ada), "nonsense"):
        async with ben.subscribed(STATUS, id=video_id) as watcher:
            (error,) = (await watcher.receive())["payload"]["errors"]
            assert error["extensions"]["code"] == "BAD_USER_INPUT"
            assert error["message"] == "You have no video of this id."
            assert (await watcher.receive())["type"] == "complete"


async def test_updates_tell_of_every_video_of_the_viewer_and_of_nobody_elses(ada: Api, ben: Api) -> None:
    probe = create(ada)
    async with ada.subscribed(UPDATES) as watcher:
        await until_heard(watcher, ada, probe)
        await asyncio.to_thread(create, ben, title="theirs")
        first = await asyncio.to_thread(create, ada, title="one")
        told = (await watcher.next())["videoUpdates"]
        assert (told["video"]["id"], told["video"]["owner"]["videosCount"]) == (first, 2)
        second = await asyncio.to_thread(create, ada, title="two")
        told = (await watcher.next())["videoUpdates"]
        # The count is looked up anew for each event.
        assert (told["video"]["id"], told["video"]["owner"]["videosCount"]) == (second, 3)
        await in_thread(ada, CANCEL, id=first)
        told = (await watcher.next())["videoUpdates"]
        assert (told["video"]["id"], told["video"]["status"]) == (first, "CANCELED")
        with pytest.raises(TimeoutError):
            await watcher.receive(seconds=2.5)


async def test_several_operations_share_a_socket(ada: Api) -> None:
    one, two = create(ada, title="one"), create(ada, title="two")
    async with ada.subscribed(STATUS, id=one) as watcher:
        assert (await watcher.next())["videoStatus"]["video"]["title"] == "one"
        await watcher.send({"id": "2", "type": "subscribe", "payload": {"query": "{ me { videosCount } }"}})
        assert (await watcher.receive())["payload"]["data"] == {"me": {"videosCount": 2}}
        assert await watcher.receive() == {"id": "2", "type": "complete"}
        payload = {"query": STATUS, "variables": {"id": two}}
        await watcher.send({"id": "3", "type": "subscribe", "payload": payload})
        assert (await watcher.next())["videoStatus"]["video"]["title"] == "two"
        # When one is given up, the other goes on
        await watcher.send({"id": "3", "type": "complete"})
        await in_thread(ada, RENAME, id=one, title="renamed")
        message = await watcher.receive()
        assert message["id"] == "1"
        assert message["payload"]["data"]["videoStatus"]["video"]["title"] == "renamed"


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
async def test_a_socket_takes_the_token_of_its_first_message(ada: Api, name: str) -> None:
    async with ada.websocket() as websocket:
        await websocket.begin({name: f"Bearer {ada.token}"})
        await websocket.subscribe("{ me { videosCount } }")
        assert await websocket.next() == {"me": {"videosCount": 0}}


async def test_a_socket_takes_the_token_of_its_handshake(someone: Api) -> None:
    headers = {"Authorization": f"Bearer {someone.token}"}
    async with someone.websocket(additional_headers=headers) as websocket:
        await websocket.begin()
        await websocket.subscribe("{ me { isActive } }")
        assert await websocket.next() == {"me": {"isActive": True}}


async def test_a_socket_with_a_bad_token_is_closed_and_one_without_sees_only_what_is_public(
    anyone: Api,
) -> None:
    async with anyone.websocket() as websocket:
        await websocket.send({"type": "connection_init", "payload": {"Authorization": "Bearer nonsense"}})
        assert await closing_code(websocket) == 4403

    async with anyone.subscribed(UPDATES) as websocket:
        (error,) = (await websocket.receive())["payload"]["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert (await websocket.receive())["type"] == "complete"
        await websocket.subscribe("{ server { maxScenes } }")
        assert await websocket.next() == {"server": {"maxScenes": 50}}


@pytest.mark.parametrize(
    "text", ["{", "[]", "1", "null", '"text"', '{"type": "connection_init", "payload": []}']
)
async def test_a_message_that_is_none_of_the_protocol_closes_the_socket(anyone: Api, text: str) -> None:
    async with anyone.websocket() as websocket:
        await websocket.connection.send(text)
        assert await closing_code(websocket) == 4400


@pytest.mark.parametrize(
    "message",
    [
        {"type": "subscribe", "payload": {"query": "{ me { id } }"}},
        {"type": "subscribe", "id": "1"},
        {"type": "subscribe", "id": "1", "payload": []},
        {"type": "subscribe", "id": "1", "payload": {"query": 1}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{ me { id } }", "variables": []}},
        {"type": "complete"},
        {"type": "what is this"},
        {"id": "1"},
    ],
)
async def test_a_message_of_the_wrong_shape_closes_the_socket(
    anyone: Api, message: dict[str, object]
) -> None:
    async with anyone.websocket() as websocket:
        await websocket.begin()
        await websocket.send(message)
        assert await closing_code(websocket) == 4400


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
        await in_thread(ada, CANCEL, id=video_id)
        assert (await watcher.next())["videoStatus"]["video"]["status"] == "CANCELED"


async def test_nothing_is_executed_before_the_first_message(anyone: Api) -> None:
    async with anyone.websocket() as websocket:
        await websocket.subscribe("{ server { maxScenes } }")
        assert await closing_code(websocket) == 4401


async def test_only_the_present_protocol_is_spoken(anyone: Api) -> None:
    async with anyone.websocket(subprotocols=[Subprotocol("graphql-ws")]) as websocket:
        assert await closing_code(websocket) == 4406


async def test_a_page_of_another_site_may_not_open_a_socket(anyone: Api) -> None:
    with pytest.raises(websockets.InvalidStatus) as refusal:
        async with anyone.websocket(origin="https://elsewhere.example"):
            pass
    assert refusal.value.response.status_code == 403


async def test_a_subscription_ends_when_its_session_does(anyone: Api) -> None:
    # Given somebody who watches their videos
    session = sign_up(anyone)
    ada = Api(anyone.http, session["accessToken"])
    video_id = create(ada)
    async with ada.subscribed(UPDATES) as watcher:
        await until_heard(watcher, ada, video_id)
        # When they log out elsewhere
        await in_thread(anyone, LOG_OUT, token=session["refreshToken"])
        # Then they are told so within seconds
        message = await watcher.receive(seconds=30)
        assert message["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert (await watcher.receive())["type"] == "complete"


async def test_watchers_that_go_away_leave_nothing_behind(ada: Api) -> None:
    def watched() -> float:
        metrics = ada.http.get("/metrics").text
        (line,) = [one for one in metrics.splitlines() if one.startswith("graphql_subscriptions_active ")]
        return float(line.split()[1])

    video_id = create(ada)
    async with ada.subscribed(STATUS, id=video_id) as watcher, ada.subscribed(UPDATES):
        await asyncio.to_thread(wait_until, lambda: watched() >= 2, "watching")
        # One leaves politely, one vanishes.
        await watcher.send({"id": "1", "type": "complete"})
    await asyncio.to_thread(wait_until, lambda: watched() == 0, "forgetting the watchers")


async def test_a_video_is_watched_from_its_creation_to_its_film(sqlite_url: str, tmp_path: Path) -> None:
    # Given the whole server in one process
    settings = Settings(_env_file=None, database_url=sqlite_url, data_dir=tmp_path / "data")
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        ada = Api(http, sign_up(Api(http))["accessToken"])
        # When a video is made and watched
        video_id = create(ada, script="Hello.", quality="LOW", aspectRatio="SQUARE", captionStyle="NONE")
        query = """
        subscription ($id: ID!) { videoStatus(id: $id) {
          version
          video {
            status stage progress url durationSeconds fileSizeBytes sha256
            scenes { startSeconds durationSeconds }
            transcript { text startSeconds endSeconds sceneIndex }
            qualityReport { audioVideoOffsetMs loudnessLufs truePeakDbtp blackFrames missingGlyphs }
          }
        } }
        """
        events = []
        async with ada.subscribed(query, id=video_id) as watcher:
            while (message := await watcher.receive(seconds=60))["type"] == "next":
                events.append(message["payload"]["data"]["videoStatus"])
        # Then versions and progress only grow, and at the end there is a film
        assert message == {"id": "1", "type": "complete"}
        versions = [event["version"] for event in events]
        assert versions == sorted(set(versions))
        progress = [event["video"]["progress"] for event in events]
        assert progress == sorted(progress)
        video = events[-1]["video"]
        assert (video["status"], video["stage"], video["progress"]) == ("COMPLETED", None, 1)
        assert [word["text"] for word in video["transcript"]] == ["Hello."]
        assert video["scenes"] == [{"startSeconds": 0, "durationSeconds": video["durationSeconds"]}]
        assert video["qualityReport"]["blackFrames"] == 0
        film = await asyncio.to_thread(http.get, video["url"])
        assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")
        assert len(film.content) == video["fileSizeBytes"]
        assert hashlib.sha256(film.content).hexdigest() == video["sha256"]


async def closing_code(websocket: Socket) -> int:
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await websocket.receive()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code
