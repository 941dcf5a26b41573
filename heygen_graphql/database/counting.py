"""How many connections are in use, told to whoever watches the server."""

from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from heygen_graphql.observability import DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_MAX


def count_connections(engine: AsyncEngine) -> None:
    """Add the engine's connections to the numbers until it is disposed of."""
    pool = engine.sync_engine.pool
    assert isinstance(pool, QueuePool)
    at_most = pool.size() + pool._max_overflow
    DATABASE_CONNECTIONS_MAX.inc(at_most)
    in_use: WeakSet[ConnectionPoolEntry] = WeakSet()

    @event.listens_for(engine.sync_engine, "checkout")
    def take(_connection: object, entry: ConnectionPoolEntry, _proxy: object) -> None:
        in_use.add(entry)
        DATABASE_CONNECTIONS.inc()

    @event.listens_for(engine.sync_engine, "checkin")
    def give_back(_connection: object, entry: ConnectionPoolEntry) -> None:
        # One that could not be opened is given back without having been taken.
        if entry in in_use:
            in_use.discard(entry)
            DATABASE_CONNECTIONS.dec()

    # An engine may be disposed of more than once.
    @event.listens_for(engine.sync_engine, "engine_disposed", once=True)
    def leave(_engine: object) -> None:
        DATABASE_CONNECTIONS_MAX.dec(at_most)
