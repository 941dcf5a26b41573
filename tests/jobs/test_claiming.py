import asyncio
import gc
import random
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from heygen_graphql import videos
from heygen_graphql.database import Database
from heygen_graphql.jobs import claiming
from heygen_graphql.jobs.claiming import Claim
from heygen_graphql.jobs.protocol import Failure, Progress, Rendered
from heygen_graphql.settings import Settings
from heygen_graphql.tables import User, VideoStatus, utc_now
from heygen_graphql.videos import Quotas
from heygen_graphql.videos.usage import consumption
from tests.jobs.lossy import lossy_way
from tests.jobs.serving import server
from tests.jobs.videos import (
    SLOW,
    add_video,
    change,
    let_lease_run_out,
    load,
    statuses,
    storyboard,
    wait_for_end,
)

RENDERED = Rendered(
    duration_seconds=1.0,
    file_size_bytes=5,
    sha256="0" * 64,
    transcript=[],
    scenes=[],
    segments=[],
    report={},
)
PASSING = Failure("SPEECH_FAILED", "The speech engine broke down.", is_retryable=True)


async def claim(database: Database, video_id: UUID) -> Claim | None:
    return await claiming.claim(database, video_id, lease_seconds=15, max_attempts=25)


async def claimed(database: Database, video_id: UUID) -> Claim:
    one = await claim(database, video_id)
    assert one is not None
    return one


async def test_of_twenty_that_claim_a_video_at_once_one_gets_it(database: Database) -> None:
    video_id = await add_video(database)
    claims = await asyncio.gather(*(claim(database, video_id) for _ in range(20)))
    won = [one for one in claims if one is not None]
    assert [(one.attempt, one.fence) for one in won] == [(1, 1)]
    video = await load(database, video_id)
    assert (video.status, video.stage, video.progress) == (VideoStatus.PROCESSING, "SPEAKING", 0.0)
    assert video.version == won[0].change.version == 2
    assert await statuses(database, video_id) == [VideoStatus.PROCESSING]


async def test_of_twenty_that_take_over_from_a_silent_worker_one_gets_it(database: Database) -> None:
    video_id = await add_video(database)
    await claimed(database, video_id)
    await let_lease_run_out(database, video_id)
    claims = await asyncio.gather(*(claim(database, video_id) for _ in range(20)))
    assert [one.fence for one in claims if one is not None] == [2]


async def test_a_video_is_not_to_be_had_while_its_lease_runs_nor_when_it_has_ended(
    database: Database,
) -> None:
    video_id = await add_video(database)
    first = await claimed(database, video_id)
    assert await claim(database, video_id) is None
    assert await claiming.complete(database, first, RENDERED) is not None
    assert await claim(database, video_id) is None


async def of_one_owner(database: Database, count: int) -> list[UUID]:
    """Videos that wait, and whose owner is the first one's."""
    ids = [await add_video(database) for _ in range(count)]
    owner_id = (await load(database, ids[0])).owner_id
    for video_id in ids[1:]:
        await change(database, video_id, owner_id=owner_id)
    return ids


async def test_of_one_owners_videos_that_are_claimed_at_once_only_so_many_are_to_be_had(
    database: Database,
) -> None:
    ids = await of_one_owner(database, 6)
    anothers = await add_video(database)
    two = Quotas(videos_at_once=2)
    claims = await asyncio.gather(
        *(
            claiming.claim(database, video_id, lease_seconds=15, max_attempts=25, limits=two)
            for video_id in (*ids, anothers, *ids)
        )
    )
    won = [one.video_id for one in claims if one is not None]
    assert len(won) == 3
    assert anothers in won
    # Those that wait are as they were
    for video_id in {*ids} - {*won}:
        video = await load(database, video_id)
        assert (video.status, video.attempt, video.version) == (VideoStatus.PENDING, 0, 1)


async def test_who_may_have_one_under_way_may_have_the_next_when_it_ends(database: Database) -> None:
    first, second = await of_one_owner(database, 2)
    async with database.transaction() as session:
        owner = await session.get_one(User, (await load(database, first)).owner_id)
        owner.concurrent_limit = 1
    for end in (
        lambda mine: claiming.complete(database, mine, RENDERED),
        lambda mine: claiming.give_back(database, mine),
        lambda mine: videos.cancel(database, mine.owner_id, mine.video_id),
        lambda mine: let_lease_run_out(database, mine.video_id),
    ):
        mine = await claimed(database, first)
        assert await claim(database, second) is None
        await end(mine)
        theirs = await claimed(database, second)
        assert await claiming.give_back(database, theirs) is not None
        await change(database, first, status=VideoStatus.PENDING)


