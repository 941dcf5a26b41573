import asyncio
import contextlib
import hashlib
import sqlite3
import time
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from heygen_graphql.events import VideoChanged, open_hub
from heygen_graphql.globalids import uuid_of
from heygen_graphql.settings import Settings
from tests.api.serving import Api, Socket, changed, served, sign_up
from tests.api.test_videos import create
from tests.servers import SLACK, Postgres, free_port, wait_until

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


async def in_thread(api: Api, query: str, **variables: object) -> None:
    await asyncio.to_thread(lambda: api(query, **variables).data)


async def until_heard(watcher: Socket, api: Api, video_id: str) -> str:
    """Rename the video until the updates tell of it, which shows that their subscription stands; its name."""
    for number in range(30):
        await in_thread(api, RENAME, id=video_id, title=str(number))
        with contextlib.suppress(TimeoutError):
            while (await watcher.next(seconds=1))["videoUpdates"]["video"]["title"] != str(number):
                continue
            return str(number)
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


async def test_changes_that_nobody_tells_of_are_found_and_old_news_are_no_news(
    ada: Api, api_settings: Settings
) -> None:
    # Given somebody who watches
    video_id = create(ada, title="first")
    row_id = uuid_of(video_id, "Video")
    assert row_id is not None
    async with ada.subscribed(STATUS, id=video_id) as watcher, open_hub(api_settings.redis_url) as hub:
        before = (await watcher.next())["videoStatus"]
        # When it changes by another's hand, who tells nobody
        by_hand(api_settings, "title = 'second', version = version + 3", video_id)
        # Then they see it at the next look
        after = (await watcher.next(seconds=2 * SLACK))["videoStatus"]
        assert (after["video"]["title"], after["version"]) == ("second", before["version"] + 3)
        # And when earlier changes are told late, twice, or of a version that is yet to come
        for version in (1, before["version"], after["version"], after["version"], after["version"] + 1):
            await hub.publish(VideoChanged(row_id, uuid4(), version))
        # Then nothing is told again
        with pytest.raises(TimeoutError):
            await watcher.receive(seconds=2.5)
        await in_thread(ada, CANCEL, id=video_id)
        ended = (await watcher.next())["videoStatus"]
        assert (ended["video"]["status"], ended["version"]) == ("CANCELED", after["version"] + 1)


async def test_a_video_that_cannot_be_read_keeps_nobody_from_watching_others(
    ada: Api, api_settings: Settings
) -> None:
    broken, whole = create(ada), create(ada)
    watching = "subscription ($id: ID!) { videoStatus(id: $id) { video { title } } }"
    async with (
        ada.subscribed(watching, id=broken) as of_broken,
        ada.subscribed(watching, id=whole) as of_whole,
    ):
        await asyncio.gather(of_broken.next(), of_whole.next())
        # When both have changed by the next look, one in a way that nobody can read
        by_hand(api_settings, "storyboard = 'no JSON', version = version + 1", broken)
        by_hand(api_settings, "title = 'new', version = version + 1", whole)
        # Then the other is told
        assert (await of_whole.next(seconds=2 * SLACK))["videoStatus"]["video"]["title"] == "new"
    by_hand(api_settings, "storyboard = '{}', deleted_at = CURRENT_TIMESTAMP", broken)


def by_hand(settings: Settings, change: str, video_id: str) -> None:
    row_id = uuid_of(video_id, "Video")
    assert row_id is not None
    path = urlsplit(settings.resolved_database_url).path
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as database:
        assert database.execute(f"UPDATE videos SET {change} WHERE id = ?", (row_id.hex,)).rowcount == 1
        database.commit()


async def test_watchers_that_go_away_leave_nothing_behind(ada: Api) -> None:
    def watched() -> float:
        return ada.metric("graphql_subscriptions_active")

    video_id = create(ada)
    async with ada.subscribed(STATUS, id=video_id) as watcher, ada.subscribed(UPDATES):
        await asyncio.to_thread(wait_until, lambda: watched() >= 2, "watching")
        # One leaves politely, one vanishes.
        await watcher.send({"id": "1", "type": "complete"})
    await asyncio.to_thread(wait_until, lambda: watched() == 0, "forgetting the watchers")


