import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from heygen_graphql.database import Bounds, Database
from heygen_graphql.settings import Settings

FAKE_CHILD = (sys.executable, "-m", "tests.jobs.fake_child")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, Bounds(pool_size=25))
    yield database
    await database.close()


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    yield database
    await database.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of an embedded server that has no time to lose."""
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        lease_seconds=3,
        sweep_seconds=0.1,
    )