async def test_what_is_given_back_for_want_of_the_storage_waits_a_while_and_counts_no_attempt(
    database: Database,
) -> None:
    video_id = await add_video(database)
    mine = await claimed(database, video_id)
    began = utc_now()
    assert await claiming.give_back(database, mine, after=timedelta(seconds=30)) is not None
    video = await load(database, video_id)
    assert (video.status, video.attempt, video.losses) == (VideoStatus.PENDING, 0, 0)
    assert video.queued_at > began + timedelta(seconds=20)


async def test_videos_that_all_workers_left_behind_do_not_keep_each_other_waiting(
    database: Database,
) -> None:
    ids = await of_one_owner(database, 3)
    for video_id in ids:
        await claimed(database, video_id)
        await let_lease_run_out(database, video_id)
    one = Quotas(videos_at_once=1)
    claims = [
        await claiming.claim(database, video_id, lease_seconds=15, max_attempts=25, limits=one)
        for video_id in ids
    ]
    assert [mine is not None for mine in claims] == [True, False, False]


async def test_one_persons_heap_lets_anothers_pass_and_goes_on_without_a_pause(
    settings: Settings, sqlite: Database
) -> None:
    # Given a sweep that comes too late to help
    late = {"workers": 2, "videos_at_once_per_user": 1, "sweep_seconds": 60}
    async with server(settings.model_copy(update=late), sqlite) as queue:
        await asyncio.sleep(0.5)
        hers = await of_one_owner(sqlite, 4)
        his = await add_video(sqlite)
        for video_id in hers:
            await change(sqlite, video_id, storyboard=storyboard({"steps": 2, "step_seconds": 0.2}))
        for video_id in (*hers, his):
            await queue.hint(video_id)
        # Then he waits for none of hers, nor do they wait for the sweep
        ended = [await wait_for_end(sqlite, video_id) for video_id in (*hers, his)]
    assert {video.status for video in ended} == {VideoStatus.COMPLETED}
    began, over = [one.started_at for one in ended], [one.completed_at for one in ended]
    assert began[4] < over[0]  # type: ignore[operator]
    assert all(start >= end for start, end in zip(began[1:4], over[:3], strict=True))  # type: ignore[operator]


async def test_those_held_back_keep_nobody_elses_from_the_sweep(settings: Settings, sqlite: Database) -> None:
    # Given more of one person's videos than the sweep looks at, and another's behind them whose hint is lost
    one = settings.model_copy(update={"workers": 2, "videos_at_once_per_user": 1})
    hers = await of_one_owner(sqlite, 70)
    for video_id in hers:
        await change(sqlite, video_id, storyboard=storyboard(SLOW))
    his = await add_video(sqlite)
    async with server(one, sqlite):
        assert (await wait_for_end(sqlite, his)).status is VideoStatus.COMPLETED
        assert [(await load(sqlite, video_id)).attempt for video_id in hers].count(1) == 1


async def test_a_worker_whose_fence_is_old_changes_nothing(database: Database) -> None:
    # Given a worker that was thought dead and whose video another has taken over
    video_id = await add_video(database)
    stale = await claimed(database, video_id)
    await let_lease_run_out(database, video_id)
    await claimed(database, video_id)
    before = (await load(database, video_id)).model_dump()

    # When it comes back, whatever it tries is refused
    assert not await claiming.still_stands(database, stale)
    assert await claiming.keep(database, stale, Progress("DRAWING", 0.9), lease_seconds=15) is None
    assert await claiming.complete(database, stale, RENDERED) is None
    assert await claiming.fail(database, stale, PASSING, max_failures=3) is None
    assert await claiming.give_back(database, stale) is None

    # Then the row is as it was
    assert (await load(database, video_id)).model_dump() == before


@pytest.mark.parametrize("end", [videos.cancel, videos.delete])
async def test_a_canceled_or_deleted_video_is_not_completed(database: Database, end: object) -> None:
    video_id = await add_video(database)
    mine = await claimed(database, video_id)
    await end(database, mine.owner_id, video_id)  # type: ignore[operator]
    assert await claiming.complete(database, mine, RENDERED) is None
    assert (await load(database, video_id)).status is VideoStatus.CANCELED
    assert await claim(database, video_id) is None


