"""How an attempt at a video ends, when it does not end well, and what comes after."""

import asyncio
import signal
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from heygen_graphql import videos
from heygen_graphql.database import Database
from heygen_graphql.settings import Settings
from heygen_graphql.tables import VideoStatus, utc_now
from tests.jobs.lossy import lossy_way
from tests.jobs.serving import children, files, server
from tests.jobs.videos import (
    SLOW,
    add_video,
    change,
    is_drawing,
    load,
    statuses,
    wait_for,
    wait_for_end,
)
from tests.servers import SLACK, wait_until, wait_until_gone


async def test_a_failure_that_may_pass_is_tried_again(
    settings: Settings, sqlite: Database, tmp_path: Path
) -> None:
    plan = {
        "fail": {"code": "SPEECH_FAILED", "message": "Broken.", "is_retryable": True},
        "only_attempts": 1,
        "count_in": str(tmp_path / "count"),
    }
    async with server(settings, sqlite) as queue:
        video_id = await add_video(sqlite, plan)
        await queue.hint(video_id)
        video = await wait_for_end(sqlite, video_id)
    assert (video.status, video.attempt, video.failures) == (VideoStatus.COMPLETED, 2, 1)
    assert video.failure_code is None
    assert await statuses(sqlite, video_id) == ["PROCESSING", "PENDING", "PROCESSING", "COMPLETED"]


async def test_who_has_no_room_for_a_render_takes_none(settings: Settings, sqlite: Database) -> None:
    work = settings.data_dir / "work"
    async with server(settings, sqlite) as queue:
        # Given a server whose scratch folder is gone
        work.rmdir()
        video_id = await add_video(sqlite)
        # When it is told of a video, and looks for itself
        await queue.hint(video_id)
        await asyncio.sleep(1)
        # Then the video has lost nothing, and is rendered once there is room
        video = await load(sqlite, video_id)
        assert (video.status, video.attempt, video.losses) == (VideoStatus.PENDING, 0, 0)
        work.mkdir()
        video = await wait_for_end(sqlite, video_id)
    assert (video.status, video.attempt) == (VideoStatus.COMPLETED, 1)


async def test_a_failure_that_will_not_pass_is_final(settings: Settings, sqlite: Database) -> None:
    failure = {"code": "UNSPEAKABLE_TEXT", "message": "No voice can read this. " * 50, "is_retryable": False}
    async with server(settings, sqlite) as queue:
        video_id = await add_video(sqlite, {"fail": failure})
        await queue.hint(video_id)
        video = await wait_for_end(sqlite, video_id)
    assert (video.status, video.failure_code) == (VideoStatus.FAILED, "UNSPEAKABLE_TEXT")
    assert video.failure_is_retryable is False
    assert video.failure_message is not None
    assert len(video.failure_message) == 500


@pytest.mark.parametrize(("number", "says"), [(signal.SIGKILL, "out of memory"), (signal.SIGSEGV, "SIGSEGV")])
async def test_a_render_that_was_killed_says_so(
    settings: Settings, sqlite: Database, number: signal.Signals, says: str
) -> None:
    async with server(settings.model_copy(update={"render_max_failures": 1}), sqlite) as queue:
        video_id = await add_video(sqlite, {"die_by": number, "noise": True})
        await queue.hint(video_id)
        video = await wait_for_end(sqlite, video_id)
    assert (video.status, video.failure_code) == (VideoStatus.FAILED, "RENDER_CRASHED")
    assert video.failure_message is not None
    assert says in video.failure_message
    assert video.failure_is_retryable


@pytest.mark.parametrize(("ignores_sigterm", "hard_limit_seconds"), [(False, 60.0), (True, 1.0)])
async def test_a_render_past_its_limits_is_ended_and_not_repeated(
    settings: Settings, sqlite: Database, ignores_sigterm: bool, hard_limit_seconds: float
) -> None:
    limits = {"render_soft_limit_seconds": 0.5, "render_hard_limit_seconds": hard_limit_seconds}
    async with server(settings.model_copy(update=limits), sqlite) as queue:
        video_id = await add_video(sqlite, {**SLOW, "ignores_sigterm": ignores_sigterm})
        await queue.hint(video_id)
        video = await wait_for_end(sqlite, video_id, seconds=20)
        assert children() == []
    assert (video.status, video.failure_code) == (VideoStatus.FAILED, "RENDER_TIMED_OUT")
    assert video.attempt == 1


