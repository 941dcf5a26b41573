"""Engines for SQLite and PostgreSQL: how many connections, how long anybody waits, and who finds out that the
server has gone."""

import asyncio
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from heygen_graphql.database.faults import DatabaseAway
from heygen_graphql.settings import Settings

_IDLE_TRANSACTION_SECONDS = 5.0
"""Transactions here wait for nothing slow; one that stands still is of a process that was suspended, and its
row locks would keep its video from everybody else until it wakes."""
_CONNECT_SECONDS = 3.0
_PING_AFTER_SECONDS = 1.0
"""A connection that was used later is taken to be alive unless its socket has closed: asking each time costs
half as much again as a short transaction takes."""
_PING_SECONDS = 2.0
_SILENCE_SECONDS = 2.0
"""Beyond the time that a statement may take: a server that has not ended it by then has gone."""
_ASK_AGAIN_SECONDS = 1.0
_SILENT = "the database server does not answer"
_SQLITE_WAIT_SECONDS = 30
# libpq's parameters of a URL, which asyncpg reads in a connection string only.
_LIBPQ = ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslnegotiation")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a process may ask of its database, and how long it waits for it; 0 seconds are without end."""

    pool_size: int = 10
    """Connections that are kept open ..."""
    overflow: int = 10
    """... and that are opened beside them and closed again; PostgreSQL's alone."""
    wait_seconds: float = 5
    """For one of them."""
    statement_seconds: float = 10
    lock_seconds: float = 5
    idle_seconds: float = _IDLE_TRANSACTION_SECONDS
    """For the next statement of a transaction."""
    is_pooled: bool = False
    """Behind a pooler that gives each transaction another connection: no statement is prepared for later,
    and the bounds are told to the server with each transaction."""

    @classmethod
    def of(cls, settings: Settings, pool_size: int | None = None) -> "Bounds":
        """`pool_size`: of a process that knows how many it needs."""
        return cls(
            pool_size=settings.database_pool_size if pool_size is None else pool_size,
            overflow=settings.database_pool_overflow if pool_size is None else 0,
            wait_seconds=settings.database_pool_wait_seconds,
            statement_seconds=settings.database_statement_timeout_seconds,
            lock_seconds=settings.database_lock_timeout_seconds,
            is_pooled=settings.database_transaction_pooling,
        )

    @property
    def postgresql(self) -> dict[str, str]:
        return {
            "statement_timeout": _milliseconds(self.statement_seconds),
            "lock_timeout": _milliseconds(self.lock_seconds),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_seconds),
        }


MIGRATING = Bounds(pool_size=1, statement_seconds=0, lock_seconds=0, idle_seconds=0, is_pooled=True)
"""As long as it takes, through a pooler or not."""


