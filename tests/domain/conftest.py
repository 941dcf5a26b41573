from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from heygen_graphql.database import Database
from heygen_graphql.tables import User


@pytest.fixture(params=["sqlite_url", "postgres_url"], ids=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def ada(database: Database) -> UUID:
    """A user whose password nobody needs."""
    user = User(email="ada@example.com", email_key="ada@example.com", password_hash="-")
    async with database.transaction() as session:
        session.add(user)
    return user.id
