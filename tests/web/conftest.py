from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.serving import served


@pytest.fixture(scope="package")
def settings(tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path) -> Settings:
    """The whole server in one process, as on a developer's machine."""
    directory = tmp_path_factory.mktemp("web")
    database = directory / "heygen.db"
    database.write_bytes(_migrated_sqlite.read_bytes())
    return Settings(
        _env_file=None,
        debug=True,
        database_url=f"sqlite+aiosqlite:///{database}",
        data_dir=directory / "data",
        cors_origins="https://studio.example",
    )


@pytest.fixture(scope="package")
def http(settings: Settings) -> Iterator[httpx.Client]:
    with served(settings) as address, httpx.Client(base_url=address, timeout=60, trust_env=False) as http:
        yield http
