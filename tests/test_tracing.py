"""One trace from the call that asks for a video to the render process, and what it costs nobody."""

import asyncio
import json
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from heygen_graphql.observability import tracing
from heygen_graphql.settings import Settings
from tests.api.serving import Api, served
from tests.conftest import StartServer
from tests.otlp import Collector, collecting
from tests.servers import Valkey, wait_until
from tests.webhooks.receiver import receiving

SECRET = "a secret of more than thirty-two bytes"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
CREATE_VIDEO = """
mutation ($input: CreateVideoInput!) {
  createVideo(input: $input) { video { id } userErrors { code message } }
}
"""
STATUS = "query ($id: ID!) { video(id: $id) { status failure { code message } } }"
CREATE_WEBHOOK = """
mutation ($url: URL!) {
  createWebhook(input: { url: $url, events: [VIDEO_COMPLETED] }) { userErrors { code message } }
}
"""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.mark.parametrize(
    ("header", "place"),
    [
        (PARENT, PARENT),
        (f" {PARENT} ", PARENT),
        # Of the flags, only "sampled" has a meaning that is known.
        (f"00-{TRACE}-00f067aa0ba902b7-00", f"00-{TRACE}-00f067aa0ba902b7-00"),
        (f"00-{TRACE}-00f067aa0ba902b7-fe", f"00-{TRACE}-00f067aa0ba902b7-00"),
        # A later version may say more.
        (f"cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-will-be-like", PARENT),
        (f"00-{TRACE}-00f067aa0ba902b7-01-what", None),
        (f"cc-{TRACE}-00f067aa0ba902b7-01.what", None),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (PARENT.upper(), None),
        (PARENT[:-1], None),
        ("x" * 100_000, None),
        ("", None),
        (None, None),
    ],
)
def test_a_place_in_a_trace_is_read_as_the_standard_has_it(header: str | None, place: str | None) -> None:
    assert tracing.read(header) == place


def shared(valkey: Valkey, sqlite_url: str, **variables: str) -> dict[str, str]:
    """The environment of one process of several."""
    return {"SECRET_KEY": SECRET, "REDIS_URL": valkey.url, "DATABASE_URL": sqlite_url, **variables}


def test_one_trace_leads_from_the_call_to_the_render_process(
    server: StartServer, valkey: Valkey, sqlite_url: str, collector: Collector
) -> None:
    # Given an API, a worker and a collector, and somebody with a webhook
    variables = shared(
        valkey,
        sqlite_url,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="100",
        LOG_JSON="true",
    )
    with (
        receiving() as receiver,
        httpx.Client(timeout=60, trust_env=False) as http,
    ):
        host = f"localhost:{receiver.port}"
        api = server("api", WEBHOOK_ALLOWED_HOSTS=host, **variables)
        worker = server("worker", WEBHOOK_ALLOWED_HOSTS=host, **variables)
        http.base_url = httpx.URL(api.url)
        ada = Api(http).signed_in()
        made = ada(CREATE_WEBHOOK, url=receiver.url("/ok")).data["createWebhook"]
        assert made["userErrors"] == []
        # When they ask for a video within a trace of theirs
        body = {"query": CREATE_VIDEO, "variables": {"input": {"script": "Hello there.", "quality": "LOW"}}}
        answer = ada.send(body, traceparent=PARENT, **{"X-Request-ID": "req-of-ada"})
        video_id = answer.data["createVideo"]["video"]["id"]
        wait_until(lambda: ada(STATUS, id=video_id).data["video"]["status"] == "COMPLETED", "the video", 90)
        (told,) = receiver.wait_for("/ok")
    # Then the render process's work is part of the worker's attempt, and that of the call
    attempt = collector.wait_for("render attempt", TRACE)
    drawing = collector.wait_for("render drawing", TRACE)
    assert collector.parents(drawing) == ["render", "render attempt", "mutation createVideo", "POST /graphql"]
    request = collector.named("POST /graphql", TRACE)[0]
    assert request.parent_id == "00f067aa0ba902b7"
    assert (request.role, drawing.role) == ("api", "worker")
    assert request.attributes["http.response.status_code"] == 200
    assert attempt.attributes["heygen.attempt"] == 1
    assert 0 < drawing.seconds < attempt.seconds
    assert collector.wait_for("upload", TRACE).attributes["heygen.bytes"] > 1000
    assert collector.parents(collector.wait_for("render assembling", TRACE))[0] == "render"
    # ... whoever is told of it can go on from there
    delivery = collector.wait_for("webhook delivery", TRACE)
    assert told.headers["traceparent"] == f"00-{TRACE}-{delivery.id}-01"
    # ... and each line of the worker's about it says whose request it was.
    lines = [json.loads(line) for line in worker.log.read_text().splitlines() if line.startswith("{")]
    ours = [line for line in lines if line["event"] in ("render_stage_over", "attempt_ended")]
    assert {line["stage"] for line in ours if "stage" in line} == {"SPEAKING", "DRAWING", "ASSEMBLING"}
    for line in ours:
        assert line["request_id"] == "req-of-ada"
        assert line["trace_id"] == TRACE
        assert line["attempt"] == 1
        assert re.fullmatch(r"[0-9a-f-]{36}", line["video_id"])
        assert re.fullmatch(r"[0-9a-f-]{36}", line["user_id"])


