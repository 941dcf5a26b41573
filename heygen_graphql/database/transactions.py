"""Short transactions that behave alike on SQLite and PostgreSQL."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from heygen_graphql.database.counting import count_connections
from heygen_graphql.database.engines import Bounds, open_engine
from heygen_graphql.database.faults import is_passing_fault
from heygen_graphql.settings import Settings

T = TypeVar("T")


class Database:
    """
    Every session is short: opened for one transaction, closed before anything slow happens. Two
    resolvers that run side by side each open their own.
    """

    def __init__(self, url: str, bounds: Bounds | None = None) -> None:
        self.url = url
        self.engine = open_engine(url, bounds or Bounds())
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        count_connections(self.engine)

    @classmethod
    def of(cls, settings: Settings, *, pool_size: int | None = None) -> "Database":
        """`pool_size`: of a part of the server that knows how many connections it needs."""
        return cls(settings.resolved_database_url, Bounds.of(settings, pool_size))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction that writes; commits when the block ends, rolls back when it raises."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            if self.is_sqlite:
                await session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
            yield session
            await session.commit()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A transaction that only reads: on SQLite it waits for no writer."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    async def retrying(self, work: Callable[[AsyncSession], Awaitable[T]], *, attempts: int = 5) -> T:
        """Run `work` in a transaction, again from its beginning when the database drops out.

        `work` must be safe to repeat: the commit that was lost may have taken place.
        """
        for attempt in range(1, attempts + 1):
            try:
                async with self.transaction() as session:
                    return await work(session)
            except Exception as error:
                # A connection that breaks in a commit raises a bare DBAPIError: no list of classes tells it.
                if attempt == attempts or not is_passing_fault(error):
                    raise
                await asyncio.sleep(min(5.0, 0.1 * 2**attempt) * random.uniform(0.5, 1.5))
        raise AssertionError("unreachable")

    async def now(self, session: AsyncSession) -> datetime:
        """The database's clock, which all machines share; leases are set and judged by no other."""
        if self.is_sqlite:
            # One machine: its clock is the process's. SQLite 3.40 has no sub-second unixepoch().
            return datetime.now(UTC)
        moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
        return moment.astimezone(UTC)

    async def close(self) -> None:
        await self.engine.dispose()
