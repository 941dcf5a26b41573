"""The way to the newest schema and back, over rows that are there already."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import uuid4

import alembic.command
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, Uuid, func, insert, select, text

from heygen_graphql.database import Database, alembic_config
from heygen_graphql.errors import HeygenError

# What a column may hold is narrower here than its type tells.
FITTING = {"status": "PENDING", "state": "AWAITING_BYTES", "month": "2026-11", "progress": 0.5}


def test_every_step_up_and_down_keeps_the_rows_of_the_tables_that_stay(database_url: str) -> None:
    revisions = list(_revisions(database_url))
    alembic.command.downgrade(alembic_config(database_url), revisions[0])

    for older, newer in pairwise(revisions):
        before = run(database_url, fill)
        alembic.command.upgrade(alembic_config(database_url), newer)
        after = run(database_url, counts)
        assert {table: after[table] for table in before} == before, newer
        run(database_url, fill)
        full = run(database_url, counts)
        alembic.command.downgrade(alembic_config(database_url), older)
        left = run(database_url, counts)
        assert left == {table: full[table] for table in left}, older
        assert set(left) == set(before)
        alembic.command.upgrade(alembic_config(database_url), newer)


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

    def add(*emails: str) -> None:
        def insert_all(connection: Connection) -> None:
            users = _tables(connection)["users"]
            for email in emails:
                row = {column.name: _value(column) for column in users.columns}
                connection.execute(
                    insert(users).values(row | {"email": email, "email_key": email.casefold()})
                )

        run(database_url, insert_all)

    def keys(connection: Connection) -> set[str]:
        return set(connection.execute(select(_tables(connection)["users"].c.email_key)).scalars())

    # Given two accounts of one address
    add("ＡDA@example.com", "Jose\u0301@example.com", "ada@example.com")
    with pytest.raises(HeygenError, match="two Unicode forms"):
        alembic.command.upgrade(alembic_config(database_url), "0003")
    assert "ada@example.com" in run(database_url, keys)
    # When one of them has been given another
    mend = text("UPDATE users SET email = 'x@y.z', email_key = 'x@y.z' WHERE email = 'ada@example.com'")
    run(database_url, lambda connection: connection.execute(mend))
    alembic.command.upgrade(alembic_config(database_url), "0003")
    # Then each is found by what it means
    assert run(database_url, keys) == {"ada@example.com", "jos\u00e9@example.com", "x@y.z"}


def fill(connection: Connection) -> dict[str, int]:
    """One more row in every table there is; how many each has then."""
    made: dict[str, dict[str, Any]] = {}
    tables = _tables(connection)
    for table in tables.values():
        if table.name == "viewer_versions":
            # The database's own trigger has added one with the user.
            continue
        row = {column.name: _value(column) for column in table.columns if not _is_counted(column)}
        for key in table.foreign_keys:
            row[key.parent.name] = made[key.column.table.name][key.column.name]
        connection.execute(insert(table).values(row))
        made[table.name] = row
    return counts(connection)


def counts(connection: Connection) -> dict[str, int]:
    return {
        name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for name, table in _tables(connection).items()
    }


def run(url: str, work: Any) -> Any:
    async def inside() -> Any:
        database = Database(url)
        try:
            async with database.engine.begin() as connection:
                return await connection.run_sync(work)
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
