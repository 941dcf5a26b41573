"""Videos rendered within the server: the whole way but for the renderer, whose process is a stand-in."""

import asyncio
import time
from datetime import timedelta

import pytest

from heygen_graphql.database import Database
from heygen_graphql.errors import BadSettings
from heygen_graphql.events import LocalHub
from heygen_graphql.settings import Settings
from heygen_graphql.tables import VideoStatus, utc_now
from tests.jobs.serving import children, files, server
from tests.jobs.videos import (
    SLOW,
    add_video,
    change,
    is_drawing,
    load,
    statuses,
    storyboard,
    wait_for,
    wait_for_end,
)
from tests.servers import SLACK, alive


async def test_a_video_is_rendered_and_its_files_are_published(settings: Settings, sqlite: Database) -> None:
    async with server(settings, sqlite) as queue:
        video_id = await add_video(sqlite)
        await queue.hint(video_id)
        video = await wait_for_end(sqlite, video_id)

    assert (video.status, video.stage, video.progress) == (VideoStatus.COMPLETED, None, 1.0)
    assert video.files_prefix == f"videos/{video_id}/1"
    assert files(settings) == [
        f"{video.files_prefix}/{name}"
        for name in ("captions.srt", "captions.vtt", "thumbnail.jpg", "video.mp4")
    ]
    assert video.transcript == [{"text": "Hi", "start_seconds": 0.0, "end_seconds": 0.5, "scene_index": 0}]
    assert video.duration_seconds == 1.5
    assert video.processing_seconds is not None
    assert await statuses(sqlite, video_id) == [VideoStatus.PROCESSING, VideoStatus.COMPLETED]
    assert list((settings.data_dir / "work").iterdir()) == []


async def test_a_video_whose_hint_was_lost_is_rendered(settings: Settings, sqlite: Database) -> None:
    async with server(settings, sqlite):
        video_id = await add_video(sqlite)
        assert (await wait_for_end(sqlite, video_id)).status is VideoStatus.COMPLETED


async def test_many_hints_make_one_render(settings: Settings, sqlite: Database) -> None:
    async with server(settings.model_copy(update={"workers": 4}), sqlite) as queue:
        video_id = await add_video(sqlite, {"steps": 5, "step_seconds": 0.1})
        await asyncio.gather(*(queue.hint(video_id) for _ in range(20)))
        await wait_for_end(sqlite, video_id)
        await asyncio.sleep(0.5)
    assert (await load(sqlite, video_id)).attempt == 1


async def test_as_many_are_rendered_at_once_as_are_set_in_the_order_they_came(
    settings: Settings, sqlite: Database
) -> None:
    async with server(settings.model_copy(update={"workers": 2}), sqlite) as queue:
        ids = [await add_video(sqlite, {"steps": 2, "step_seconds": 0.2}) for _ in range(6)]
        for video_id in ids:
            await queue.hint(video_id)
        most = 0
        for video_id in ids:
            while not (await load(sqlite, video_id)).status.is_final:
                most = max(most, len(children()))
                await asyncio.sleep(0.01)
    rendered = [await load(sqlite, video_id) for video_id in ids]
    started = [video.started_at for video in rendered if video.started_at]
    # Two that begin in the same moment may change places.
    assert all(early < late for early, late in zip(started, started[2:], strict=False))
    assert most == 2


async def test_progress_never_falls_and_is_written_at_most_four_times_a_second(
    settings: Settings, sqlite: Database
) -> None:
    hub = LocalHub()
    wobbly = [0.1, 0.3, 0.2, 0.5, 0.4] * 20
    seen: list[tuple[float, float, int]] = []
    async with server(settings, sqlite, hub) as queue:
        video_id = await add_video(sqlite, {"fractions": wobbly, "step_seconds": 0.02})
        async with hub.subscribe(video_id=video_id) as subscription:
            await queue.hint(video_id)
            while not (video := await load(sqlite, video_id)).status.is_final:
                if await subscription.next(2) is not None:
                    video = await load(sqlite, video_id)
                    seen.append((time.monotonic(), video.progress, video.version))
    progress = [fraction for _, fraction, _ in seen]
    assert progress == sorted(progress)
    assert len({*progress}) > 2
    began, ended = seen[0], seen[-1]
    assert ended[2] - began[2] <= 4 * (ended[0] - began[0]) + 2


async def test_a_server_that_stops_gives_its_renders_back_within_two_seconds(
    settings: Settings, sqlite: Database
) -> None:
    async with server(settings, sqlite) as queue:
        video_id = await add_video(sqlite, SLOW)
        await queue.hint(video_id)
        await wait_for(sqlite, video_id, is_drawing)
        processes = children()
        began = time.monotonic()
    assert time.monotonic() - began < 2 * SLACK
    assert alive(processes) == []
    video = await load(sqlite, video_id)
    assert (video.status, video.failures, video.progress) == (VideoStatus.PENDING, 0, 0.0)

    # And the next one takes it up at once
    await change(sqlite, video_id, storyboard=storyboard())
    async with server(settings, sqlite):
        assert (await wait_for_end(sqlite, video_id, seconds=15)).status is VideoStatus.COMPLETED


async def test_a_second_server_on_the_same_data_directory_refuses_to_start(
    settings: Settings, sqlite: Database
) -> None:
    async with server(settings, sqlite):
        with pytest.raises(BadSettings, match="another server uses DATA_DIR"):
            async with server(settings, sqlite):
                raise AssertionError
    async with server(settings, sqlite):
        pass


async def test_what_a_killed_predecessor_had_in_hand_begins_anew_at_once(
    settings: Settings, sqlite: Database
) -> None:
    # Given a video claimed and another that waited in a server that was killed a moment ago
    soon = utc_now() + timedelta(seconds=30)
    claimed = await add_video(
        sqlite, status=VideoStatus.PROCESSING, attempt=1, fence=1, lease_expires_at=soon
    )
    waiting = await add_video(sqlite)
    async with server(settings, sqlite):
        # Then neither waits for the lease to end, nor for a message
        ended = [await wait_for_end(sqlite, video_id, seconds=15) for video_id in (claimed, waiting)]
    assert [(video.status, video.attempt, video.failures, video.losses) for video in ended] == [
        (VideoStatus.COMPLETED, 2, 0, 1),
        (VideoStatus.COMPLETED, 1, 0, 0),
    ]
