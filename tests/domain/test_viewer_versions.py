"""The version that tells whether anything of a viewer's has changed, kept by the database itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Table, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from heygen_graphql.database import Database, is_passing_fault
from heygen_graphql.tables import User, ViewerVersion, Webhook, metadata
from tests.domain.test_migrations import _tables, _value

NOT_SHOWN = {"idempotency_keys", "sessions", "viewer_versions"}
"""Tables with a user's rows that no field of the API shows."""
CHANGES_UNSEEN = {
    ("api_keys", "last_used_at"),
    ("videos", "hinted_at"),
    ("videos", "lease_expires_at"),
    ("videos", "losses"),
    ("videos", "request_id"),
    ("videos", "trace_parent"),
}
"""Columns whose change alone leaves the version as it is; a field that shows one is never kept."""


def shown_tables() -> list[Table]:
    """Those with a user's rows that the API shows, parents first."""
    return [
        table
        for table in metadata.sorted_tables
        if table.name not in NOT_SHOWN and any(key.column.table.name == "users" for key in table.foreign_keys)
    ]


def row_of(table: Table, made: dict[str, dict[str, Any]]) -> dict[str, Any]:
    row = {column.name: _value(column) for column in table.columns}
    for key in table.foreign_keys:
        row[key.parent.name] = made[key.column.table.name][key.column.name]
    return row


def test_every_write_to_every_table_of_a_users_rows_is_seen(database_url: str) -> None:
    def write(connection: Connection, statement: Any) -> None:
        connection.execute(statement)
        connection.commit()

    def version_of(connection: Connection, versions: Table, user: dict[str, Any]) -> int:
        chosen = select(versions.c.version).where(versions.c.user_id == user["id"])
        found: int = connection.execute(chosen).scalar_one()
        return found

    def walk(connection: Connection) -> None:
        # As the database has them: the models' types would not take each other's values.
        tables = _tables(connection)
        versions = tables["viewer_versions"]
        ada, ben = (row_of(tables["users"], {}) for _ in range(2))
        write(connection, insert(tables["users"]).values([ada, ben]))
        bens = version_of(connection, versions, ben)
        made = {"users": ada}

        def grows(what: str, statement: Any) -> bool:
            before = version_of(connection, versions, ada)
            write(connection, statement)
            after = version_of(connection, versions, ada)
            assert after >= before, what
            return after > before

        for name in ("users", *(table.name for table in shown_tables())):
            table = tables[name]
            if name != "users":
                made[name] = row_of(table, made)
                assert grows(f"insert into {name}", insert(table).values(made[name]))
            for column in table.columns:
                same = update(table).values({column.name: column}).where(_is_row(table, made[name]))
                is_seen = (name, column.name) not in CHANGES_UNSEEN
                assert grows(f"{name}.{column.name}", same) is is_seen, f"{name}.{column.name}"
        for table in reversed(shown_tables()):
            gone = delete(tables[table.name]).where(_is_row(tables[table.name], made[table.name]))
            assert grows(f"delete from {table.name}", gone), table.name
        assert version_of(connection, versions, ben) == bens
        # A user who goes takes the version along.
        write(connection, delete(tables["users"]).where(tables["users"].c.id == ada["id"]))
        assert connection.execute(select(versions.c.user_id)).scalars().all() == [ben["id"]]

    assert {table.name for table in shown_tables()} >= {"videos", "assets", "webhook_deliveries", "usage"}

    async def walk_it() -> None:
        database = Database(database_url)
        async with database.engine.connect() as connection:
            await connection.run_sync(walk)
        await database.close()

    asyncio.run(walk_it())


def _is_row(table: Table, row: dict[str, Any]) -> Any:
    keys = [column == row[column.name] for column in table.primary_key]
    return keys[0] if len(keys) == 1 else keys[0] & keys[1]


async def test_a_version_is_seen_no_later_than_the_change_that_it_tells_of(
    database: Database, ada: UUID
) -> None:
    # Given a change that is not committed yet
    before = await version(database, ada)
    async with database.transaction() as session:
        session.add(webhook(ada))
        await session.flush()
        # Then nobody else sees either
        assert await version(database, ada) == before
        assert await webhooks(database) == 0
    # And afterwards both
    assert await version(database, ada) > before
    assert await webhooks(database) == 1


