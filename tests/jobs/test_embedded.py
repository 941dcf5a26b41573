"""Videos rendered within the server: the whole way but for the renderer, whose process is a stand-in."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from sqlalchemy import select
from sqlmodel import col

from heygen_graphql import videos
from heygen_graphql.database import Database
from heygen_graphql.errors import BadSettings
from heygen_graphql.events import LocalHub
from heygen_graphql.settings import Settings
from heygen_graphql.tables import IdempotencyKey, Session, Video, VideoStatus, utc_now
from tests.jobs.lossy import lossy_way
from tests.jobs.serving import files, server
from tests.jobs.videos import (
    add_video,
    change,
    load,
    statuses,
    storyboard,
    wait_for,
    wait_for_end,
    wait_until_it_is,
)
from tests.servers import SLACK, alive, wait_until, wait_until_gone

SLOW = {"steps": 1000, "step_seconds": 0.05}


def children() -> list[psutil.Process]:
    return alive([child for child in psutil.Process().children() if is_render(child)])


def is_render(process: psutil.Process) -> bool:
    # One that ends meanwhile has no command line any more.
    with suppress(psutil.NoSuchProcess):
        return "tests.jobs.fake_child" in process.cmdline()
    return False


def is_drawing(video: Video) -> bool:
    return video.stage == "DRAWING"


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


async def test_a_deleted_video_is_gone_with_its_files(settings: Settings, sqlite: Database) -> None:
    async with server(settings, sqlite) as queue:
        video_id = await add_video(sqlite)
        await queue.hint(video_id)
        video = await wait_for_end(sqlite, video_id)
        await videos.delete(sqlite, video.owner_id, video_id)
        await queue.hint(video_id)
        await asyncio.to_thread(wait_until, lambda: files(settings) == [], "removing files", 10)
        await asyncio.to_thread(
            wait_until,
            lambda: not (settings.data_dir / "files" / "videos" / str(video_id)).exists(),
            "removing their folder",
            10,
        )


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

    # And the next one takes it up at once, not when its hint is taken for lost
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


async def test_a_render_goes_on_while_its_claim_was_taken_over_and_changes_nothing(
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


async def test_a_storage_that_fails_fails_the_attempt_and_not_the_worker(
    settings: Settings, sqlite: Database
) -> None:
    blocked = settings.data_dir / "files" / "videos"
    async with server(settings, sqlite) as queue:
        blocked.write_text("a file where a folder should be")
        video_id = await add_video(sqlite)
        await queue.hint(video_id)
        video = await wait_for(sqlite, video_id, lambda video: video.failures == 1)
        assert video.status is VideoStatus.PENDING
        blocked.unlink()
        assert (await wait_for_end(sqlite, video_id)).status is VideoStatus.COMPLETED


async def test_a_render_outlives_a_database_that_goes_away_for_a_while(
    settings: Settings, postgres_url: str
) -> None:
    async with lossy_way(postgres_url) as way:
        # Given a video in the middle of its render
        here, there = Database(postgres_url), Database(way.url)
        video_id = await add_video(here, {"steps": 10, "step_seconds": 0.1})
        async with server(settings, there) as queue:
            await queue.hint(video_id)
            await wait_for(here, video_id, is_drawing)

            # When the database goes away, until the render must have ended and its lease has run out
            way.close()
            await asyncio.sleep(settings.lease_seconds + 1)
            assert (await load(here, video_id)).status is VideoStatus.PROCESSING
            way.open()

            # Then that render is not lost
            video = await wait_for_end(here, video_id)
        assert (video.status, video.attempt) == (VideoStatus.COMPLETED, 1)
        await here.close()
        await there.close()


async def test_only_the_files_of_the_attempt_that_completed_stay(
    settings: Settings, sqlite: Database
) -> None:
    video_id = await add_video(sqlite, fence=3)
    for fence in (1, 3):
        left = settings.data_dir / "files" / "videos" / str(video_id) / str(fence) / "video.mp4"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"half")
    async with server(settings, sqlite) as queue:
        await queue.hint(video_id)
        await wait_for_end(sqlite, video_id)
        await asyncio.to_thread(wait_until, lambda: len(files(settings)) == 4, "tidying up", 10)
    assert {Path(name).parent.name for name in files(settings)} == {"4"}


async def test_a_video_that_failed_keeps_no_files_of_any_attempt(
    settings: Settings, sqlite: Database
) -> None:
    # Given the files of an attempt that was killed while it published
    failure = {"code": "BAD_SCRIPT", "message": "No.", "is_retryable": False}
    video_id = await add_video(sqlite, {"fail": failure}, fence=1)
    left = settings.data_dir / "files" / "videos" / str(video_id) / "1" / "video.mp4"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    async with server(settings, sqlite) as queue:
        # When the next attempt fails
        await queue.hint(video_id)
        assert (await wait_for_end(sqlite, video_id)).status is VideoStatus.FAILED
        # Then they go
        await asyncio.to_thread(wait_until, lambda: files(settings) == [], "tidying up", 10)


async def test_nothing_of_a_dead_process_stays_in_the_work_directory(
    settings: Settings, sqlite: Database
) -> None:
    left: list[UUID | str] = ["abc", "def"]
    for name in left:
        directory = settings.data_dir / "work" / str(name)
        directory.mkdir(parents=True)
        (directory / "video.mp4").write_bytes(os.urandom(10))
    async with server(settings, sqlite):
        assert list((settings.data_dir / "work").iterdir()) == []


async def test_sessions_and_idempotency_keys_are_forgotten_when_their_time_is_over(
    settings: Settings, sqlite: Database
) -> None:
    video_id = await add_video(sqlite)
    owner_id = (await load(sqlite, video_id)).owner_id
    now = utc_now()
    async with sqlite.transaction() as session:
        for name, age in (("old", timedelta(hours=25)), ("young", timedelta(hours=23))):
            session.add(Session(user_id=owner_id, token_hash=name, expires_at=now + timedelta(days=1) - age))
            session.add(
                IdempotencyKey(
                    owner_id=owner_id, key=name, request_hash="-", video_id=video_id, created_at=now - age
                )
            )

    async def only_the_young_are_left() -> bool:
        async with sqlite.reading() as session:
            hashes = await session.scalars(select(col(Session.token_hash)))
            keys = await session.scalars(select(col(IdempotencyKey.key)))
            return [*hashes, *keys] == ["young", "young"]

    async with server(settings, sqlite):
        await wait_until_it_is(only_the_young_are_left, "forgetting")


async def test_a_deleted_video_is_purged_though_no_hint_says_so_and_its_worker_died(
    settings: Settings, sqlite: Database
) -> None:
    # Given a video deleted in mid-render, whose worker died before it could tidy up
    settings = settings.model_copy(update={"lease_seconds": 60.0})
    video_id = await add_video(
        sqlite, status=VideoStatus.CANCELED, started_at=utc_now(), deleted_at=utc_now()
    )
    left = settings.data_dir / "files" / "videos" / str(video_id) / "1" / "video.mp4"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")

    async def is_gone() -> bool:
        async with sqlite.reading() as session:
            return await session.get(Video, video_id) is None

    async with server(settings, sqlite):
        # Then it is left alone for as long as a worker could still be writing
        await asyncio.sleep(0.5)
        assert files(settings) != []
        # And afterwards it goes
        await change(sqlite, video_id, deleted_at=utc_now() - timedelta(seconds=61))
        await wait_until_it_is(is_gone, "removing the row")
        # Files first
        assert files(settings) == []


async def test_a_long_queue_is_not_hinted_over_and_over(settings: Settings, sqlite: Database) -> None:
    """A worker that is busy for long does not find a heap of messages afterwards."""
    async with server(settings, sqlite) as queue:
        busy = await add_video(sqlite, SLOW)
        await queue.hint(busy)
        await wait_for(sqlite, busy, is_drawing)
        waiting = [await add_video(sqlite) for _ in range(80)]
        for video_id in waiting[:64]:
            await wait_for(sqlite, video_id, lambda video: video.hinted_at is not None)
        # Then, in the rounds of the sweep that follow, no others are
        await asyncio.sleep(0.5)
        hinted = [video_id for video_id in waiting if (await load(sqlite, video_id)).hinted_at]
    assert hinted == waiting[:64]


async def test_what_a_killed_predecessor_had_in_hand_begins_anew_at_once(
    settings: Settings, sqlite: Database
) -> None:
    # Given a video claimed and another hinted by a server that was killed a moment ago
    soon = utc_now() + timedelta(seconds=30)
    claimed = await add_video(
        sqlite, status=VideoStatus.PROCESSING, attempt=1, fence=1, lease_expires_at=soon
    )
    hinted = await add_video(sqlite, hinted_at=soon)
    async with server(settings, sqlite):
        # Then neither waits for the lease to end or for its hint to be taken for lost
        ended = [await wait_for_end(sqlite, video_id, seconds=15) for video_id in (claimed, hinted)]
    assert [(video.status, video.attempt, video.failures) for video in ended] == [
        (VideoStatus.COMPLETED, 2, 0),
        (VideoStatus.COMPLETED, 1, 0),
    ]
