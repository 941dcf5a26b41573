from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from heygen_graphql.settings import Settings
from tests.api.operations import UNBOUNDED
from tests.api.serving import Api, changed, served
from tests.servers import HeygenServer, Valkey, clean_environment, free_port

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


@pytest.fixture(scope="module")
def own_settings(
    tmp_path_factory: pytest.TempPathFactory, api_settings: Settings, _migrated_sqlite: Path
) -> Settings:
    """Of an API with a database of this module's own: no other server sees what waits in it."""
    directory = tmp_path_factory.mktemp("own")
    database = directory / "heygen.db"
    database.write_bytes(_migrated_sqlite.read_bytes())
    return changed(api_settings, database_url=f"sqlite+aiosqlite:///{database}", data_dir=directory / "data")


@pytest.fixture(scope="module")
def unbounded_settings(own_settings: Settings) -> Settings:
    """Of an API whose limits are not what is tried."""
    return changed(own_settings, **UNBOUNDED)


@pytest.fixture(scope="module")
def stranger(unbounded_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Who calls a server in a process of its own: Hypothesis wants this one's random numbers for itself."""
    variables = {
        name.upper(): str(getattr(unbounded_settings, name))
        for name in ("database_url", "redis_url", "data_dir", *UNBOUNDED)
    }
    environment = clean_environment(SECRET_KEY=SECRET, **variables)
    server = HeygenServer("api", environment, tmp_path_factory.mktemp("stranger"), free_port())
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http:
        yield Api(http)
    server.close()


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


@pytest.fixture(scope="package")
def strict(api_settings: Settings) -> Iterator[Api]:
    """Somebody at a server of low limits for websockets."""
    limits: dict[str, Any] = {
        "max_subscriptions_per_connection": 3,
        "max_connections_per_user": 2,
        "max_anonymous_connections_per_address": 4,
        "connection_init_seconds": 0.5,
        "keep_alive_seconds": 0.5,
        "max_body_bytes": 2048,
    }
    with (
        served(changed(api_settings, **limits)) as address,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as http,
    ):
        yield Api(http).signed_in()
