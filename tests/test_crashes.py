"""What is promised when a server dies, is told to stop, or has too much to do."""

import asyncio
import base64
import hashlib
import random
import time
from pathlib import Path

import pytest

from tests.client import SHORT, signed_up
from tests.conftest import StartServer
from tests.servers import SLACK, alive, wait_until, wait_until_gone
from tests.test_journey import completions

VIDEOS = """
query { videos(first: 100) { totalCount edges { node { id status url sha256 } } } }
"""
CANCEL_VIDEO = """
mutation ($id: ID!) { cancelVideo(id: $id) { video { status } userErrors { code message } } }
"""
MEDIUM = {"script": "This one takes a little longer to draw. " * 5, "quality": "LOW"}
LONG = {"script": "This is a sentence that takes a while to draw. " * 15, "quality": "HIGH"}


async def test_a_server_killed_in_mid_render_finishes_every_video_once(
    server: StartServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    rounds: int = request.config.getoption("--crash-rounds")
    one = server("serve", VIDEOS_PER_MINUTE="1000", WORKERS="2")
    videos = []
    async with signed_up(one.url) as client:
        for _ in range(rounds):
            # When the server dies somewhere in a render
            videos += [await client.create_video(asked) for asked in (MEDIUM, SHORT)]
            await client.wait_for_progress(videos[-2])
            await asyncio.sleep(random.uniform(0, 0.5))
            orphans = one.kill_alone()
            one.start()
            wait_until_gone(orphans)

        # Then its next start finishes each video once
        for video_id in videos:
            events = await client.watch_to_end(video_id)
            assert events[-1]["video"]["status"] == "COMPLETED"
        found = (await client.execute(VIDEOS))["videos"]
        assert found["totalCount"] == len(videos)
        for edge in found["edges"]:
            film = (await client.http.get(edge["node"]["url"])).content
            assert hashlib.sha256(film).hexdigest() == edge["node"]["sha256"]
        counts = await completions(f"sqlite+aiosqlite:///{tmp_path / 'data' / 'heygen.db'}")
        assert sorted(counts.values()) == [1] * len(videos)

        # And what the dead left half made is gone
        assert list((tmp_path / "data" / "work").iterdir()) == []


async def test_a_canceled_render_ends_within_a_second_and_leaves_nothing(
    server: StartServer, tmp_path: Path
) -> None:
    # Given a video that is being drawn
    one = server("serve")
    async with signed_up(one.url) as client:
        video_id = await client.create_video(LONG)
        await client.wait_for_progress(video_id)
        assert one.children() != []
        # And one that waits behind it, of which a killed server left a part
        waiting_id = await client.create_video(SHORT)
        key = base64.urlsafe_b64decode(waiting_id).decode().removeprefix("Video:")
        left = tmp_path / "data" / "files" / "videos" / key / "0" / "video.mp4"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"half")
        await client.execute(CANCEL_VIDEO, id=waiting_id)

        # When its owner cancels it
        began = time.monotonic()
        payload = (await client.execute(CANCEL_VIDEO, id=video_id))["cancelVideo"]

        # Then it is canceled at once, and within a second nobody draws it
        assert payload == {"video": {"status": "CANCELED"}, "userErrors": []}
        wait_until(lambda: one.children() == [], "the render's end", seconds=10)
        assert time.monotonic() - began < 1 * SLACK
        assert (await client.watch_to_end(video_id))[-1]["video"]["status"] == "CANCELED"
        wait_until(lambda: not any((tmp_path / "data" / "work").iterdir()), "tidying up", seconds=10)
        stored = tmp_path / "data" / "files"
        wait_until(
            lambda: not any(path.is_file() for path in stored.rglob("*")),
            "removing what was stored",
            seconds=10,
        )


async def test_videos_created_all_at_once_all_complete(server: StartServer) -> None:
    one = server("serve", VIDEOS_PER_MINUTE="1000", WORKERS="2")
    async with signed_up(one.url) as client:
        videos = await asyncio.gather(*(client.create_video(SHORT) for _ in range(5)))
        endings = await asyncio.gather(*(client.watch_to_end(video_id) for video_id in videos))
    assert [events[-1]["video"]["status"] for events in endings] == ["COMPLETED"] * 5


async def test_a_server_told_to_stop_stops_and_takes_up_its_work_at_the_next_start(
    server: StartServer,
) -> None:
    # Given a video that is being drawn
    one = server("serve")
    async with signed_up(one.url) as client:
        video_id = await client.create_video(MEDIUM)
        await client.wait_for_progress(video_id)

        # When the server is told to stop, and later started again
        children = one.children()
        assert one.stop(seconds=15) == 0
        assert alive(children) == []
        one.start()

        # Then the video is finished
        events = await client.watch_to_end(video_id)
        assert events[-1]["video"]["status"] == "COMPLETED"
