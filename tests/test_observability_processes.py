"""Numbers of several processes, as one address tells them."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from heygen_graphql.errors import BadSettings
from heygen_graphql.observability import ProcessFiles, serve_metrics, serve_shared_metrics
from tests.servers import free_port

# A process that counts what it is told to, says so, and goes on until its input ends.
_PROGRAM = """
import sys
from heygen_graphql.observability import ACTIVE_RENDERS, RENDER_ATTEMPTS, RENDER_PACE
ACTIVE_RENDERS.inc()
for _ in range(int(sys.argv[1])):
    RENDER_ATTEMPTS.labels("completed").inc()
    RENDER_PACE.observe(0.4)
print("counted", flush=True)
sys.stdin.read()
"""


def begin(environment: dict[str, str], count: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(count)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "counted\n"
    return process


def told(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    found = {
        sample.name: sample.value
        for family in families
        for sample in family.samples
        if sample.labels.get("outcome", "completed") == "completed" and "le" not in sample.labels
    }
    found["half"] = next(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "render_seconds_per_video_second_bucket" and sample.labels["le"] == "0.5"
    )
    return found


def test_counts_of_the_dead_go_on_and_their_gauges_do_not() -> None:
    port = free_port()
    with serve_shared_metrics("127.0.0.1", port) as shared:
        directory = Path(shared.environment["PROMETHEUS_MULTIPROC_DIR"])
        # Given two processes
        one, two = begin(shared.environment, 3), begin(shared.environment, 4)
        both = told(port)
        # When one is killed after the other, and another takes their place
        for process in (one, two):
            process.kill()
            process.communicate()
            shared.bury(process.pid)
        after = told(port)
        three = begin(shared.environment, 5)
        last = told(port)
        files = sorted(path.name for path in directory.iterdir())
        three.kill()
        three.communicate()
    # Then counts have only grown, and what is under way is what the living do.
    assert [numbers["render_attempts_total"] for numbers in (both, after, last)] == [7, 7, 12]
    assert [numbers["half"] for numbers in (both, after, last)] == [7, 7, 12]
    assert [numbers.get("renders_active", 0) for numbers in (both, after, last)] == [2, 0, 1]
    # Nothing is left of the dead but one file for all of them, of each kind.
    assert {name for name in files if f"_{three.pid}" not in name} == {"counter_0.db", "histogram_0.db"}
    assert not directory.exists()


def test_without_a_port_nobody_counts() -> None:
    with serve_shared_metrics("127.0.0.1", None) as shared:
        assert shared.environment == {}
        shared.bury(1)


def test_a_taken_port_is_told_with_the_setting_that_mends_it() -> None:
    with serve_metrics("127.0.0.1", 0) as port:
        assert told(port)["render_attempts_total"] >= 0
        with (
            pytest.raises(BadSettings, match=f"127.0.0.1:{port}.*METRICS_PORT"),
            serve_metrics("127.0.0.1", port),
        ):
            pass


def test_a_scrape_while_the_folder_is_empty_tells_nothing(tmp_path: Path) -> None:
    assert list(ProcessFiles(tmp_path).collect()) == []
