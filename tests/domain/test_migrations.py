"""The way to the newest schema and back, over rows that are there already."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import alembic.command
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, Uuid, insert, select, text
from structlog.testing import capture_logs

from heygen_graphql.database import (
    MIGRATING,
    MIGRATION_LOCK,
    Database,
    alembic_config,
    migrate,
    open_engine,
    require_newest_schema,
)
from heygen_graphql.errors import BadSettings, HeygenError
from heygen_graphql.tables import metadata

# What a column may hold is narrower here than its type tells.
FITTING = {"status": "PENDING", "state": "AWAITING_BYTES", "month": "2026-11", "progress": 0.5}


Contents = dict[str, dict[tuple[str, ...], dict[str, Any]]]


def test_every_step_up_and_down_keeps_what_is_in_the_tables(database_url: str) -> None:
    revisions = list(_revisions(database_url))
    alembic.command.downgrade(alembic_config(database_url), revisions[0])

    for older, newer in pairwise(revisions):
        run(database_url, fill)
        before = run(database_url, contents)
        alembic.command.upgrade(alembic_config(database_url), newer)
        assert _lost(before, run(database_url, contents)) == {}, newer
        run(database_url, fill)
        full = run(database_url, contents)
        alembic.command.downgrade(alembic_config(database_url), older)
        left = run(database_url, contents)
        assert set(left) == set(before)
        # Tables and columns of the newer revision go; nothing else does.
        kept = {table: full[table] for table in left}
        assert _lost(_columns_of(kept, left), left) == {}, older
        alembic.command.upgrade(alembic_config(database_url), newer)


def test_from_every_revision_the_newest_is_reached_and_is_what_the_tables_say(database_url: str) -> None:
    revisions = list(_revisions(database_url))
    for earlier in revisions[:-1]:
        # Given what an earlier version left
        alembic.command.downgrade(alembic_config(database_url), earlier)
        run(database_url, fill)
        before = run(database_url, contents)
        # When a new one comes
        migrate(database_url)
        # Then all of it is there, in tables as they are declared
        assert _lost(before, run(database_url, contents)) == {}, earlier
        assert run(database_url, _differences) == [], earlier
        # And its triggers live
        run(database_url, fill)
        assert run(database_url, _unwatched) == set(), earlier


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_processes_that_migrate_at_once_wait_for_each_other(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    # Given a database in which nothing is
    url = f"sqlite+aiosqlite:///{tmp_path / 'new.db'}"
    if kind == "postgres":
        url = request.getfixturevalue("postgres").empty_database()
    program = (
        "import sys; from heygen_graphql.database import migrate; "
        "print('ready', flush=True); input(); migrate(sys.argv[1])"
    )
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen([sys.executable, "-c", program, url], stdin=pipe, stdout=pipe, stderr=pipe)
        for _ in range(4)
    ]
    # When four processes bring it to the newest schema
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60)[1].decode() for process in processes]
    # Then none fails
    assert ([process.returncode for process in processes], "".join(told)) == ([0] * 4, "")
    assert run(url, _differences) == []


def test_who_needs_the_newest_schema_waits_for_a_migration_that_is_under_way(database_url: str) -> None:
    (*_, before, newest) = _revisions(database_url)
    alembic.command.downgrade(alembic_config(database_url), before)
    with pytest.raises(BadSettings, match=f"has the schema {before}, and this version needs {newest}"):
        require_newest_schema(database_url)

    async def migrate_slowly() -> None:
        """As `migrations/env.py` does, and as slow as with many rows."""
        engine = open_engine(database_url, MIGRATING)
        async with engine.connect() as connection:
            await connection.execution_options(sqlite_begin="IMMEDIATE")
            if engine.dialect.name == "postgresql":
                held = text("SELECT pg_advisory_xact_lock(:key)")
                await connection.execute(held, {"key": MIGRATION_LOCK})
            await connection.execute(text(f"UPDATE alembic_version SET version_num = '{newest}'"))
            other = asyncio.create_task(asyncio.to_thread(require_newest_schema, database_url))
            await asyncio.sleep(1.2)
            assert not other.done()
            await connection.commit()
        await engine.dispose()
        async with asyncio.timeout(30):
            await other

    with capture_logs() as logged:
        asyncio.run(migrate_slowly())
    assert [line["event"] for line in logged] == ["waiting_for_a_migration"]


def test_a_schema_of_a_newer_version_is_left_alone_and_served_from(database_url: str) -> None:
    later = text("UPDATE alembic_version SET version_num = '9999'")
    run(database_url, lambda connection: connection.execute(later))
    with pytest.raises(BadSettings, match="9999, which a newer version has made"):
        migrate(database_url)
    with capture_logs() as logged:
        require_newest_schema(database_url)
    assert [line["event"] for line in logged] == ["schema_is_newer"]


def test_a_migration_that_fails_halfway_leaves_nothing(database_url: str) -> None:
    # Given two accounts that the third revision cannot keep apart
    alembic.command.downgrade(alembic_config(database_url), "0001")
    before = run(database_url, contents).keys()
    add_users(database_url, "ＡDA@example.com", "ada@example.com")
    # When the second has been reached
    with pytest.raises(HeygenError, match="two Unicode forms"):
        migrate(database_url)
    # Then
    assert run(database_url, contents).keys() == before
    with pytest.raises(BadSettings, match="has the schema 0001"):
        require_newest_schema(database_url)


def test_usage_is_counted_from_the_videos_that_are_finished_already(database_url: str) -> None:
    alembic.command.downgrade(alembic_config(database_url), "0002")

    def finish_two(connection: Connection) -> None:
        fill(connection)
        videos = _tables(connection)["videos"]
        finished = {
            "status": "COMPLETED",
            "files_prefix": "x",
            "completed_at": datetime(2026, 3, 31, 23, 59, tzinfo=UTC),
            "duration_seconds": 2.5,
        }
        connection.execute(videos.update().values(finished))
        (row,) = connection.execute(select(videos)).mappings()
        connection.execute(insert(videos).values({**row, "id": _value(videos.c.id)}))

    run(database_url, finish_two)
    alembic.command.upgrade(alembic_config(database_url), "0003")

    def usage(connection: Connection) -> list[tuple[Any, ...]]:
        table = _tables(connection)["usage"]
        chosen = select(table.c.month, table.c.videos_completed, table.c.seconds_rendered)
        return [tuple(row) for row in connection.execute(chosen)]

    assert run(database_url, usage) == [("2026-03", 2, 5.0)]


def test_addresses_are_folded_by_unicode_form_and_those_that_fall_together_are_named(
    database_url: str,
) -> None:
    alembic.command.downgrade(alembic_config(database_url), "0002")

    def keys(connection: Connection) -> set[str]:
        return set(connection.execute(select(_tables(connection)["users"].c.email_key)).scalars())

    # Given two accounts of one address
    add_users(database_url, "ＡDA@example.com", "Jose\u0301@example.com", "ada@example.com")
    with pytest.raises(HeygenError, match="two Unicode forms"):
        alembic.command.upgrade(alembic_config(database_url), "0003")
    assert "ada@example.com" in run(database_url, keys)
    # When one of them has been given another
    mend = text("UPDATE users SET email = 'x@y.z', email_key = 'x@y.z' WHERE email = 'ada@example.com'")
    run(database_url, lambda connection: connection.execute(mend))
    alembic.command.upgrade(alembic_config(database_url), "0003")
    # Then each is found by what it means
    assert run(database_url, keys) == {"ada@example.com", "jos\u00e9@example.com", "x@y.z"}


def add_users(url: str, *emails: str) -> None:
    def insert_all(connection: Connection) -> None:
        users = _tables(connection)["users"]
        for email in emails:
            row = {column.name: _value(column) for column in users.columns}
            connection.execute(insert(users).values(row | {"email": email, "email_key": email.casefold()}))

    run(url, insert_all)


def fill(connection: Connection) -> None:
    """One more row in every table there is."""
    made: dict[str, dict[str, Any]] = {}
    for table in _tables(connection).values():
        if table.name == "viewer_versions":
            # The database's own trigger has added one with the user.
            continue
        row = {column.name: _value(column) for column in table.columns if not _is_counted(column)}
        if table.name == "users":
            # As it is folded: a revision makes it anew.
            row["email_key"] = row["email"]
        for key in table.foreign_keys:
            row[key.parent.name] = made[key.column.table.name][key.column.name]
        connection.execute(insert(table).values(row))
        made[table.name] = row


def contents(connection: Connection) -> Contents:
    """All rows of all tables, by their primary keys."""
    return {
        name: {
            tuple(str(row[key.name]) for key in table.primary_key): dict(row)
            for row in connection.execute(select(table)).mappings()
        }
        for name, table in _tables(connection).items()
    }


def _lost(before: Contents, after: Contents) -> dict[str, list[object]]:
    """What rows said and say no more, by table; tables that were empty are told of, too."""
    lost: dict[str, list[object]] = {
        table: [
            row for key, row in rows.items() if not row.items() <= after.get(table, {}).get(key, {}).items()
        ]
        for table, rows in before.items()
        if rows
    }
    return {table: rows for table, rows in lost.items() if rows} | {
        table: ["is empty"] for table, rows in before.items() if not rows
    }


def _columns_of(rows: Contents, others: Contents) -> Contents:
    """Without the columns that are not in the `others`."""
    names = {table: next(iter(of_table.values()), {}).keys() for table, of_table in others.items()}
    return {
        table: {
            key: {name: row[name] for name in row if name in names[table]} for key, row in of_table.items()
        }
        for table, of_table in rows.items()
    }


def _differences(connection: Connection) -> list[Any]:
    """Between the tables as the database has them and as they are declared."""
    compared = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    return list(compare_metadata(compared, metadata))


def _unwatched(connection: Connection) -> set[str]:
    """Tables of a user's rows whose change leaves their owners' versions as they are."""
    tables = _tables(connection)
    versions = select(tables["viewer_versions"].c.version).order_by("version")
    unwatched = set()
    for name in ("videos", "assets", "photo_avatars", "api_keys", "templates", "usage", "webhooks"):
        before = connection.execute(versions).scalars().all()
        connection.execute(tables[name].update().values(owner_id=tables[name].c.owner_id))
        if connection.dialect.name == "postgresql":
            # Else they would act at the commit.
            connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        if connection.execute(versions).scalars().all() == before:
            unwatched.add(name)
        connection.rollback()
    return unwatched


def run(url: str, work: Any) -> Any:
    async def inside() -> Any:
        database = Database(url)
        try:
            async with database.engine.connect() as connection:
                done = await connection.run_sync(work)
                await connection.commit()
                return done
        finally:
            await database.close()

    return asyncio.run(inside())


def _revisions(url: str) -> Iterator[str]:
    script = ScriptDirectory.from_config(alembic_config(url))
    return reversed([revision.revision for revision in script.walk_revisions()])


def _tables(connection: Connection) -> dict[str, Table]:
    """As the database has them, parents before children."""
    metadata = MetaData()
    metadata.reflect(connection)
    return {table.name: table for table in metadata.sorted_tables if table.name != "alembic_version"}


def _is_counted(column: Any) -> bool:
    return column.primary_key and column.type.python_type is int


def _value(column: Any) -> Any:
    if column.name in FITTING:
        return FITTING[column.name]
    if isinstance(column.type, Uuid):
        return uuid4()
    if str(column.type) == "JSON":
        return {}
    kind = column.type.python_type
    if kind is datetime:
        return datetime.now(UTC)
    return uuid4().hex[: column.type.length or 32] if kind is str else kind(1)