async def test_a_canceled_video_that_is_retried_is_not_completed_by_its_former_worker(
    database: Database,
) -> None:
    video_id = await add_video(database)
    mine = await claimed(database, video_id)
    await videos.cancel(database, mine.owner_id, video_id)
    await videos.retry(database, mine.owner_id, video_id)
    assert await claiming.complete(database, mine, RENDERED) is None
    assert (await claimed(database, video_id)).fence == mine.fence + 1


async def test_progress_in_the_row_never_falls(database: Database) -> None:
    video_id = await add_video(database)
    mine = await claimed(database, video_id)
    shown = []
    for fraction in (0.2, 0.5, 0.3, 7.0):
        assert await claiming.keep(database, mine, Progress("DRAWING", fraction), lease_seconds=15)
        shown.append((await load(database, video_id)).progress)
    assert shown == [0.2, 0.5, 0.5, 1.0]


async def test_a_sign_of_life_renews_the_lease_and_is_no_change_to_a_client(database: Database) -> None:
    video_id = await add_video(database)
    mine = await claimed(database, video_id)
    before = await load(database, video_id)
    assert await claiming.keep(database, mine, None, lease_seconds=60)
    after = await load(database, video_id)
    assert before.lease_expires_at is not None
    assert after.lease_expires_at is not None
    assert after.lease_expires_at > before.lease_expires_at + timedelta(seconds=30)
    assert (after.version, after.updated_at) == (before.version, before.updated_at)


async def test_after_its_last_failure_a_video_has_failed(database: Database) -> None:
    video_id = await add_video(database)
    waits = []
    for _ in range(3):
        mine = await claimed(database, video_id)
        recorded = await claiming.fail(database, mine, PASSING, max_failures=3)
        assert recorded is not None
        video = await load(database, video_id)
        waits.append(video.queued_at - video.updated_at)
    assert (video.status, video.failures) == (VideoStatus.FAILED, 3)
    assert (video.failure_code, video.failure_is_retryable) == ("SPEECH_FAILED", True)
    assert timedelta(0) < waits[0] < waits[1]
    assert await claim(database, video_id) is None


async def test_a_video_given_back_keeps_its_place_in_the_queue(database: Database) -> None:
    queued_at = utc_now() - timedelta(hours=1)
    video_id = await add_video(database, queued_at=queued_at)
    mine = await claimed(database, video_id)
    assert await claiming.give_back(database, mine) is not None
    video = await load(database, video_id)
    assert (video.status, video.failures, video.queued_at) == (VideoStatus.PENDING, 0, queued_at)


async def test_a_commit_whose_answer_is_lost_is_done_once(postgres_url: str) -> None:
    """PostgreSQL took the commit, but the connection broke before it could say so."""
    async with lossy_way(postgres_url) as way:
        database = Database(way.url)
        video_id = await add_video(database)

        way.commits_to_lose = 1
        mine = await claimed(database, video_id)
        assert (mine.attempt, mine.fence) == (1, 1)

        way.commits_to_lose = 1
        recorded = await claiming.fail(database, mine, PASSING, max_failures=3)
        assert recorded is not None
        assert recorded.status is VideoStatus.PENDING
        assert (await load(database, video_id)).failures == 1

        mine = await claimed(database, video_id)
        way.commits_to_lose = 1
        assert await claiming.give_back(database, mine) is not None

        mine = await claimed(database, video_id)
        way.commits_to_lose = 1
        recorded = await claiming.complete(database, mine, RENDERED)
        assert recorded is not None
        assert recorded.status is VideoStatus.COMPLETED
        assert await claiming.is_completed(database, mine)
        used = await consumption(database, mine.owner_id, Quotas())
        assert (used.videos_completed, used.seconds_rendered) == (1, 1.0)

        assert way.commits_to_lose == 0
        assert Counter(await statuses(database, video_id)) == {
            VideoStatus.PROCESSING: 3,
            VideoStatus.PENDING: 2,
            VideoStatus.COMPLETED: 1,
        }
        await database.close()


async def test_a_cancelled_transaction_holds_up_nobody(database: Database) -> None:
    """Not even until the garbage of its traceback is collected."""
    video_id = await add_video(database)
    gc.disable()
    try:
        for _ in range(100):
            task = asyncio.create_task(change(database, video_id, title="cancelled"))
            await asyncio.sleep(random.uniform(0, 0.005))
            task.cancel()
            await asyncio.wait({task})
            async with asyncio.timeout(10):
                await change(database, video_id, title="done")
    finally:
        gc.enable()