async def test_a_websocket_names_its_trace_when_it_begins(
    tmp_path: Path, sqlite_url: str, valkey: Valkey, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    settings = Settings(
        _env_file=None,
        secret_key=SECRET,
        redis_url=valkey.url,
        database_url=sqlite_url,
        data_dir=tmp_path / "data",
        otel_exporter_otlp_endpoint=collector.url,
    )
    other = TRACE[::-1]
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        ada = Api(http).signed_in()
        # In connection_init, as browsers must
        async with ada.websocket() as websocket:
            await websocket.begin({"Authorization": f"Bearer {ada.token}", "traceparent": PARENT})
            await websocket.subscribe("{ me { id } }")
            await websocket.next()
        # ... or in the handshake's headers
        async with ada.websocket(
            additional_headers={"traceparent": PARENT.replace(TRACE, other)}
        ) as websocket:
            await websocket.begin({"Authorization": f"Bearer {ada.token}"})
            await websocket.subscribe("{ me { id } }")
            await websocket.next()
        # An event stream is a request like others.
        headers = {
            "Accept": "text/event-stream",
            "Authorization": f"Bearer {ada.token}",
            "traceparent": PARENT.replace(TRACE, "a" * 32),
        }
        await asyncio.to_thread(http.post, "/graphql", json={"query": "{ me { id } }"}, headers=headers)
        for trace_id in (TRACE, other, "a" * 32):
            assert await asyncio.to_thread(collector.wait_for, "query me", trace_id, 10)
    # Documents may hold passwords: they are in no span.
    assert "me { id }" not in repr(collector.spans)


def embedded(tmp_path: Path, endpoint: str) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data", otel_exporter_otlp_endpoint=endpoint)


def test_a_collector_that_does_not_answer_slows_and_breaks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    # Given one that takes connections and never reads
    with socket.create_server(("127.0.0.1", 0), backlog=1) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with served(embedded(tmp_path, url)) as address, httpx.Client(trust_env=False) as http:
            # When requests come in
            seconds = []
            for _ in range(60):
                began = time.perf_counter()
                answer = http.post(f"{address}/graphql", json={"query": "{ __typename }"}, timeout=30)
                seconds.append(time.perf_counter() - began)
                assert answer.status_code == 200
        # Then they are answered as quickly as ever ...
        assert statistics.median(seconds) < 0.25
        # ... and whoever ends does not wait for an answer.
        with tracing.exporting(url, service="test", role="test"):
            with tracing.span("last"):
                pass
            ending_at = time.perf_counter()
        assert time.perf_counter() - ending_at < 4


def test_an_outage_of_the_collector_is_one_line_when_it_begins_and_one_when_it_is_over(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    collector.status = 400

    with (
        structlog.testing.capture_logs() as lines,
        tracing.exporting(collector.url, service="test", role="test"),
    ):

        def step_until(is_so: Callable[[], bool]) -> None:
            def step() -> bool:
                with tracing.span("step"):
                    return is_so()

            wait_until(step, "sending spans")

        step_until(lambda: collector.refused >= 3)
        collector.status = 200
        step_until(lambda: "spans_exported_again" in [line["event"] for line in lines])
    events = [line["event"] for line in lines if line["event"].startswith("spans_")]
    assert events == ["spans_not_exported", "spans_exported_again"]


_LOADED = """
_OURS = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf")
import sys
import heygen_graphql.app
from heygen_graphql.observability import tracing
with tracing.exporting(None, service="s", role="r"), tracing.continued(None), tracing.span("x"):
    print(sorted(name for name in sys.modules if name.startswith(_OURS)))
"""


def test_without_a_collector_nothing_that_makes_spans_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_trace_is_passed_on_where_no_spans_are_made(
    tmp_path: Path, sqlite_url: str, valkey: Valkey
) -> None:
    # Given an API without a collector
    settings = Settings(
        _env_file=None,
        secret_key=SECRET,
        redis_url=valkey.url,
        database_url=sqlite_url,
        data_dir=tmp_path / "data",
    )
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        ada = Api(http).signed_in()
        body = {"query": CREATE_VIDEO, "variables": {"input": {"script": "Hello there."}}}
        # When one call names a trace and another names none
        ada.send(body, traceparent=PARENT, **{"X-Request-ID": "with"})
        ada.send(body, **{"X-Request-ID": "without"})
    # Then the worker will learn what there is.
    path = sqlite_url.removeprefix("sqlite+aiosqlite:///")
    with sqlite3.connect(path) as connection:
        kept = connection.execute(
            "SELECT request_id, trace_parent FROM videos ORDER BY created_at"
        ).fetchall()
    connection.close()
    assert kept == [("with", PARENT), ("without", None)]
