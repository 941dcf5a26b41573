"""Whose video a worker takes next, when it asks the database."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from heygen_graphql import videos
from heygen_graphql.database import Database
from heygen_graphql.jobs import choosing, claiming
from heygen_graphql.jobs.claiming import Claim
from heygen_graphql.jobs.deciding import Terms
from heygen_graphql.tables import User, Video, VideoStatus, utc_now
from heygen_graphql.videos import Quotas
from tests.jobs.test_claiming import PASSING, RENDERED
from tests.jobs.videos import add_video, change, let_lease_run_out, load

BEGAN = utc_now() - timedelta(hours=1)
FILM, PREVIEW = 60.0, 8.0


def terms(videos_at_once: int = 5, max_losses: int = 3) -> Terms:
    return Terms(15, 25, max_losses, Quotas(videos_at_once=videos_at_once))


async def add_videos(database: Database, *playing_seconds: float, minute: float = 0) -> list[UUID]:
    """One owner's, asked for one after the other within a second."""
    ids = [
        await add_video(
            database, queued_at=at(minute) + timedelta(milliseconds=number), estimated_seconds=seconds
        )
        for number, seconds in enumerate(playing_seconds)
    ]
    owner_id = (await load(database, ids[0])).owner_id
    for video_id in ids[1:]:
        await change(database, video_id, owner_id=owner_id)
    return ids


def at(minute: float) -> datetime:
    return BEGAN + timedelta(minutes=minute)


async def owner_of(database: Database, video_id: UUID) -> UUID:
    return (await load(database, video_id)).owner_id


async def taken(database: Database, count: int, *, previews_first: bool = True) -> list[UUID]:
    """What a server that renders one after the other takes."""
    order = []
    for _ in range(count):
        claim = await choosing.claim_next(database, terms(), previews_first=previews_first)
        assert claim is not None
        order.append(claim.video_id)
        await claiming.complete(database, claim, RENDERED)
    return order


async def test_owners_take_turns_however_much_one_of_them_asks_for(database: Database) -> None:
    hers = await add_videos(database, FILM, FILM, FILM)
    his = await add_videos(database, FILM, FILM, minute=1)
    assert await taken(database, 5) == [hers[0], his[0], hers[1], his[1], hers[2]]
    assert await choosing.claim_next(database, terms()) is None


async def test_whoever_has_fewest_under_way_is_next(database: Database) -> None:
    hers = await add_videos(database, FILM, FILM)
    assert (await next_of(database)).video_id == hers[0]
    his = await add_videos(database, FILM, minute=59)
    assert (await next_of(database)).video_id == his[0]
    assert (await next_of(database)).video_id == hers[1]


async def test_who_comes_while_others_wait_is_served_after_them(database: Database) -> None:
    """Somebody who has just come, however long ago they were last served, overtakes nobody who waits."""
    first = await add_videos(database, FILM)
    second = await add_videos(database, FILM, minute=1)
    third = await add_videos(database, FILM, minute=2)
    async with database.transaction() as session:
        owner = await session.get_one(User, await owner_of(database, third[0]))
        owner.last_served_at = at(-1000)
    assert await taken(database, 3) == [*first, *second, *third]


async def test_previews_go_first_and_once_in_a_while_whoever_has_waited_longest(database: Database) -> None:
    hers = await add_videos(database, FILM, FILM, PREVIEW, PREVIEW)
    his = await add_videos(database, FILM, minute=1)
    others = await add_videos(database, PREVIEW, PREVIEW, minute=2)
    # Among people, and within one's own line
    assert await taken(database, 2) == [hers[2], others[0]]
    assert await taken(database, 1, previews_first=False) == [his[0]]
    assert await taken(database, 1, previews_first=False) == [hers[0]]
    assert await taken(database, 3) == [others[1], hers[3], hers[1]]


async def test_who_may_have_no_more_under_way_and_whose_account_is_closed_are_passed_over(
    database: Database,
) -> None:
    hers = await add_videos(database, FILM, FILM, FILM)
    closed = await add_videos(database, FILM, minute=1)
    his = await add_videos(database, FILM, FILM, minute=2)
    async with database.transaction() as session:
        (await session.get_one(User, await owner_of(database, closed[0]))).is_active = False
        (await session.get_one(User, await owner_of(database, his[0]))).concurrent_limit = 1
    claims = [await choosing.claim_next(database, terms(videos_at_once=2)) for _ in range(4)]
    assert [claim and claim.video_id for claim in claims] == [hers[0], his[0], hers[1], None]


