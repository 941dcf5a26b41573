"""One engine per process, and transactions that behave alike on SQLite and PostgreSQL."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from heygen_graphql.errors import BadSettings

T = TypeVar("T")

# A PostgreSQL that is down or restarting shows itself as one of these; asyncpg lets the bare
# ConnectionRefusedError (an OSError) through.
_PASSING_FAULTS = (OperationalError, InterfaceError, PoolTimeout, OSError)
# PostgreSQL's own codes, which SQLAlchemy shows as bare DBAPIErrors (PostgreSQL, Appendix A): the connection
# broke, a deadlock, no room for one more connection, "the database system is starting up", a database that is
# "not currently accepting connections", and a transaction that was ended for having stood still.
_PASSING_SQLSTATES = ("08", "40", "53", "57P", "55000", "25P03")
_PASSING_SQLITE_CODES = (
    *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
    *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN),
)
_IDLE_TRANSACTION_MS = 5000
"""Transactions here wait for nothing slow; one that stands still is of a process that was suspended, and its
row locks would keep its video from everybody else until it wakes."""


class Database:
    """
    Every session is short: opened for one transaction, closed before anything slow happens. Two
    resolvers that run side by side each open their own.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        if self.is_sqlite:
            self.engine = create_async_engine(
                url, pool_size=pool_size, max_overflow=0, connect_args={"factory": _SqliteConnection}
            )
            _prepare_sqlite(self.engine)
        else:
            bounds = {"idle_in_transaction_session_timeout": str(_IDLE_TRANSACTION_MS)}
            self.engine = create_async_engine(
                url,
                pool_size=pool_size,
                max_overflow=pool_size,
                pool_pre_ping=True,
                connect_args={"server_settings": bounds},
            )

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


def is_passing_fault(error: BaseException) -> bool:
    """Whether the database may be back in a moment."""
    if isinstance(error, DBAPIError):
        if isinstance(error.orig, sqlite3.Error):
            # Most of what SQLite calls an operational error is a mistake of ours, like an unknown table.
            return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _PASSING_SQLITE_CODES
        sqlstate = getattr(error.orig, "sqlstate", None) or ""
        if error.connection_invalidated or sqlstate.startswith(_PASSING_SQLSTATES):
            return True
    return isinstance(error, _PASSING_FAULTS)


class _SqliteConnection(sqlite3.Connection):
    """Gives up its locks when it is closed.

    SQLite puts off the closing of a connection, and keeps its transaction open, while a statement of it
    is alive. When a task is cancelled inside a transaction its traceback keeps one alive, and until that
    was collected nobody could write.
    """

    def close(self) -> None:
        if self.in_transaction:
            self.rollback()
        super().close()


def _prepare_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # The driver's own transaction control would begin every transaction DEFERRED.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        # A deferred transaction that turns to writing fails at once with "database is locked" when another
        # has written meanwhile, whatever the timeout; an immediate one waits its turn.
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")


def migrate(url: str) -> None:
    """Bring the database to the newest schema; does nothing when it is there.

    Runs an event loop of its own: call it before one runs, or in a thread.

    Raises:
        BadSettings: the database cannot be used.
    """
    with reaching(url):
        alembic.command.upgrade(alembic_config(url), "head")


def require_newest_schema(url: str) -> None:
    """For a process that does not migrate by itself. Runs an event loop of its own, as `migrate` does.

    Raises:
        BadSettings: the database cannot be used, or its schema is not this version's.
    """
    newest = ScriptDirectory.from_config(alembic_config(url)).get_current_head()
    with reaching(url):
        revision = asyncio.run(_revision(url))
    if revision != newest:
        shown = make_url(url).render_as_string(hide_password=True)
        has = f"the schema {revision}" if revision else "no schema yet"
        raise BadSettings(
            f"the database {shown} has {has}, and this version needs {newest}; run: heygen-graphql migrate"
        )


async def _revision(url: str) -> str | None:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(
                lambda connection: MigrationContext.configure(connection).get_current_revision()
            )
    finally:
        await engine.dispose()


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Turn a database that cannot be used into a BadSettings that names it, without its password."""
    parts = make_url(url)
    try:
        if parts.get_backend_name() == "sqlite" and parts.database and not parts.query:
            # Where it cannot be opened, aiosqlite's thread would add a traceback of its own.
            sqlite3.connect(parts.database).close()
        yield
    except (DBAPIError, OSError, sqlite3.Error) as error:
        shown = parts.render_as_string(hide_password=True)
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        remedy = "see that it is there and that DATABASE_URL names it"
        if isinstance(error, ProgrammingError) or reason.startswith("no such table"):
            remedy = "bring it to the newest schema with: heygen-graphql migrate"
        raise BadSettings(f"the database {shown} cannot be used: {reason}; {remedy}") from error


def alembic_config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_migrations_directory()))
    config.attributes["url"] = url
    return config


def _migrations_directory() -> Path:
    package = Path(__file__).parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"
