"""Which processes render, as the others see it."""

import asyncio
from datetime import timedelta

from sqlalchemy import delete, select
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.presence import Seen, present, seen_lately
from heygen_graphql.tables import Worker, utc_now
from tests.servers import SLACK


async def silent_for(database: Database, seconds: float) -> None:
    """As if nobody had told of themselves for so long."""
    async with database.transaction() as session:
        for worker in await session.scalars(select(Worker)):
            worker.seen_at -= timedelta(seconds=seconds)


async def test_those_that_render_are_counted_from_their_start_to_their_end(database: Database) -> None:
    assert await seen_lately(database) == Seen(processes=0, renders_at_once=0)
    async with present(database, renders_at_once=2):
        async with present(database, renders_at_once=3):
            assert await seen_lately(database) == Seen(processes=2, renders_at_once=5)
        assert await seen_lately(database) == Seen(processes=1, renders_at_once=2)
    assert await seen_lately(database) == Seen(processes=0, renders_at_once=0)


async def test_one_that_was_killed_is_forgotten_after_half_a_minute(database: Database) -> None:
    # Given the row of a process that has died
    async with database.transaction() as session:
        session.add(Worker(name="elsewhere:1", version="1", renders_at_once=4, seen_at=utc_now()))
    assert (await seen_lately(database)).renders_at_once == 4

    # When it has been silent for long
    await silent_for(database, 31)

    # Then it counts no more, and the next that tells of itself removes the row
    assert (await seen_lately(database)).processes == 0
    async with present(database, renders_at_once=1), database.reading() as session:
        names = list(await session.scalars(select(col(Worker.name))))
    assert len(names) == 1
    assert names != ["elsewhere:1"]


async def test_one_that_was_suspended_and_forgotten_is_seen_again_when_it_wakes(database: Database) -> None:
    async with present(database, renders_at_once=2, beat_seconds=0.2):
        async with database.transaction() as session:
            await session.execute(delete(Worker))
        await asyncio.sleep(0.2 * SLACK)
        assert await seen_lately(database) == Seen(processes=1, renders_at_once=2)
