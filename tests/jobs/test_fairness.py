"""Several people's videos on real workers: who is kept waiting by whom."""

import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import col, select

from heygen_graphql.database import Database
from heygen_graphql.jobs import remote_queue
from heygen_graphql.settings import Settings
from heygen_graphql.tables import Video, VideoStatus
from tests.jobs.serving import server
from tests.jobs.videos import (
    SLOW,
    add_video,
    is_drawing,
    load,
    storyboard,
    wait_for,
    wait_for_end,
    wait_until_it_is,
)
from tests.jobs.workers import workers
from tests.servers import SLACK

FILM, PREVIEW = 60.0, 8.0


@pytest.fixture
def remote(postgres_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        database_url=postgres_url,
        redis_url=redis_url,
        data_dir=tmp_path / "data",
        lease_seconds=3,
        sweep_seconds=0.5,
    )


async def add_many(database: Database, count: int, plan: dict[str, object] | None = None) -> UUID:
    """One more owner's, who is returned."""
    pattern = await load(database, await add_video(database, status=VideoStatus.CANCELED))
    columns = pattern.model_dump(exclude={"id", "status", "storyboard", "queued_at", "estimated_seconds"})
    videos = [Video(**columns, storyboard=storyboard(plan), estimated_seconds=FILM) for _ in range(count)]
    async with database.transaction() as session:
        session.add_all(videos)
    return pattern.owner_id


def begun(videos: Sequence[Video]) -> list[Video]:
    """In the order in which they were begun."""
    return sorted((video for video in videos if video.started_at), key=lambda video: str(video.started_at))


async def test_one_persons_thousand_videos_do_not_keep_another_waiting(
    remote: Settings, tmp_path: Path
) -> None:
    # Given two workers at work on a thousand videos of one person
    database = Database(remote.resolved_database_url)
    hers = await add_many(database, 1000, {"steps": 2, "step_seconds": 0.1})
    with workers(remote, 2, tmp_path):

        async def has_begun() -> bool:
            return len(begun(await all_of(database, hers))) >= 4

        await wait_until_it_is(has_begun, "beginning with hers")

        # When another person comes with one
        video_id = await add_video(database, estimated_seconds=FILM)
        async with remote_queue(remote) as queue:
            await queue.hint(video_id)
        his = await wait_for_end(database, video_id)

        # Then it is the next that is begun
        ahead = [video for video in await all_of(database, hers) if video.queued_at < his.queued_at]
    after = [video for video in begun(ahead) if his.created_at < video.started_at < his.started_at]  # type: ignore[operator]
    assert his.status is VideoStatus.COMPLETED
    assert len(after) <= 2
    await database.close()


async def test_three_of_four_are_previews_and_the_fourth_is_whoevers_turn_it_is(
    settings: Settings, sqlite: Database
) -> None:
    # Given previews and films of many people, the films first
    films = [await add_video(sqlite, estimated_seconds=FILM) for _ in range(3)]
    previews = [await add_video(sqlite, estimated_seconds=PREVIEW) for _ in range(8)]
    async with server(settings, sqlite):
        ended = [await wait_for_end(sqlite, video_id) for video_id in (*films, *previews)]
    kinds = ["preview" if video.estimated_seconds == PREVIEW else "film" for video in begun(ended)]
    assert kinds == [*["preview"] * 3, "film"] * 2 + ["preview"] * 2 + ["film"]


async def test_workers_that_nobody_wakes_find_what_waits(remote: Settings, tmp_path: Path) -> None:
    """Whatever becomes of messages: every slot of every process is put to use, without one."""
    database = Database(remote.resolved_database_url)
    with workers(remote.model_copy(update={"workers": 2}), 2, tmp_path):
        ids = [await add_video(database, SLOW) for _ in range(4)]
        for video_id in ids:
            await wait_for(database, video_id, is_drawing)
    await database.close()


async def test_a_heap_of_needless_messages_holds_nobody_up(settings: Settings, sqlite: Database) -> None:
    async with server(settings.model_copy(update={"sweep_seconds": 60}), sqlite) as queue:
        done = await add_video(sqlite)
        for _ in range(500):
            await queue.hint(done)
        began = time.monotonic()
        video_id = await add_video(sqlite)
        await queue.hint(video_id)
        await wait_for_end(sqlite, video_id)
        # Any message leads to it, not its own alone
        assert time.monotonic() - began < 1 * SLACK
    assert (await load(sqlite, done)).attempt == 1


async def all_of(database: Database, owner_id: UUID) -> list[Video]:
    async with database.reading() as session:
        found = await session.scalars(select(Video).where(col(Video.owner_id) == owner_id))
        return list(found)