async def test_watching_outlives_an_outage_of_the_database(
    api_settings: Settings, postgres: Postgres, tmp_path: Path
) -> None:
    # Given somebody who watches, at a server whose database can be cut off
    url = urlsplit(await asyncio.to_thread(postgres.new_database))
    async with Cut(url.port or 0) as cut:
        database_url = url._replace(netloc=f"postgres@127.0.0.1:{cut.port}").geturl()
        with (
            served(changed(api_settings, database_url=database_url)) as address,
            httpx.Client(base_url=address, timeout=30, trust_env=False) as http,
        ):
            try:
                ada = await asyncio.to_thread(Api(http).signed_in)
                video_id = await asyncio.to_thread(create, ada, title="before")
                async with ada.subscribed(STATUS, id=video_id) as watcher, ada.subscribed(UPDATES) as updates:
                    assert (await watcher.next())["videoStatus"]["video"]["title"] == "before"
                    title = await until_heard(updates, ada, video_id)
                    while (await watcher.next())["videoStatus"]["video"]["title"] != title:
                        continue
                    # When it is cut off for longer than watchers and their sign-in go unlooked at
                    await cut.off()
                    async with ada.websocket() as another:
                        await another.send(
                            {"type": "connection_init", "payload": {"authorization": ada.token}}
                        )
                        # Clients come again after this code, and not after one that is the server's fault.
                        assert await another.closing_code() == 1013
                    await asyncio.sleep(6)
                    await cut.on()
                    # Then they go on watching
                    await asyncio.to_thread(
                        wait_until,
                        lambda: "errors" not in ada(RENAME, id=video_id, title="after").response.json(),
                        "a renaming once the database is there again",
                    )
                    for socket, field in ((watcher, "videoStatus"), (updates, "videoUpdates")):
                        while (await socket.next())[field]["video"]["title"] != "after":
                            continue
            finally:
                # The server closes its connections while it keeps this loop, and the way with it, waiting.
                await cut.off()


async def test_an_event_that_the_database_cut_off_is_told_again(
    api_settings: Settings, postgres: Postgres
) -> None:
    # Given a server, and a video that has ended
    url = urlsplit(await asyncio.to_thread(postgres.new_database))
    async with Cut(url.port or 0) as cut:
        database_url = url._replace(netloc=f"postgres@127.0.0.1:{cut.port}").geturl()
        with (
            served(changed(api_settings, database_url=database_url)) as address,
            httpx.Client(base_url=address, timeout=30, trust_env=False) as http,
        ):
            try:
                ada = await asyncio.to_thread(Api(http).signed_in)
                video_id = await asyncio.to_thread(create, ada)
                await in_thread(ada, CANCEL, id=video_id)
                # When the database goes while the only event is made: as its owner's videos are counted
                cut.at = b"AS videos"
                watching = (
                    "subscription ($id: ID!) { videoStatus(id: $id) { video { owner { videosCount } } } }"
                )
                async with ada.subscribed(watching, id=video_id) as watcher:
                    cut_off = (await watcher.receive())["payload"]
                    # Then they are told of the outage, and soon the state and the end
                    assert [error["extensions"]["code"] for error in cut_off["errors"]] == ["UNAVAILABLE"]
                    assert (await watcher.next())["videoStatus"]["video"]["owner"] == {"videosCount": 1}
            finally:
                await cut.off()


class Cut:
    """A way to a port of this machine that can be cut."""

    at: bytes | None = None
    """Bytes that cut it by themselves, once."""

    def __init__(self, to: int) -> None:
        self.port = free_port()
        self._to = to
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "Cut":
        await self.on()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.off()

    async def on(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)

    async def off(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()
        await asyncio.sleep(0.1)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, other_writer}
        await asyncio.gather(self._pass_on(reader, other_writer), self._pass_on(other_reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.at is not None and self.at in data:
                    self.at = None
                    for one in self._open:
                        one.transport.abort()
                    self._open.clear()
                    return
                writer.write(data)
                await writer.drain()
        writer.close()


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