@pytest.fixture
async def postgres_database(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(postgres_url)
    yield database
    await database.close()


async def two_users(database: Database) -> tuple[UUID, UUID]:
    users = [User(email=f"{n}@example.com", email_key=f"{n}@example.com", password_hash="-") for n in "ab"]
    async with database.transaction() as session:
        session.add_all(users)
    return users[0].id, users[1].id


async def test_writers_of_one_owner_never_fail_for_each_others_sake(postgres_database: Database) -> None:
    """Each holds a row and then wants the other's, as a sweep and a call of the owner's may; a version that
    was locked with the first of its rows would close the circle."""
    database = postgres_database
    ada, _ = await two_users(database)
    ids = [uuid4() for _ in range(2)]
    async with database.transaction() as session:
        session.add_all(webhook(ada, id=one) for one in ids)

    both_hold_one = asyncio.Barrier(2)

    async def first_alone() -> None:
        async with database.transaction() as session:
            await switch_off(session, ids[0])
            await both_hold_one.wait()
            # What the other does next waits for this transaction, which must not wait for the other.
            await add(session, ada)

    async def second_then_first() -> None:
        async with database.transaction() as session:
            await switch_off(session, ids[1])
            await both_hold_one.wait()
            await switch_off(session, ids[0])

    before = await version(database, ada)
    await asyncio.gather(first_alone(), second_then_first())
    assert await version(database, ada) > before


async def test_changes_of_two_owners_in_opposite_orders_come_through(database: Database) -> None:
    ada, ben = await two_users(database)
    rounds = 20

    async def both_ways(*owners: UUID) -> None:
        for _ in range(rounds):
            await database.retrying(lambda session: add(session, *owners))

    async def mine(owner_id: UUID) -> None:
        for _ in range(rounds):
            # With no second try: who changes an owner's rows alone never stands in a circle.
            async with database.transaction() as session:
                await add(session, owner_id)

    await asyncio.gather(both_ways(ada, ben), both_ways(ben, ada), mine(ada), mine(ben))
    assert await webhooks(database) == rounds * 6


async def test_a_transaction_of_many_rows_writes_a_version_once(postgres_database: Database) -> None:
    """Each further time would have to step over all before it: a log of 40,000 took 18 s to delete."""
    database = postgres_database
    ada, _ = await two_users(database)

    async def pages() -> int:
        async with database.reading() as session:
            size = text("SELECT pg_relation_size('viewer_versions') / current_setting('block_size')::int")
            found: int = (await session.execute(size)).scalar_one()
            return found

    before = await pages()
    await database.retrying(lambda session: add(session, *[ada] * 1000))
    assert await pages() == before


async def test_a_circle_of_versions_is_a_fault_that_passes(postgres_database: Database) -> None:
    database = postgres_database
    ada, ben = await two_users(database)
    both_hold_one = asyncio.Barrier(2)

    @asynccontextmanager
    async def holding(owner_id: UUID) -> AsyncIterator[AsyncSession]:
        async with database.transaction() as session:
            session.add(webhook(owner_id))
            await session.flush()
            # As a commit does, but that it stops half-way.
            await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            await both_hold_one.wait()
            yield session

    async def has_to_begin_again(first: UUID, second: UUID) -> bool:
        try:
            async with holding(first) as session:
                session.add(webhook(second))
        except DBAPIError as error:
            return is_passing_fault(error)
        return False

    faults = await asyncio.gather(has_to_begin_again(ada, ben), has_to_begin_again(ben, ada))
    assert sorted(faults) == [False, True]


async def switch_off(session: AsyncSession, webhook_id: UUID) -> None:
    await session.execute(update(Webhook).where(col(Webhook.id) == webhook_id).values(is_active=False))


async def add(session: AsyncSession, *owners: UUID) -> None:
    for owner_id in owners:
        session.add(webhook(owner_id))
        await session.flush()


def webhook(owner_id: UUID, **more: Any) -> Webhook:
    return Webhook(owner_id=owner_id, url="https://example.com", events=[], secret="-", **more)


async def version(database: Database, user_id: UUID) -> int:
    async with database.reading() as session:
        row = await session.get_one(ViewerVersion, user_id)
        return row.version


async def webhooks(database: Database) -> int:
    async with database.reading() as session:
        return len((await session.execute(select(col(Webhook.id)))).all())
