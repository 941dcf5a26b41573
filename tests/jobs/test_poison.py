"""A video that kills whoever renders it."""

import asyncio
from pathlib import Path

from heygen_graphql import videos
from heygen_graphql.database import Database
from heygen_graphql.jobs import claiming
from heygen_graphql.jobs.deciding import Terms
from heygen_graphql.settings import Settings
from heygen_graphql.tables import VideoStatus, utc_now
from tests.jobs.lossy import lossy_way
from tests.jobs.serving import server
from tests.jobs.test_claiming import claimed
from tests.jobs.videos import (
    SLOW,
    add_video,
    change,
    is_drawing,
    let_lease_run_out,
    load,
    statuses,
    storyboard,
    wait_for,
    wait_for_end,
)
from tests.jobs.workers import workers


async def test_a_video_that_kills_its_worker_three_times_has_failed_and_others_are_rendered(
    postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    # Given four workers, a video that kills its worker, and others'
    settings = Settings(
        _env_file=None,
        database_url=postgres_url,
        redis_url=redis_url,
        data_dir=tmp_path / "data",
        lease_seconds=1,
        sweep_seconds=0.2,
    )
    database = Database(postgres_url)
    poison = await add_video(database, {"kills_worker": True})
    others = [await add_video(database) for _ in range(4)]

    # When they get to work, without a message
    with workers(settings, 4, tmp_path) as processes:
        ended = await wait_for_end(database, poison)
        rest = [await wait_for_end(database, video_id) for video_id in others]
        alive = [process for process in processes if process.poll() is None]

    # Then three have died of it, and the fourth tells why nobody tries it any more
    assert len(alive) == 1
    assert (ended.status, ended.failure_code) == (VideoStatus.FAILED, "RENDER_POISON")
    assert (ended.attempt, ended.losses, ended.failures) == (3, 3, 0)
    assert await statuses(database, poison) == ["PROCESSING", "PROCESSING", "PROCESSING", "FAILED"]
    assert ended.failure_message is not None
    assert ended.failure_message.startswith("3 times the worker")
    assert [(video.status, video.losses) for video in rest] == [(VideoStatus.COMPLETED, 0)] * 4

    # And its owner may have it tried again, from the beginning
    retried = await videos.retry(database, ended.owner_id, poison)
    assert (retried.status, retried.losses) == (VideoStatus.PENDING, 0)
    await database.close()


async def test_a_server_that_dies_of_a_video_three_times_gives_it_up_when_it_starts(
    settings: Settings, sqlite: Database
) -> None:
    soon = utc_now().replace(year=utc_now().year + 1)
    video_id = await add_video(
        sqlite, status=VideoStatus.PROCESSING, attempt=3, fence=3, losses=2, lease_expires_at=soon
    )
    async with server(settings, sqlite):
        video = await wait_for_end(sqlite, video_id)
    assert (video.failure_code, video.losses, video.attempt) == ("RENDER_POISON", 3, 3)


async def test_a_video_handed_back_counts_no_loss(settings: Settings, database: Database) -> None:
    video_id = await add_video(database)
    for _ in range(4):
        assert await claiming.give_back(database, await claimed(database, video_id)) is not None
    assert (await load(database, video_id)).losses == 0


async def test_a_lost_worker_counts_once_however_many_find_out(database: Database) -> None:
    video_id = await add_video(database)
    await claimed(database, video_id)
    await let_lease_run_out(database, video_id)
    terms = Terms(lease_seconds=15, max_attempts=25, max_losses=1)
    changes = await asyncio.gather(*(claiming.abandon(database, [video_id], terms) for _ in range(5)))
    assert [len(one) for one in changes].count(1) == 1
    assert (await load(database, video_id)).losses == 1


async def test_leases_that_ran_out_while_the_database_was_away_are_no_losses(
    settings: Settings, postgres_url: str
) -> None:
    """Whoever is first to reach it again may be idle, while the workers are only about to."""
    settings = settings.model_copy(update={"lease_seconds": 2.0})
    here = Database(postgres_url)
    held = await add_video(here, SLOW)
    async with lossy_way(postgres_url) as way:
        there = Database(way.url)
        idle = settings.model_copy(update={"workers": 2})
        async with server(idle, there):
            # Given a worker that renders one and has a slot free, and has been there for a while
            await wait_for(here, held, is_drawing)
            others = await add_video(
                here, status=VideoStatus.PROCESSING, attempt=1, fence=1, lease_expires_at=utc_now()
            )
            await wait_for(here, others, lambda video: video.losses == 1)
            await wait_for_end(here, others)

            # When the database is away for longer than a lease
            way.close()
            await asyncio.sleep(2.5)
            other = await add_video(
                here, status=VideoStatus.PROCESSING, attempt=1, fence=1, lease_expires_at=utc_now()
            )
            way.open()
            returned_at = utc_now()

            # Then the others have as long as a lease to be heard of, and its own render has gone on
            taken = await wait_for(here, other, lambda video: video.losses == 1)
            assert taken.started_at is not None
            assert (taken.started_at - returned_at).total_seconds() > 1.5
            video = await load(here, held)
            assert (video.attempt, video.losses) == (1, 0)
            await change(here, held, storyboard=storyboard())
        await there.close()
    await here.close()
