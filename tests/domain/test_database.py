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
