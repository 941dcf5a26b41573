from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.serving import Api, served
from tests.servers import Valkey

SECRET = "a secret of more than thirty-two bytes"


@pytest.fixture(scope="package")
def api_settings(tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path) -> Iterator[Settings]:
    """An API beside which no worker runs: a video stays as a test left it."""
    directory = tmp_path_factory.mktemp("api")
    valkey = Valkey(directory)
    database = directory / "heygen.db"
    database.write_bytes(_migrated_sqlite.read_bytes())
    yield Settings(
        _env_file=None,
        secret_key=SECRET,
        redis_url=valkey.url,
        database_url=f"sqlite+aiosqlite:///{database}",
        data_dir=directory / "data",
        sign_ins_per_minute=10_000,
        videos_per_minute=10_000,
        # All tests come from one address.
        points_bucket=1_000_000,
        document_characters_bucket=100_000_000,
    )
    valkey.kill()


@pytest.fixture(scope="package")
def address(api_settings: Settings) -> Iterator[str]:
    with served(api_settings) as address:
        yield address


@pytest.fixture
def anyone(address: str) -> Iterator[Api]:
    """Who has not signed in."""
    with httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        yield Api(http)


@pytest.fixture(scope="package")
def someone(address: str) -> Iterator[Api]:
    """Who has signed in long ago, for tests that change nothing: a new account takes a hash's time."""
    with httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        yield Api(http).signed_in()


@pytest.fixture
def ada(anyone: Api) -> Api:
    return anyone.signed_in()


@pytest.fixture
def ben(anyone: Api) -> Api:
    return anyone.signed_in()
