"""The rows by which workers share a video's scenes, on either database."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.jobs import claiming, scenes
from heygen_graphql.jobs.claiming import Claim
from heygen_graphql.jobs.protocol import Failure
from heygen_graphql.jobs.scenes import Joining, Planned, SceneClaim
from heygen_graphql.rendering.storyboard import Stage
from heygen_graphql.tables import VideoScene, VideoStatus, utc_now
from tests.jobs.lossy import lossy_way
from tests.jobs.videos import add_video, change, let_lease_run_out, load

LEASE_SECONDS = 60.0
THREE = (Planned("a", 0, 1.0), Planned("b", 1, 3.0), Planned("c", 2, 2.0))


async def claimed(database: Database, **columns: Any) -> Claim:
    video_id = await add_video(database, **columns)
    claim = await claiming.claim(database, video_id, lease_seconds=LEASE_SECONDS, max_attempts=25)
    assert claim is not None
    return claim


async def planned(database: Database, **columns: Any) -> Claim:
    claim = await claimed(database, **columns)
    assert await scenes.plan(database, claim, THREE)
    return claim


async def take(
    database: Database, claim: Claim, participant_id: UUID | None = None, max_losses: int = 3
) -> SceneClaim | None:
    return await scenes.claim_one(
        database, claim, participant_id or uuid4(), lease_seconds=LEASE_SECONDS, max_losses=max_losses
    )


async def taken(database: Database, claim: Claim, participant_id: UUID | None = None) -> SceneClaim:
    scene = await take(database, claim, participant_id)
    assert scene is not None
    return scene


async def take_any(database: Database, *but_not_of: UUID) -> SceneClaim | None:
    return await scenes.claim_any(database, lease_seconds=LEASE_SECONDS, max_losses=3, but_not_of=but_not_of)


async def finish(database: Database, scene: SceneClaim) -> Joining | None:
    return await scenes.finish(database, scene, lease_seconds=LEASE_SECONDS)


async def show(database: Database, scene: SceneClaim, progress: float) -> scenes.Kept | None:
    return await scenes.keep(
        database,
        scene.video,
        scene.participant_id,
        {scene.key: progress},
        stage=Stage.DRAWING,
        seconds_left=None,
        lease_seconds=LEASE_SECONDS,
    )


async def rows(database: Database, video_id: UUID) -> dict[str, VideoScene]:
    async with database.reading() as session:
        found = await session.scalars(select(VideoScene).where(col(VideoScene.video_id) == video_id))
        return {row.key: row for row in found}


async def fall_silent(database: Database, scene: SceneClaim) -> None:
    """As if nothing had been heard of the participant for as long as its lease."""
    async with database.transaction() as session:
        own = select(VideoScene).where(col(VideoScene.participant_id) == scene.participant_id)
        for row in await session.scalars(own):
            row.lease_expires_at = utc_now() - timedelta(seconds=1)


async def test_scenes_go_one_to_each_the_heaviest_first(database: Database) -> None:
    claim = await planned(database)
    keys = [scene.key for _ in range(3) if (scene := await take(database, claim))]
    assert keys == ["b", "c", "a"]
    assert await take(database, claim) is None


async def test_of_many_who_ask_at_once_no_two_get_the_same_scene(database: Database) -> None:
    claim = await planned(database)
    got = await asyncio.gather(*(take(database, claim) for _ in range(8)))
    assert sorted(scene.key for scene in got if scene is not None) == ["a", "b", "c"]


async def test_the_last_to_finish_takes_the_video_to_join_it_and_nobody_else_does(database: Database) -> None:
    claim = await planned(database)
    three = [await taken(database, claim) for _ in range(3)]

    endings = await asyncio.gather(*(finish(database, scene) for scene in three))

    (joining,) = (ending for ending in endings if ending is not None)
    assert joining.made == {"a", "b", "c"}
    # By a claim of its own, of the same attempt
    video = await load(database, claim.video_id)
    assert (joining.claim.fence, video.fence) == (claim.fence + 1, claim.fence + 1)
    assert (joining.claim.attempt, video.attempt, video.status) == (1, 1, VideoStatus.PROCESSING)
    assert await claiming.still_stands(database, joining.claim)
    assert not await claiming.still_stands(database, claim)
    assert await rows(database, claim.video_id) == {}


async def test_a_silent_participants_scenes_are_taken_over_for_the_loss_of_one_worker(
    database: Database,
) -> None:
    # Given a worker with two scenes, and one of the third
    claim, silent = await planned(database), uuid4()
    first = await taken(database, claim, silent)
    await taken(database, claim, silent)
    await taken(database, claim)

    # When the first falls silent
    await fall_silent(database, first)

    # Then both of its scenes are to be had
    assert [(await taken(database, claim)).key for _ in range(2)] == ["b", "c"]
    assert await take(database, claim) is None
    assert (await load(database, claim.video_id)).losses == 1

    # And when it wakes and finishes one nevertheless, that is no harm: a segment is a segment
    assert await finish(database, first) is None
    assert (await rows(database, claim.video_id))["b"].is_done


async def test_a_scene_that_would_cost_one_worker_too_many_is_left(database: Database) -> None:
    claim = await planned(database, losses=2)
    scene = await taken(database, claim)
    await fall_silent(database, scene)
    assert {(await taken(database, claim)).key for _ in range(2)} == {"a", "c"}
    assert await take(database, claim) is None


async def test_a_video_that_was_claimed_anew_canceled_or_deleted_gives_no_scenes(database: Database) -> None:
    for columns in (
        {"fence": 7},
        {"status": VideoStatus.CANCELED, "lease_expires_at": None},
        {"deleted_at": utc_now()},
    ):
        claim = await planned(database)
        scene = await taken(database, claim)
        await change(database, claim.video_id, **columns)
        assert await take(database, claim) is None
        assert await take_any(database) is None
        assert await finish(database, scene) is None
        assert await show(database, scene, 0.5) is None
        assert not await scenes.plan(database, claim, THREE)


async def test_who_claims_a_video_anew_plans_it_anew(database: Database) -> None:
    claim = await planned(database)
    await taken(database, claim)
    await claiming.give_back(database, claim)
    again = await claiming.claim(database, claim.video_id, lease_seconds=LEASE_SECONDS, max_attempts=25)
    assert again is not None
    assert await take_any(database) is None
    assert await scenes.plan(database, again, [Planned("d", 0, 1.0)])
    assert set(await rows(database, claim.video_id)) == {"d"}
    assert (await taken(database, again)).key == "d"


async def test_help_goes_to_the_video_that_came_first_and_only_while_somebody_has_it(
    database: Database,
) -> None:
    now = utc_now()
    late = await planned(database, queued_at=now)
    early = await planned(database, queued_at=now - timedelta(minutes=1))
    abandoned = await planned(database, queued_at=now - timedelta(minutes=2))
    await change(database, abandoned.video_id, lease_expires_at=now - timedelta(seconds=1))

    helped = [await take_any(database) for _ in range(7)]

    assert [scene.video.video_id for scene in helped if scene is not None] == [early.video_id] * 3 + [
        late.video_id
    ] * 3
    assert helped[-1] is None


async def test_a_helper_may_leave_videos_out_that_it_cannot_help_with(database: Database) -> None:
    claim = await planned(database)
    assert await take_any(database, claim.video_id) is None
    assert await take_any(database, uuid4()) is not None


async def test_progress_is_that_of_all_scenes_together_and_never_falls(database: Database) -> None:
    # Given half of the work done by others
    claim = await planned(database)
    heaviest, second, light = [await taken(database, claim) for _ in range(3)]
    await finish(database, heaviest)
    await change(database, claim.video_id, updated_at=utc_now() - timedelta(seconds=1))

    # When another has drawn half of a third of the work
    kept = await show(database, second, 0.5)

    # Then both count
    assert kept is not None
    assert kept.change is not None
    assert kept.fraction == pytest.approx(scenes.SCENES_SHARE * 4 / 6)
    video = await load(database, claim.video_id)
    assert video.progress == pytest.approx(kept.fraction)
    assert video.stage == Stage.DRAWING
    assert video.version == kept.change.version

    # And what would be less is not shown
    await change(database, claim.video_id, progress=0.9, updated_at=utc_now() - timedelta(seconds=1))
    await show(database, light, 0.1)
    assert (await load(database, claim.video_id)).progress == 0.9


async def test_many_who_take_part_do_not_flood_those_who_watch(database: Database) -> None:
    claim = await planned(database)
    three = [await taken(database, claim) for _ in range(3)]
    before = (await load(database, claim.video_id)).version
    await change(database, claim.video_id, updated_at=utc_now() - timedelta(seconds=1))
    for scene in three:
        assert await show(database, scene, 0.5) is not None
    video = await load(database, claim.video_id)
    assert video.version == before + 1
    # But what they have done is known
    assert [row.progress for row in (await rows(database, claim.video_id)).values()] == [0.5] * 3


async def test_whoever_takes_part_keeps_the_video_and_its_own_scenes_alone(database: Database) -> None:
    claim = await planned(database)
    mine, other = await taken(database, claim), await taken(database, claim)
    soon = utc_now() + timedelta(seconds=1)
    for scene in (mine, other):
        await fall_silent(database, scene)
    await change(database, claim.video_id, lease_expires_at=soon)

    assert await show(database, mine, 0.0) is not None

    video = await load(database, claim.video_id)
    assert video.lease_expires_at is not None
    assert video.lease_expires_at > soon
    found = await rows(database, claim.video_id)
    leases = {key: row.lease_expires_at for key, row in found.items()}
    assert leases[mine.key] == video.lease_expires_at
    assert (leases[other.key] or soon) < soon


async def test_what_is_given_back_is_free_at_once_unless_nobody_else_is_there(database: Database) -> None:
    claim, leaving = await planned(database), uuid4()
    scene = await taken(database, claim, leaving)
    other = await taken(database, claim)
    assert await scenes.give_back(database, claim, leaving)
    assert (await taken(database, claim)).key == scene.key

    # When none holds a scene but the one that leaves, the video is to be given back
    claim = await planned(database)
    await taken(database, claim, leaving)
    assert not await scenes.give_back(database, claim, leaving)
    assert (await load(database, other.video.video_id)).losses == 0


async def test_a_crash_beside_others_costs_a_failure_and_alone_or_too_often_the_attempt(
    database: Database,
) -> None:
    claim = await planned(database)
    crashed = await taken(database, claim)
    assert not await scenes.note_crash(database, crashed, max_failures=3)
    await taken(database, claim)
    for failures in (1, 1):
        # The second time as if the answer of the first had been lost
        assert await scenes.note_crash(database, crashed, max_failures=3)
        assert (await load(database, claim.video_id)).failures == failures
    again = await taken(database, claim)
    assert again.key == crashed.key
    assert not await scenes.note_crash(database, again, max_failures=2)
    assert (await load(database, claim.video_id)).failures == 1


async def test_an_attempt_that_failed_ends_for_all_who_take_part(database: Database) -> None:
    claim = await planned(database)
    one, other = await taken(database, claim), await taken(database, claim)
    failure = Failure("UNSPEAKABLE_TEXT", "No voice can read this.", is_retryable=False)
    assert await claiming.fail(database, one.video, failure, max_failures=3) is not None
    assert await show(database, other, 0.5) is None
    assert await take_any(database) is None
    await scenes.forget(database, claim)
    assert await rows(database, claim.video_id) == {}


async def test_a_plan_that_nobody_tidied_up_is_swept_and_one_that_stands_is_not(database: Database) -> None:
    standing = await planned(database)
    ended, planned_anew = await planned(database), await planned(database)
    await change(database, ended.video_id, status=VideoStatus.CANCELED, lease_expires_at=None)
    # Its worker died; the next one finds but one scene missing, and makes the film alone.
    await let_lease_run_out(database, planned_anew.video_id)
    await claiming.claim(database, planned_anew.video_id, lease_seconds=LEASE_SECONDS, max_attempts=25)

    await scenes.forget_fallen(database)

    assert set(await rows(database, standing.video_id)) == {"a", "b", "c"}
    assert await rows(database, ended.video_id) == {}
    assert await rows(database, planned_anew.video_id) == {}


async def test_a_change_whose_answer_was_lost_is_not_made_twice(postgres_url: str) -> None:
    async with lossy_way(postgres_url) as way:
        here, there = Database(postgres_url), Database(way.url)
        claim = await planned(here)
        participant_id = uuid4()
        for _ in range(3):
            way.commits_to_lose = 1
            scene = await taken(there, claim, participant_id)
            assert (
                sum(row.participant_id is not None for row in (await rows(here, claim.video_id)).values())
                == 1
            )
            way.commits_to_lose = 1
            joining = await finish(there, scene)
        assert joining is not None
        assert joining.made == {"a", "b", "c"}
        assert (await load(here, claim.video_id)).fence == claim.fence + 1
        await here.close()
        await there.close()