async def test_a_canceled_render_is_dead_within_a_second_and_leaves_nothing(
    settings: Settings, sqlite: Database, tmp_path: Path
) -> None:
    # Given a render that has started another program
    pid_file = tmp_path / "pid"
    async with server(settings, sqlite) as queue:
        video_id = await add_video(sqlite, {**SLOW, "starts_program": str(pid_file)})
        await queue.hint(video_id)
        video = await wait_for(sqlite, video_id, is_drawing)
        processes = [*children(), psutil.Process(int(pid_file.read_text()))]
        assert len(processes) == 2

        # When it is canceled
        began = time.monotonic()
        await videos.cancel(sqlite, video.owner_id, video_id)

        # Then both are dead within a second, and no file of it is left
        await asyncio.to_thread(wait_until_gone, processes)
        assert time.monotonic() - began < 1 * SLACK
        await asyncio.to_thread(
            wait_until, lambda: not any((settings.data_dir / "work").iterdir()), "tidying up", 10
        )
        assert files(settings) == []
        assert (await load(sqlite, video_id)).status is VideoStatus.CANCELED

        # And the next video has its turn
        following = await add_video(sqlite)
        await queue.hint(following)
        assert (await wait_for_end(sqlite, following)).status is VideoStatus.COMPLETED


async def test_a_render_whose_claim_was_taken_over_ends_and_changes_nothing(
    settings: Settings, sqlite: Database
) -> None:
    async with server(settings, sqlite) as queue:
        video_id = await add_video(sqlite, SLOW)
        await queue.hint(video_id)
        await wait_for(sqlite, video_id, is_drawing)
        processes = children()

        # When another worker has taken the video over
        await change(sqlite, video_id, fence=7, lease_expires_at=utc_now() + timedelta(minutes=1))

        # Then the first one ends and leaves the row to the other
        await asyncio.to_thread(wait_until_gone, processes)
        await asyncio.sleep(0.2)
        video = await load(sqlite, video_id)
        assert (video.status, video.fence) == (VideoStatus.PROCESSING, 7)


async def test_a_storage_that_is_away_for_a_while_costs_the_video_nothing(
    settings: Settings, sqlite: Database
) -> None:
    blocked = settings.data_dir / "files" / "videos"
    async with server(settings, sqlite) as queue:
        # Given a storage that can be neither read nor written
        blocked.write_text("a file where a folder should be")
        video_id = await add_video(sqlite)
        await queue.hint(video_id)
        await wait_for(sqlite, video_id, lambda video: video.status is VideoStatus.PROCESSING)
        await asyncio.sleep(0.5)

        # When it is back
        blocked.unlink()

        # Then the attempt that has waited for it goes on
        video = await wait_for_end(sqlite, video_id)
    assert (video.status, video.attempt, video.failures) == (VideoStatus.COMPLETED, 1, 0)


async def test_a_render_outlives_a_database_that_goes_away_for_a_while(
    settings: Settings, postgres_url: str
) -> None:
    settings = settings.model_copy(update={"lease_seconds": 1.5})
    async with lossy_way(postgres_url) as way:
        # Given a video in the middle of its render
        here, there = Database(postgres_url), Database(way.url)
        video_id = await add_video(here, {"steps": 30, "step_seconds": 0.05})
        async with server(settings, there) as queue:
            await queue.hint(video_id)
            await wait_for(here, video_id, is_drawing)

            # When the database goes away, until the render must have ended and its lease has run out
            way.close()
            await asyncio.sleep(settings.lease_seconds + 0.5)
            assert (await load(here, video_id)).status is VideoStatus.PROCESSING
            way.open()

            # Then that render is not lost
            video = await wait_for_end(here, video_id)
        assert (video.status, video.attempt) == (VideoStatus.COMPLETED, 1)
        await here.close()
        await there.close()


async def test_a_video_that_takes_every_worker_with_it_is_given_up(
    settings: Settings, sqlite: Database
) -> None:
    # Given a video whose last allowed worker has gone silent
    video_id = await add_video(
        sqlite,
        status=VideoStatus.PROCESSING,
        attempt=25,
        fence=25,
        lease_expires_at=utc_now() + timedelta(minutes=1),
    )
    async with server(settings, sqlite):
        video = await wait_for_end(sqlite, video_id)
    assert (video.status, video.failure_code) == (VideoStatus.FAILED, "RENDER_ABANDONED")
    assert video.failure_message is not None
    assert "25 times" in video.failure_message
