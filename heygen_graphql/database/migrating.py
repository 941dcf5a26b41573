"""The schema: bringing a database to the newest, and seeing that it is there."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import alembic.command
import structlog
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from heygen_graphql.database.engines import MIGRATING, open_engine
from heygen_graphql.errors import BadSettings

MIGRATION_LOCK = 0x68657967
"""PostgreSQL's advisory lock that a migration holds: whoever else migrates waits for its end."""
_PATIENCE_SECONDS = 1.0

_log = structlog.stdlib.get_logger(__name__)


def migrate(url: str) -> None:
    """Bring the database to the newest schema, or wait until another process has; does nothing when it is
    there.

    Runs an event loop of its own: call it before one runs, or in a thread.

    Raises:
        BadSettings: the database cannot be used, or a newer version has made its schema.
    """
    with reaching(url):
        try:
            alembic.command.upgrade(alembic_config(url), "head")
        except CommandError as error:
            revision = asyncio.run(_revision(url, None))
            if _is_known(url, revision):
                raise
            raise _wrong_schema(url, revision) from error


def require_newest_schema(url: str) -> None:
    """For a process that does not migrate by itself; waits for one that is just doing it. Runs an event loop
    of its own, as `migrate` does.

    A schema that a newer version has made will do: in the middle of an upgrade old processes start anew.

    Raises:
        BadSettings: the database cannot be used, or its schema is older than this version.
    """
    newest = ScriptDirectory.from_config(alembic_config(url)).get_current_head()
    with reaching(url):
        revision = asyncio.run(_revision(url, newest))
    if revision == newest:
        return
    if _is_known(url, revision):
        raise _wrong_schema(url, revision)
    _log.warning("schema_is_newer", revision=revision, known=newest)


def _is_known(url: str, revision: str | None) -> bool:
    scripts = ScriptDirectory.from_config(alembic_config(url))
    return revision is None or revision in {script.revision for script in scripts.walk_revisions()}


def _wrong_schema(url: str, revision: str | None) -> BadSettings:
    newest = ScriptDirectory.from_config(alembic_config(url)).get_current_head()
    shown = make_url(url).render_as_string(hide_password=True)
    if not _is_known(url, revision):
        return BadSettings(
            f"the database {shown} has the schema {revision}, which a newer version has made; this one knows "
            f"them up to {newest}: run the version that made it, or a newer one"
        )
    has = f"the schema {revision}" if revision else "no schema yet"
    return BadSettings(
        f"the database {shown} has {has}, and this version needs {newest}; run: heygen-graphql migrate"
    )


async def _revision(url: str, wanted: str | None) -> str | None:
    """Of the database, after the migration that is under way if it is not the `wanted` one before."""
    engine = open_engine(url, MIGRATING)
    try:
        async with engine.connect() as connection:
            revision = await _read_revision(connection)
        if revision == wanted:
            return revision
        async with engine.connect() as connection:
            waiting = asyncio.create_task(_wait_for_migration(connection))
            if not (await asyncio.wait([waiting], timeout=_PATIENCE_SECONDS))[0]:
                _log.warning("waiting_for_a_migration")
            await waiting
            return await _read_revision(connection)
    finally:
        await engine.dispose()


async def _wait_for_migration(connection: AsyncConnection) -> None:
    if connection.dialect.name == "sqlite":
        await connection.execution_options(sqlite_begin="IMMEDIATE")
        await connection.begin()
    else:
        await connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": MIGRATION_LOCK})


async def _read_revision(connection: AsyncConnection) -> str | None:
    return await connection.run_sync(
        lambda connection: MigrationContext.configure(connection).get_current_revision()
    )


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
    package = Path(__file__).parent.parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"