async def test_what_backs_off_or_is_being_rendered_or_was_lost_too_often_is_left(database: Database) -> None:
    (failed, lost, hopeless, worn) = await add_videos(database, FILM, FILM, FILM, FILM)
    await claiming.fail(database, await next_of(database), PASSING, max_failures=3)
    await change(database, worn, attempt=25)
    assert [(await next_of(database)).video_id for _ in range(2)] == [lost, hopeless]
    for video_id, losses in ((lost, 1), (hopeless, 2)):
        await let_lease_run_out(database, video_id)
        await change(database, video_id, losses=losses)
    assert (await load(database, failed)).status is VideoStatus.PENDING

    # While the database was away nobody could renew a lease: nothing is taken over then
    assert await choosing.claim_next(database, terms(), may_take_over=False) is None
    assert (await next_of(database)).video_id == lost
    assert (await load(database, lost)).losses == 2
    assert await choosing.claim_next(database, terms()) is None


async def test_the_queue_is_told_in_the_order_in_which_it_is_begun(database: Database) -> None:
    # Given people who wait with one, three and five, of whom one has another under way and one has previews
    hers = await add_videos(database, *[FILM] * 5)
    his = await add_videos(database, *[FILM] * 4, minute=1)
    others = await add_videos(database, *[PREVIEW] * 3, minute=2)
    await add_videos(database, FILM, minute=3)
    lease = utc_now() + timedelta(minutes=1)
    await change(database, his[0], status=VideoStatus.PROCESSING, lease_expires_at=lease)

    # When they are begun one after the other, and none ends
    quotas = terms(videos_at_once=4).quotas
    told = await videos.queue_positions(database, [*hers, *his, *others], quotas=quotas)
    last = await videos.queue_positions(database, [hers[4]], quotas=quotas)
    begun = [(await next_of(database, terms(4))).video_id for _ in range(11)]

    # Then each has had the place that was told
    assert {video_id: begun.index(video_id) + 1 for video_id in told if video_id in begun} == {
        video_id: place for video_id, place in told.items() if video_id != hers[4]
    }
    assert last == {hers[4]: 12}


@pytest.mark.parametrize("owners", [1, 3, 40])
async def test_of_many_that_ask_at_once_each_gets_another(database: Database, owners: int) -> None:
    ids = []
    for owner in range(owners):
        ids += await add_videos(database, *[FILM] * (40 // owners), minute=owner / 100)
    claims = await asyncio.gather(*(choosing.claim_next(database, terms(40)) for _ in range(12)))
    won = [claim for claim in claims if claim is not None]
    assert len({claim.video_id for claim in won}) == 12
    # Nobody much more than another, though all of them looked at the same lines
    shares = Counter(claim.owner_id for claim in won)
    assert max(shares.values()) <= 12 / min(owners, 12) + 2


async def next_of(database: Database, on: Terms | None = None) -> Claim:
    claim = await choosing.claim_next(database, on or terms())
    assert claim is not None
    return claim


async def test_a_choice_among_tens_of_thousands_reads_only_the_heads_of_lines(postgres_url: str) -> None:
    # Given three hundred owners with a hundred videos each
    database = Database(postgres_url)
    pattern = await add_video(database, status=VideoStatus.CANCELED)
    columns = [column.name for column in Video.metadata.tables["videos"].columns]
    own = {
        "id": "gen_random_uuid()",
        "owner_id": "u.id",
        "status": "'PENDING'",
        "queued_at": "now() - n * interval '1 second'",
        "estimated_seconds": "n",
    }
    values = ", ".join(own.get(name, f"v.{name}") for name in columns)
    async with database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO users (id, email, email_key, password_hash, is_active, is_superuser, "
                "created_at, updated_at) SELECT gen_random_uuid(), n, n, '', true, false, now(), now() "
                "FROM generate_series(1, 300) n"
            )
        )
        await session.execute(
            text(
                f"INSERT INTO videos ({', '.join(columns)}) SELECT {values} "
                "FROM videos v, users u, generate_series(1, 100) n WHERE v.id = :id AND u.password_hash = ''"
            ),
            {"id": pattern},
        )
        await session.execute(text("ANALYZE"))

    # When a worker asks what is next
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    claim = await choosing.claim_next(database, terms())
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    assert claim is not None

    # Then no statement goes through the table
    async with database.engine.connect() as connection:
        for statement, parameters in asked:
            if statement.startswith(("SELECT", "WITH")):
                rows = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
                plan = "\n".join(row[0] for row in rows)
                assert "Seq Scan on videos" not in plan, f"{statement}\n{plan}"

    await database.close()
