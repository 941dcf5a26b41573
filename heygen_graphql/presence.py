"""Which processes render: each tells of itself in a row of `workers`, where whoever wants to know counts."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy import delete, func, select, update
from sqlmodel import col

from heygen_graphql import __version__
from heygen_graphql.database import Database, is_passing_fault
from heygen_graphql.tables import Worker

_BEAT_SECONDS = 10.0
_LATELY = timedelta(seconds=30)
"""One beat may be lost, and another late."""
_FAREWELL_SECONDS = 2.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    processes: int
    renders_at_once: int
    """By all of them together."""


async def seen_lately(database: Database) -> Seen:
    """Those that told of themselves within the last half minute; one that was killed counts until then."""
    async with database.reading() as session:
        since = await database.now(session) - _LATELY
        counted = select(func.count(), func.coalesce(func.sum(col(Worker.renders_at_once)), 0))
        row = (await session.execute(counted.where(col(Worker.seen_at) > since))).one()
        return Seen(processes=int(row[0]), renders_at_once=int(row[1]))


@asynccontextmanager
async def present(
    database: Database, *, renders_at_once: int, beat_seconds: float = _BEAT_SECONDS
) -> AsyncIterator[None]:
    """Be seen while the block runs, unless the database is away: then as soon as it is back."""
    worker_id = uuid4()
    await _tell(database, worker_id, renders_at_once)
    beating = asyncio.create_task(_beat(database, worker_id, renders_at_once, beat_seconds), name="presence")
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait({beating})
        await _take_leave(database, worker_id)


async def _beat(database: Database, worker_id: UUID, renders_at_once: int, beat_seconds: float) -> None:
    while True:
        await asyncio.sleep(beat_seconds)
        await _tell(database, worker_id, renders_at_once)


async def _tell(database: Database, worker_id: UUID, renders_at_once: int) -> None:
    try:
        async with database.transaction() as session:
            now = await database.now(session)
            mine = update(Worker).where(col(Worker.id) == worker_id).values(seen_at=now)
            # Another may have forgotten this process while it was suspended.
            if await session.scalar(mine.returning(col(Worker.id))) is None:
                session.add(
                    Worker(
                        id=worker_id,
                        name=f"{socket.gethostname()}:{os.getpid()}"[:200],
                        version=__version__,
                        renders_at_once=renders_at_once,
                        started_at=now,
                        seen_at=now,
                    )
                )
            await session.execute(delete(Worker).where(col(Worker.seen_at) <= now - _LATELY))
    except Exception as error:
        if is_passing_fault(error):
            _log.warning("database_away", error=str(error))
        else:
            _log.exception("presence_not_told")


async def _take_leave(database: Database, worker_id: UUID) -> None:
    try:
        async with asyncio.timeout(_FAREWELL_SECONDS), database.transaction() as session:
            await session.execute(delete(Worker).where(col(Worker.id) == worker_id))
    except Exception as error:
        # It is forgotten soon anyway.
        _log.warning("presence_not_ended", error=str(error))
