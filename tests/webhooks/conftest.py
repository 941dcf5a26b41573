from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol
from uuid import UUID

import pytest

from heygen_graphql.database import Database
from heygen_graphql.settings import Settings
from heygen_graphql.tables import User
from tests.webhooks.receiver import Receiver, receiving


class Configure(Protocol):
    def __call__(self, **settings: object) -> Settings: ...


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def configured(receiver: Receiver, tmp_path: Path) -> Configure:
    """Settings of a server that may call the receiver, and whose patience is short."""

    def configure(**settings: object) -> Settings:
        values: dict[str, object] = {
            "data_dir": tmp_path / "data",
            "webhook_allowed_hosts": (f"localhost:{receiver.port}",),
            "webhook_timeout_seconds": 1.0,
            "webhook_retry_seconds": (0.05, 0.1, 0.2),
        }
        return Settings(_env_file=None, **(values | settings))  # type: ignore[arg-type]

    return configure


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