def open_engine(url: str, bounds: Bounds) -> AsyncEngine:
    """Nothing is connected yet."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        return _sqlite(parts, bounds)
    return _postgresql(parts, bounds)


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


def _sqlite(url: URL, bounds: Bounds) -> AsyncEngine:
    is_migrating = bounds is MIGRATING
    wait_ms = (3600 if is_migrating else _SQLITE_WAIT_SECONDS) * 1000
    pragmas = (
        # First: the others may have to wait, too.
        f"busy_timeout={wait_ms}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        # A batch migration drops and remakes tables; with foreign keys on that deletes child rows.
        f"foreign_keys={'OFF' if is_migrating else 'ON'}",
    )
    engine = create_async_engine(
        url,
        pool_size=bounds.pool_size,
        max_overflow=0,
        pool_timeout=bounds.wait_seconds,
        # Errors are logged, and a parameter may be a secret.
        hide_parameters=True,
        connect_args={"factory": _SqliteConnection},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # The driver's own transaction control would begin every transaction DEFERRED.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        # A deferred transaction that turns to writing fails at once with "database is locked" when another
        # has written meanwhile, whatever the timeout; an immediate one waits its turn.
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _postgresql(url: URL, bounds: Bounds) -> AsyncEngine:
    silence = _Silence()
    options: dict[str, Any] = {"async_creator_fn": silence.connect, "timeout": _CONNECT_SECONDS}
    if bounds.statement_seconds:
        options["command_timeout"] = bounds.statement_seconds + _SILENCE_SECONDS
    if bounds.is_pooled:
        options |= {
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": str,
        }
    else:
        options["server_settings"] = bounds.postgresql
    if any(name in url.query for name in _LIBPQ):
        of_libpq = URL.create(
            "postgresql", query={name: url.query[name] for name in _LIBPQ if name in url.query}
        )
        options["dsn"] = of_libpq.render_as_string()
        url = url.difference_update_query(_LIBPQ)
    engine = create_async_engine(
        url,
        pool_size=bounds.pool_size,
        max_overflow=bounds.overflow,
        pool_timeout=bounds.wait_seconds,
        # Errors are logged, and a parameter may be a secret.
        hide_parameters=True,
        connect_args=options,
    )
    silence.watch(engine)
    if bounds.is_pooled:
        told = [f"set_config('{name}', '{value}', true)" for name, value in bounds.postgresql.items()]

        @event.listens_for(engine.sync_engine, "begin")
        def begin(connection: Any) -> None:
            connection.exec_driver_sql(f"SELECT {', '.join(told)}")

    return engine


_BROKEN = (
    *(asyncpg.PostgresError, asyncpg.InterfaceError, OSError),
    # The server has said that it ends the connection, and has not closed it yet.
    asyncpg.InternalClientError,
)


class _Silence:
    """Of a server that neither answers nor refuses: suspended, or its network is gone.

    Whoever waited for it in vain tells the others, who then wait no more: it is asked again beside them.
    Belongs to one event loop.
    """

    def __init__(self) -> None:
        self._is_away = False
        self._ask_again_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def connect(self, *arguments: Any, **options: Any) -> Any:
        if not self._is_away:
            return await self._connected(*arguments, **options)
        if time.monotonic() >= self._ask_again_at and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask(*arguments, **options))
        raise DatabaseAway(_SILENT)

    async def _ask(self, *arguments: Any, **options: Any) -> None:
        try:
            connection = await self._connected(*arguments, **options)
            await connection.close(timeout=_CONNECT_SECONDS)
        except DatabaseAway:
            return
        except _BROKEN:
            # It refuses, for which nobody has to wait.
            self._is_away = False

    async def _connected(self, *arguments: Any, **options: Any) -> Any:
        try:
            connection = await asyncpg.connect(*arguments, **options)
        except TimeoutError as error:
            raise self._began() from error
        self._is_away = False
        return connection

    def watch(self, engine: AsyncEngine) -> None:
        @event.listens_for(engine.sync_engine, "checkin")
        def note_use(_connection: object, record: Any) -> None:
            record.info["used_at"] = time.monotonic()

        @event.listens_for(engine.sync_engine, "checkout")
        def find_out(connection: Any, record: Any, _proxy: object) -> None:
            driver = connection.driver_connection
            if driver.is_closed():
                raise DisconnectionError("closed by the server")
            used_at = record.info.get("used_at")
            if used_at is None or time.monotonic() < used_at + _PING_AFTER_SECONDS:
                return
            try:
                await_only(driver.fetchrow(";", timeout=_PING_SECONDS))
            except TimeoutError as error:
                raise self._began() from error
            except _BROKEN as error:
                raise DisconnectionError(str(error)) from error

        @event.listens_for(engine.sync_engine, "handle_error")
        def give_up(context: ExceptionContext) -> None:
            if isinstance(context.original_exception, TimeoutError):
                # No rollback is tried, and every other connection is taken to be as dead as this one.
                context.is_disconnect = True
                raise self._began() from context.original_exception

    def _began(self) -> DatabaseAway:
        self._is_away = True
        self._ask_again_at = time.monotonic() + _ASK_AGAIN_SECONDS
        return DatabaseAway(_SILENT)


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
