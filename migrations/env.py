"""Runs the migrations over the same async drivers as the server."""

import asyncio
from typing import Literal

from alembic import context
from sqlalchemy import Connection, String, text
from sqlmodel.sql.sqltypes import AutoString

from heygen_graphql.database import MIGRATING, MIGRATION_LOCK, open_engine
from heygen_graphql.settings import Settings
from heygen_graphql.tables import UtcDateTime, metadata


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
        # SQLite's, too, when the transaction is begun by hand: a migration that is killed leaves nothing.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        if not is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        context.run_migrations()
        if is_sqlite:
            broken = connection.execute(text("PRAGMA foreign_key_check")).all()
            if broken:
                raise RuntimeError(f"this migration would leave rows that point nowhere: {broken[:5]}")


async def _migrate(url: str) -> None:
    engine = open_engine(url, MIGRATING)
    try:
        async with engine.connect() as connection:
            # Of processes that migrate at once, all but one wait here until it has committed.
            await connection.execution_options(sqlite_begin="IMMEDIATE")
            await connection.run_sync(_run)
            await connection.commit()
    finally:
        await engine.dispose()


if context.is_offline_mode():
    raise SystemExit(
        "Offline migrations are not supported: point DATABASE_URL at the database and run `migrate`."
    )

asyncio.run(_migrate(context.config.attributes.get("url") or Settings().resolved_database_url))
