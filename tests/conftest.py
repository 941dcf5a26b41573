import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol
from uuid import UUID

import pytest

from heygen_graphql.database import Database, migrate
from heygen_graphql.tables import User
from tests.servers import S3, HeygenServer, Postgres, Valkey, clean_environment, free_port


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--crash-rounds", type=int, default=3, help="how often the crash test kills its server (default 3)"
    )
    parser.addoption(
        "--chaos-seed", type=int, help="of the plan of the chaos test (another one each time when not given)"
    )


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(_migrated_sqlite: Path, tmp_path: Path) -> str:
    """A database of this test's own, made by the migrations."""
    return f"sqlite+aiosqlite:///{shutil.copy(_migrated_sqlite, tmp_path / 'heygen.db')}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    cluster = Postgres()
    yield cluster
    cluster.close()


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """A database of this test's own, made by the migrations."""
    return postgres.new_database()


@pytest.fixture(params=["sqlite_url", "postgres_url"], ids=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Of both kinds, one after the other."""
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


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    server = S3(tmp_path_factory.mktemp("s3"))
    yield server
    server.close()


@pytest.fixture
def bucket(s3: S3) -> str:
    """One of this test's own, in which nothing is."""
    return s3.new_bucket()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    return valkey.url


class StartServer(Protocol):
    def __call__(self, command: str, **environment: str) -> HeygenServer: ...


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StartServer]:
    """Start `heygen-graphql <command>` with these variables and no others of its settings; killed at the end.

    DATA_DIR is one folder for all servers of a test unless it is given.
    """
    started: list[HeygenServer] = []

    def start(command: str, **environment: str) -> HeygenServer:
        variables = clean_environment(**{"DATA_DIR": str(tmp_path / "data"), **environment})
        one = HeygenServer(command, variables, tmp_path, free_port())
        started.append(one)
        return one

    yield start
    for one in started:
        one.close()
