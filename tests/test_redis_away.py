"""A server of an API and a worker goes on while its Redis is away: killed, or suspended without a word."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from redis import Redis

from heygen_graphql.outages import ANSWER_SECONDS
from heygen_graphql.settings import Settings
from tests.api.serving import PASSWORD, Answer, Api, served, sign_up
from tests.servers import SLACK, Valkey, clean_environment, kill_with_children, spawn, wait_until

CREATE = """
mutation ($script: String!) {
  createVideo(input: { script: $script, quality: LOW }) { video { id status } userErrors { code message } }
}
"""
MINE = "{ me { email } videos(first: 5) { totalCount edges { node { id status } } } }"
WATCH = "subscription ($id: ID!) { videoStatus(id: $id) { video { status version } } }"
LOG_IN = """
mutation ($email: String!, $password: String!) {
  logIn(input: { email: $email, password: $password }) {
    session { accessToken user { email } }
    userErrors { code }
  }
}
"""
PLAN = json.dumps({"steps": 4, "step_seconds": 0.1})
"""What the stand-in for the renderer makes of it takes nearly half a second."""
VIDEOS_A_MINUTE = 3


@pytest.fixture
def settings(postgres_url: str, valkey: Valkey, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        secret_key="a secret of more than thirty-two bytes",
        database_url=postgres_url,
        redis_url=valkey.url,
        data_dir=tmp_path / "data",
        videos_per_minute=VIDEOS_A_MINUTE,
        lease_seconds=3,
        sweep_seconds=0.5,
    )


@pytest.fixture
def worker(settings: Settings, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    names = ("database_url", "redis_url", "data_dir", "lease_seconds", "sweep_seconds")
    variables = {name.upper(): str(getattr(settings, name)) for name in names}
    process = spawn(
        [sys.executable, "-m", "tests.jobs.worker_process"],
        log=tmp_path / "worker.log",
        environment=clean_environment(**variables),
    )
    yield process
    kill_with_children(process)


@pytest.fixture
def api(settings: Settings) -> Iterator[Api]:
    with served(settings) as address, httpx.Client(base_url=address, timeout=60, trust_env=False) as http:
        yield Api(http)


def create(caller: Api) -> str:
    payload = caller(CREATE, script=PLAN).data["createVideo"]
    assert payload["userErrors"] == []
    video_id: str = payload["video"]["id"]
    return video_id


def timed(call: Callable[[], Any]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


async def watched_to_its_end(caller: Api, video_id: str) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    async with caller.subscribed(WATCH, id=video_id) as socket:
        while not seen or seen[-1]["status"] in ("PENDING", "PROCESSING"):
            seen.append((await socket.next(30))["videoStatus"]["video"])
    versions = [video["version"] for video in seen]
    assert versions == sorted(set(versions))
    return seen


def _kill(valkey: Valkey) -> Callable[[], None]:
    valkey.kill()
    return valkey.start


def _suspend(valkey: Valkey) -> Callable[[], None]:
    process = psutil.Process(valkey.pid)
    process.suspend()
    return lambda: process.resume()


@pytest.mark.parametrize("leave", [_kill, _suspend], ids=["killed", "suspended"])
async def test_without_redis_a_server_goes_on_and_with_it_everything_drains(
    leave: Callable[[Valkey], Callable[[], None]],
    api: Api,
    worker: subprocess.Popen[bytes],
    valkey: Valkey,
) -> None:
    # Given a server where videos are rendered
    session = sign_up(api)
    ada, ben = Api(api.http, session["accessToken"]), api.signed_in()
    assert (await watched_to_its_end(ada, create(ada)))[-1]["status"] == "COMPLETED"

    # When Redis goes
    come_back = leave(valkey)

    # Then reading goes on: what the first callers find out the others do not wait for
    took = [timed(lambda: ada(MINE).data) for _ in range(30)]
    assert max(took) < (3 * ANSWER_SECONDS) * SLACK, took
    assert sum(took) < 10 * ANSWER_SECONDS, took
    assert sorted(took)[15] < 0.2, took
    # And signing in does
    logged_in = api(LOG_IN, email=session["user"]["email"], password=PASSWORD).data["logIn"]
    assert logged_in["session"]["user"]["email"] == session["user"]["email"]
    # And videos are accepted
    accepted: list[str] = []
    assert timed(lambda: accepted.append(create(ada))) < (4 * ANSWER_SECONDS) * SLACK
    # And who watches is served by the poll, while the worker finds by itself what there is to do
    assert (await watched_to_its_end(ada, accepted[0]))[-1]["status"] == "COMPLETED"
    # And limits are kept by each process
    refused: list[Answer] = []
    while not refused and len(accepted) <= VIDEOS_A_MINUTE:
        answer = ada(CREATE, script=PLAN)
        if "errors" in answer.response.json():
            refused.append(answer)
        else:
            accepted.append(answer.data["createVideo"]["video"]["id"])
    assert [answer.code for answer in refused] == ["RATE_LIMITED"]

    # And when it is back, what was accepted is rendered, and what comes then
    come_back()
    accepted.append(create(ben))
    for video_id in accepted:
        caller = ben if video_id == accepted[-1] else ada
        assert (await watched_to_its_end(caller, video_id))[-1]["status"] == "COMPLETED"
    # And processes share their counts again
    with Redis.from_url(valkey.url) as redis:
        wait_until(lambda: ben(MINE).data and list(redis.scan_iter("heygen:points:*")) != [], "sharing", 10)


async def test_a_redis_that_was_emptied_loses_no_video(
    api: Api, worker: subprocess.Popen[bytes], valkey: Valkey
) -> None:
    ada = api.signed_in()
    with Redis.from_url(valkey.url) as redis:
        videos = []
        for _ in range(3):
            videos.append(create(ada))
            redis.flushall()
    for video_id in videos:
        assert (await watched_to_its_end(ada, video_id))[-1]["status"] == "COMPLETED"
