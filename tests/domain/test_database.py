import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from heygen_graphql.database import Database, is_passing_fault


@pytest.mark.parametrize(
    ("sqlstate", "is_passing"),
    [
        ("57P03", True),  # the database system is starting up
        ("53300", True),  # too many connections
        ("40P01", True),  # deadlock
        ("25P03", True),  # a transaction that stood still was ended
        ("22021", False),  # NUL in a text
        ("42601", False),  # no SQL
    ],
)
async def test_what_postgresql_will_have_got_over_in_a_moment_is_a_passing_fault(
    postgres_url: str, sqlstate: str, is_passing: bool
) -> None:
    database = Database(postgres_url)
    try:
        with pytest.raises(DBAPIError) as raised:
            async with database.reading() as session:
                await session.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$"))
    finally:
        await database.close()
    assert is_passing_fault(raised.value) is is_passing


async def test_a_transaction_that_stands_still_gives_up_its_locks(postgres_url: str) -> None:
    sleeper, other = Database(postgres_url), Database(postgres_url)

    async def lock_the_users_until_they_are_counted() -> None:
        async with sleeper.transaction() as session:
            await session.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
            async with asyncio.timeout(20), other.reading() as reader:
                await reader.execute(text("SELECT count(*) FROM users"))
            await session.execute(text("SELECT 1"))

    try:
        with pytest.raises(DBAPIError) as raised:
            await lock_the_users_until_they_are_counted()
    finally:
        await sleeper.close()
        await other.close()
    assert is_passing_fault(raised.value)
