"""Runs the migrations over the same async drivers as the server."""

import asyncio
from typing import Literal

from alembic import context
from sqlalchemy import Connection, String, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.sql.sqltypes import AutoString

from heygen_graphql.settings import Settings
from heygen_graphql.tables import UtcDateTime, metadata

# Of two machines that migrate at once, one waits for the other.
_ADVISORY_LOCK = 0x68657967


def _render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    # A migration stands by itself: it must run as written when the application's own types have moved on.
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, String | AutoString):
        return f"sa.String({'' if item.length is None else item.length})"
    return False


def _run(connection: Connection) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=is_sqlite,
        compare_type=True,
        compare_server_default=True,
        render_item=_render_item,
    )
    with context.begin_transaction():
        if is_sqlite:
            context.run_migrations()
            broken = connection.execute(text("PRAGMA foreign_key_check")).all()
            if broken:
                raise RuntimeError(f"this migration would leave rows that point nowhere: {broken[:5]}")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            context.run_migrations()


async def _migrate(url: str) -> None:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                # A batch migration drops and remakes tables; with foreign keys on that deletes child rows,
                # and the switch does nothing inside a transaction.
                await connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
                await connection.commit()
            await connection.run_sync(_run)
            await connection.commit()
    finally:
        await engine.dispose()


if context.is_offline_mode():
    raise SystemExit(
        "Offline migrations are not supported: point DATABASE_URL at the database and run `migrate`."
    )

asyncio.run(_migrate(context.config.attributes.get("url") or Settings().resolved_database_url))
