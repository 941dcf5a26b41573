"""What a load balancer, an operator and a stranger learn of how the server is."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy

from heygen_graphql.settings import Settings
from tests.api.serving import PASSWORD, SIGN_UP, served
from tests.conftest import StartServer
from tests.servers import Postgres, Valkey, wait_until

SECRET = "a secret of more than thirty-two bytes"
PARTS = {"database", "queue", "cache", "storage", "workers"}
# As a proxy adds them: with these a request counts as somebody's from elsewhere.
FROM_ELSEWHERE = {"X-Forwarded-For": "203.0.113.7"}


def several(tmp_path: Path, valkey: Valkey, database_url: str) -> Settings:
    """Those of one process of a server of several."""
    return Settings(
        _env_file=None,
        secret_key=SECRET,
        redis_url=valkey.url,
        database_url=database_url,
        data_dir=tmp_path / "data",
    )


@contextmanager
def asking(settings: Settings) -> Iterator[httpx.Client]:
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        yield http


def checks(http: httpx.Client, **headers: str) -> dict[str, Any]:
    told: dict[str, Any] = http.get("/health/detailed", headers=headers).json()["checks"]
    return told


def execute(database_url: str, statement: str, **values: Any) -> None:
    url = database_url.replace("sqlite+aiosqlite", "sqlite")
    with sqlalchemy.create_engine(url).begin() as connection:
        connection.execute(sqlalchemy.text(statement), values)


def test_whoever_runs_the_server_sees_how_each_part_is(http: httpx.Client) -> None:
    answer = http.get("/health/detailed")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    told = answer.json()["checks"]
    assert set(told) == PARTS
    for part in told.values():
        assert part["status"] == "ok"
        assert 0 <= part["latency_ms"] < 2000


def test_the_part_that_is_away_is_named_and_the_server_goes_on(
    tmp_path: Path, valkey: Valkey, sqlite_url: str
) -> None:
    # Given a server of several processes, without a worker
    with asking(several(tmp_path, valkey, sqlite_url)) as http:
        before = http.get("/health/detailed")
        assert {name: part["status"] for name, part in before.json()["checks"].items()} == {
            **dict.fromkeys(PARTS, "ok"),
            "workers": "none seen",
        }
        # When Redis dies
        valkey.kill()
        ill = http.get("/health/detailed")
        ready = http.get("/health/ready")
    # Then queue and cache are, and the server may go on taking requests.
    assert (ill.status_code, ill.json()["status"]) == (503, "unhealthy")
    assert {name for name, part in ill.json()["checks"].items() if part["status"] == "unreachable"} == {
        "queue",
        "cache",
    }
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


def test_workers_that_were_seen_lately_are_counted(tmp_path: Path, valkey: Valkey, sqlite_url: str) -> None:
    # Given two of them, and one that has not been heard of for a minute
    insert = (
        "INSERT INTO workers (id, name, version, renders_at_once, started_at, seen_at) "
        "VALUES (:id, 'a:1', '1', 3, :at, :at)"
    )
    for number, age_seconds in enumerate((0, 1, 60)):
        at = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.gmtime(time.time() - age_seconds))
        execute(sqlite_url, insert, id=f"{number:032x}", at=at)
    # When the server is asked
    with asking(several(tmp_path, valkey, sqlite_url)) as http:
        workers = checks(http)["workers"]
        metrics = http.get("/metrics").text.splitlines()
    # Then
    assert workers.items() >= {"status": "ok", "seen": 2, "renders_at_once": 6}.items()
    assert {"workers_seen 2.0", "render_slots 6.0"} <= set(metrics)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-For": "::1, 203.0.113.7"},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
def test_what_came_through_a_proxy_is_told_the_status_alone(
    http: httpx.Client, headers: dict[str, str]
) -> None:
    answer = http.get("/health/detailed", headers=headers)
    assert answer.status_code == 200
    assert set(answer.json()) == {"status", "time"}


def test_a_forged_address_opens_nothing_even_where_every_proxy_is_trusted(
    server: StartServer, tmp_path: Path
) -> None:
    one = server("serve", TRUSTED_PROXIES="*")
    forged = httpx.get(f"{one.url}/health/detailed", headers={"X-Forwarded-For": "127.0.0.1"})
    plain = httpx.get(f"{one.url}/health/detailed")
    assert set(forged.json()) == {"status", "time"}
    assert set(plain.json()) == {"status", "time", "checks"}


def test_a_superuser_sees_it_from_anywhere_by_token_and_by_key(
    http: httpx.Client, settings: Settings
) -> None:
    # Given somebody who signs in from elsewhere
    email = "operator@example.com"
    signed_up = http.post(
        "/graphql", json={"query": SIGN_UP, "variables": {"email": email, "password": PASSWORD}}
    )
    token = signed_up.json()["data"]["signUp"]["session"]["accessToken"]
    bearer = {"Authorization": f"Bearer {token}"}
    make_key = 'mutation { createApiKey(input: { name: "probe" }) { key userErrors { code } } }'
    made = http.post("/graphql", json={"query": make_key}, headers=bearer).json()
    key = {"X-API-Key": made["data"]["createApiKey"]["key"]}
    # When they are nobody in particular
    for headers in (bearer, key, {"Authorization": "Bearer no"}):
        assert set(http.get("/health/detailed", headers=headers | FROM_ELSEWHERE).json()) == {
            "status",
            "time",
        }
    # ... and when they are a superuser
    assert settings.database_url is not None
    execute(settings.database_url, "UPDATE users SET is_superuser = 1 WHERE email = :email", email=email)
    for headers in (bearer, key):
        answer = http.get("/health/detailed", headers=headers | FROM_ELSEWHERE)
        assert set(answer.json()["checks"]) == PARTS


def test_a_server_is_ready_while_its_database_answers(
    tmp_path: Path, valkey: Valkey, postgres: Postgres
) -> None:
    with asking(several(tmp_path, valkey, postgres.new_database())) as http:
        assert http.get("/health/ready").json()["status"] == "ready"
        postgres.kill()
        try:
            wait_until(lambda: http.get("/health/ready").status_code == 503, "being found unready", 10)
            away = http.get("/health/ready").json()
            told = checks(http)
            metrics = http.get("/metrics").text.splitlines()
            alive = http.get("/health")
        finally:
            postgres.launch()
        wait_until(lambda: http.get("/health/ready").status_code == 200, "being found ready again", 20)
    assert (away["status"], away["reason"]) == ("not ready", "the database cannot be reached")
    assert told["database"]["status"] == "unreachable"
    assert alive.status_code == 200
    # What the database counts is not told from memory.
    assert "database_reachable 0.0" in metrics
    assert not [line for line in metrics if line.startswith("render_queue_depth")]


def test_a_server_is_not_ready_for_an_older_schema_and_is_for_a_newer_one(
    tmp_path: Path, valkey: Valkey, sqlite_url: str
) -> None:
    with asking(several(tmp_path, valkey, sqlite_url)) as http:
        execute(sqlite_url, "UPDATE alembic_version SET version_num = '0001'")
        wait_until(lambda: http.get("/health/ready").status_code == 503, "being found unready", 10)
        older = http.get("/health/ready").json()
        # The next version's, which is rolled out just now
        execute(sqlite_url, "UPDATE alembic_version SET version_num = '9999'")
        wait_until(lambda: http.get("/health/ready").status_code == 200, "being found ready", 10)
    assert older["reason"] == "the database needs: heygen-graphql migrate"


def test_a_server_that_is_told_to_stop_says_so_while_it_serves_on(server: StartServer) -> None:
    one = server("serve", DRAIN_SECONDS="30")
    assert httpx.get(f"{one.url}/health/ready").status_code == 200
    # When it is told to stop
    one.process.terminate()
    wait_until(lambda: httpx.get(f"{one.url}/health/ready").status_code == 503, "being unready", 10)
    # Then it still serves, and a second word ends that.
    assert httpx.get(f"{one.url}/health/ready").json()["reason"] == "stopping"
    asked = httpx.post(f"{one.url}/graphql", json={"query": "{ __typename }"})
    assert asked.json()["data"] == {"__typename": "Query"}
    one.process.send_signal(signal.SIGINT)
    one.process.wait(timeout=15)
