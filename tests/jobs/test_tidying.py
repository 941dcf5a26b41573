"""What is removed, and when: files, rows, and what dead processes left."""

import asyncio
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlmodel import col

from heygen_graphql import videos
from heygen_graphql.database import Database
from heygen_graphql.settings import Settings
from heygen_graphql.tables import IdempotencyKey, Session, Video, VideoStatus, utc_now
from tests.jobs.serving import files, server
from tests.jobs.videos import (
    add_video,
    change,
    load,
    wait_for_end,
    wait_until_it_is,
)
from tests.servers import wait_until


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


async def test_only_the_files_of_the_attempt_that_completed_stay(
    settings: Settings, sqlite: Database
) -> None:
    video_id = await add_video(sqlite, fence=3)
    # As one leaves a file that is killed while it writes it.
    for name in ("1/video.mp4", "2/video.mp4#1", "3/video.mp4"):
        left = settings.data_dir / "files" / "videos" / str(video_id) / name
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
    for name in ("abc", "def"):
        directory = settings.data_dir / "work" / name
        directory.mkdir(parents=True)
        (directory / "video.mp4").write_bytes(b"half")
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
