"""Quotas hold whoever asks at the same time, and what was rendered is counted once."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from heygen_graphql import videos
from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput
from heygen_graphql.jobs import claiming
from heygen_graphql.jobs.protocol import Rendered
from heygen_graphql.tables import IdempotencyKey, Usage, User, Video, VideoStatus, utc_now
from heygen_graphql.videos import NewVideo, Quotas, VideoChanges, VideoFilter, VideoRequest
from heygen_graphql.videos.quotas import month_of
from heygen_graphql.videos.usage import consumption

REQUEST = VideoRequest(script="One, two, three, four, five, six, seven.")


def rendered(seconds: float) -> Rendered:
    return Rendered(seconds, 5, "0" * 64, transcript=[], scenes=[], segments=[], report={})


async def change_user(database: Database, user_id: UUID, **columns: object) -> None:
    async with database.transaction() as session:
        (await session.get_one(User, user_id)).sqlmodel_update(columns)


async def complete(database: Database, video_id: UUID, seconds: float) -> None:
    claim = await claiming.claim(database, video_id, lease_seconds=15, max_attempts=25)
    assert claim is not None
    assert await claiming.complete(database, claim, rendered(seconds)) is not None


def code_of(outcome: Video | InvalidInput) -> str:
    if isinstance(outcome, Video):
        return "made"
    (fault,) = outcome.faults
    return fault.code.value


async def outcome_of(database: Database, owner_id: UUID, quotas: Quotas, key: str | None = None) -> str:
    wanted = [NewVideo(REQUEST, key)]
    (outcome,) = await videos.create_each(database, owner_id, wanted, quotas=quotas)
    return code_of(outcome)


@pytest.mark.parametrize(
    "quotas", [Quotas(waiting_videos=3), Quotas(monthly_seconds=14)], ids=["number", "seconds"]
)
async def test_of_many_calls_at_once_no_more_pass_than_there_is_room_for(
    database: Database, ada: UUID, quotas: Quotas
) -> None:
    # Given a film that is reckoned to play some four seconds, so that three fit in either quota
    made = await videos.create(database, ada, REQUEST)
    assert 14 / 4 < made.estimated_seconds < 14 / 3
    await videos.delete(database, ada, made.id)

    outcomes = await asyncio.gather(*(outcome_of(database, ada, quotas) for _ in range(8)))

    assert Counter(outcomes) == {"made": 3, "LIMIT_EXCEEDED": 5}
    assert await videos.count(database, ada, VideoFilter()) == 3


async def test_each_of_a_batch_stands_or_falls_alone_even_where_room_ends_in_its_middle(
    database: Database, ada: UUID
) -> None:
    wanted = [NewVideo(one) for one in (REQUEST, VideoRequest(script=" "), REQUEST, REQUEST)]
    outcomes = await videos.create_each(database, ada, wanted, quotas=Quotas(waiting_videos=2))
    assert [code_of(one) for one in outcomes] == ["made", "TOO_SHORT", "made", "LIMIT_EXCEEDED"]
    made = [one for one in outcomes if isinstance(one, Video)]
    assert await videos.queue_positions(database, [one.id for one in made]) == {made[0].id: 1, made[1].id: 2}


async def test_a_users_own_limit_goes_before_the_servers_and_lasts_a_month(
    database: Database, ada: UUID
) -> None:
    await change_user(database, ada, monthly_seconds_limit=20)
    quotas = Quotas(monthly_seconds=1)
    video = await videos.create(database, ada, REQUEST, quotas=quotas)
    await complete(database, video.id, 18.5)
    assert await outcome_of(database, ada, quotas) == "LIMIT_EXCEEDED"

    # When the month is over, as if it had been the last one's
    async with database.transaction() as session:
        (used,) = await session.scalars(select(Usage))
        used.month = month_of(utc_now() - timedelta(days=32))
    assert await outcome_of(database, ada, quotas) == "made"


async def test_another_render_of_a_video_needs_room_as_well(database: Database, ada: UUID) -> None:
    quotas = Quotas(monthly_seconds=8)
    canceled = await videos.create(database, ada, REQUEST, quotas=quotas)
    await videos.cancel(database, ada, canceled.id)
    finished = await videos.create(database, ada, REQUEST, quotas=quotas)
    await complete(database, finished.id, 3.0)
    waiting = await videos.create(database, ada, REQUEST, quotas=quotas)
    longer = VideoChanges(script=f"{REQUEST.script} {REQUEST.script}")

    for refused in (
        videos.retry(database, ada, canceled.id, quotas=quotas),
        videos.update(database, ada, finished.id, VideoChanges(speed=0.9), quotas=quotas),
        videos.update(database, ada, waiting.id, longer, quotas=quotas),
    ):
        with pytest.raises(InvalidInput) as error:
            await refused
        assert code_of(error.value) == "LIMIT_EXCEEDED"

    # But what waits may become shorter, whatever has become of the quota, and be called otherwise
    shorter = VideoChanges(script="One.")
    await videos.update(database, ada, waiting.id, shorter, quotas=Quotas(monthly_seconds=1))
    await videos.update(
        database, ada, finished.id, VideoChanges(title="Done"), quotas=Quotas(monthly_seconds=1)
    )


async def test_a_film_is_counted_once_however_often_its_end_is_told(database: Database, ada: UUID) -> None:
    first, second = [await videos.create(database, ada, REQUEST) for _ in range(2)]
    claims = [
        await claiming.claim(database, one.id, lease_seconds=15, max_attempts=25) for one in (first, second)
    ]
    await asyncio.gather(
        *(
            claiming.complete(database, claim, rendered(2.5))
            for claim in claims
            for _ in range(5)
            if claim is not None
        )
    )
    # A film that is deleted has been rendered all the same
    await videos.delete(database, ada, second.id)

    used = await consumption(database, ada, Quotas(videos_at_once=7, monthly_seconds=100))
    assert (used.videos_completed, used.seconds_rendered, used.monthly_seconds_used) == (2, 5.0, 5.0)
    assert (used.storage_bytes, used.concurrent_now, used.concurrent_limit) == (5, 0, 7)
    assert used.monthly_seconds_limit == 100


async def test_a_call_that_comes_again_is_answered_though_nothing_more_may_be_made(
    database: Database, ada: UUID
) -> None:
    quotas = Quotas(waiting_videos=1)
    assert await outcome_of(database, ada, quotas, "a key") == "made"
    assert await outcome_of(database, ada, quotas, "another key") == "LIMIT_EXCEEDED"
    assert await outcome_of(database, ada, quotas, "a key") == "made"
    assert await videos.count(database, ada, VideoFilter()) == 1


async def test_one_key_is_one_video_within_a_batch_and_across_batches_at_once(
    database: Database, ada: UUID
) -> None:
    wanted = [NewVideo(REQUEST, f"key {number % 5}") for number in range(10)]
    batches = await asyncio.gather(*(videos.create_each(database, ada, wanted) for _ in range(6)))
    ids = [[one.id for one in batch if isinstance(one, Video)] for batch in batches]
    assert all(one == ids[0] for one in ids)
    assert ids[0][:5] == ids[0][5:]
    assert await videos.count(database, ada, VideoFilter()) == 5
    other = [NewVideo(REQUEST, "new"), NewVideo(VideoRequest(script="Other."), "new")]
    outcomes = await videos.create_each(database, ada, other)
    assert [code_of(one) for one in outcomes] == ["made", "IDEMPOTENCY_KEY_REUSED"]


async def test_a_deleted_videos_key_is_free_again(database: Database, ada: UUID) -> None:
    first = await videos.create(database, ada, REQUEST, idempotency_key="a key")
    await videos.delete(database, ada, first.id)
    async with database.reading() as session:
        assert (await session.execute(select(func.count()).select_from(IdempotencyKey))).scalar_one() == 0
    second = await videos.create(database, ada, VideoRequest(script="Other."), idempotency_key="a key")
    assert second.id != first.id


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (VideoRequest(script="Hi"), VideoRequest(script="Hi", title=None), True),
        (VideoRequest(script="Hi", speed=1), VideoRequest(script="Hi", speed=1.0), False),
        (VideoRequest(script="Hi"), VideoRequest(script="Hi", speed=1.0), False),
        (
            VideoRequest(script="Hi", metadata={"a": 1, "b": {"c": 2, "d": [3, 4]}}),
            VideoRequest(script="Hi", metadata={"b": {"d": [3, 4], "c": 2}, "a": 1}),
            True,
        ),
        (
            VideoRequest(script="Hi", metadata={"a": [3, 4]}),
            VideoRequest(script="Hi", metadata={"a": [4, 3]}),
            False,
        ),
    ],
)
def test_a_body_is_the_same_in_any_order_of_its_fields(
    one: VideoRequest, other: VideoRequest, is_same: bool
) -> None:
    assert (NewVideo(one).digest == NewVideo(other).digest) is is_same


async def test_held_back_videos_let_others_pass_in_the_queue(database: Database, ada: UUID) -> None:
    ben = User(email="ben@example.com", email_key="ben@example.com", password_hash="-")
    async with database.transaction() as session:
        session.add(ben)
    hers = [await videos.create(database, ada, REQUEST) for _ in range(3)]
    his = await videos.create(database, ben.id, REQUEST)
    all_of_them = [one.id for one in (*hers, his)]

    # They take turns, and what she may not have under way yet comes last
    two = Quotas(videos_at_once=2)
    places = await videos.queue_positions(database, all_of_them, quotas=two)
    assert [places[one] for one in all_of_them] == [1, 3, 4, 2]

    # Her own limit goes before everybody's
    await change_user(database, ada, concurrent_limit=3)
    places = await videos.queue_positions(database, all_of_them, quotas=two)
    assert [places[one] for one in all_of_them] == [1, 3, 4, 2]

    async with database.transaction() as session:
        first = await session.get_one(Video, hers[0].id)
        first.sqlmodel_update(
            {"status": VideoStatus.PROCESSING, "lease_expires_at": utc_now() + timedelta(minutes=1)}
        )
        (await session.get_one(User, ada)).concurrent_limit = 1
    places = await videos.queue_positions(database, all_of_them, quotas=two)
    assert places == {his.id: 1, hers[1].id: 2, hers[2].id: 3}
