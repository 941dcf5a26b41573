"""An API whose PostgreSQL is killed or suspended says so at once, and goes on when it is back."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from heygen_graphql.settings import Settings
from tests.api.serving import Answer, Api, served
from tests.servers import SLACK, Postgres, Valkey, wait_until

MINE = "{ me { email } videos { totalCount } }"
CREATE = 'mutation { createVideo(input: { script: "Hi." }) { video { status } userErrors { code } } }'
STATEMENT_SECONDS = 1.0


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """One that no other test uses."""
    cluster = Postgres()
    yield cluster
    cluster.close()


@pytest.fixture
def ada(own_postgres: Postgres, valkey: Valkey, tmp_path: Path) -> Iterator[Api]:
    settings = Settings(
        _env_file=None,
        secret_key="a secret of more than thirty-two bytes",
        database_url=own_postgres.new_database(),
        redis_url=valkey.url,
        data_dir=tmp_path / "data",
        database_statement_timeout_seconds=STATEMENT_SECONDS,
        database_pool_wait_seconds=1,
    )
    with served(settings) as address, httpx.Client(base_url=address, timeout=60, trust_env=False) as http:
        yield Api(http).signed_in()


def kill(postgres: Postgres) -> Callable[[], None]:
    postgres.kill()
    return postgres.launch


def suspend(postgres: Postgres) -> Callable[[], None]:
    parent = psutil.Process(postgres.pid)
    family = [parent, *parent.children(recursive=True)]
    for member in family:
        member.suspend()

    def resume() -> None:
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.resume()

    return resume


@pytest.mark.parametrize("leave", [kill, suspend])
def test_without_its_database_a_server_tells_callers_at_once_to_come_again(
    leave: Callable[[Postgres], Callable[[], None]], ada: Api, own_postgres: Postgres
) -> None:
    # Given a server that has answered many at once
    with ThreadPoolExecutor(16) as callers:
        assert all("data" in answer.response.json() for answer in callers.map(ada, [MINE] * 32))

        # When PostgreSQL goes
        come_back = leave(own_postgres)
        try:
            began = time.monotonic()
            first = list(callers.map(ada, [MINE, CREATE] * 16))
            first_took = time.monotonic() - began
            began = time.monotonic()
            later = list(callers.map(ada, [MINE, CREATE] * 16))
            later_took = time.monotonic() - began
        finally:
            come_back()

    # Then nobody waits for longer than a statement may take and a little, and those who come later not at all
    assert first_took < (STATEMENT_SECONDS + 6) * SLACK, first_took
    assert later_took < 0.5 * SLACK, later_took
    for answer in (*first, *later):
        assert answer.code == "UNAVAILABLE"
        assert answer.response.headers["retry-after"] == str(answer.error["extensions"]["retryAfter"])

    # And when it is back, so is the server
    answers: list[Answer] = []

    def is_back() -> bool:
        answers.append(ada(MINE))
        return "errors" not in answers[-1].response.json()

    wait_until(is_back, "coming back", 15)
    assert ada(CREATE).data["createVideo"]["video"] == {"status": "PENDING"}
    assert {answer.code for answer in answers[:-1]} <= {"UNAVAILABLE"}
