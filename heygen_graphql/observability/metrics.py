"""The numbers an operator watches.

Where a supervisor runs several processes they keep their numbers in files (PROMETHEUS_MULTIPROC_DIR), and one
of them, or the supervisor, serves the sums. Labels are routes, root fields and closed lists of words: nothing
that a caller can invent. What the database counts is not here but with whoever asks it (`web.stock`).
"""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import REGISTRY

from heygen_graphql import __version__
from heygen_graphql.errors import BadSettings

# A second number beside each, for the instant at which it was first counted.
disable_created_metrics()  # type: ignore[no-untyped-call]

HTTP_REQUESTS = Counter(
    "http_requests_total",
    "HTTP requests answered. `endpoint` is a route, never a raw path.",
    ["method", "endpoint", "status"],
)
HTTP_SECONDS = Histogram(
    "http_request_duration_seconds", "Seconds from an HTTP request to its answer.", ["method", "endpoint"]
)
GRAPHQL_OPERATIONS = Counter(
    "graphql_operations_total",
    "GraphQL operations by the root field they ask for (or several, invalid), kind (query, mutation, "
    "subscription, invalid) and outcome (ok, refused: the caller's fault, failed: the server's).",
    ["operation", "kind", "outcome"],
)
GRAPHQL_ANSWERS = Counter(
    "graphql_answers_total",
    "Executed GraphQL operations by where the answer came from (hit, miss, bypass: never kept).",
    ["outcome"],
)
SUBSCRIPTIONS = Gauge(
    "graphql_subscriptions_active", "GraphQL subscriptions being followed.", multiprocess_mode="livesum"
)
EVENT_LAG = Histogram(
    "subscription_event_lag_seconds",
    "Seconds from a video's change to the event that tells a watcher of it, on its way to their connection.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
EVENTS_DROPPED = Counter(
    "subscription_wakeups_dropped_total",
    "Changes that a watcher's full queue had no room for: it reads everything of its owner's again instead.",
)
VIDEO_SECONDS = Histogram(
    "video_processing_duration_seconds",
    "Seconds a finished render took, from its claim to its publication.",
    buckets=(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800),
)
RENDER_PACE = Histogram(
    "render_seconds_per_video_second",
    "Seconds that a finished render took for each second of its video.",
    buckets=(0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30),
)
VIDEOS_ENDED = Counter(
    "videos_ended_total", "Videos whose render ended, by status: COMPLETED or FAILED.", ["status"]
)
RENDER_ATTEMPTS = Counter(
    "render_attempts_total",
    "Attempts at a video by how they ended: completed, retried (it failed and waits for another try), failed "
    "(for good), fell (canceled, deleted or taken over meanwhile), given_back (this process stops).",
    ["outcome"],
)
LEASES_LOST = Counter(
    "render_leases_lost_total",
    "Videos and scenes that were taken over from a worker that had gone silent.",
    ["of"],
)
ACTIVE_RENDERS = Gauge("renders_active", "Renders under way.", multiprocess_mode="livesum")
WEBHOOK_DELIVERIES = Counter(
    "webhook_deliveries_total",
    "Attempts to deliver to a webhook by outcome: delivered, retried (it failed and will be tried again) or "
    "failed (for good).",
    ["outcome"],
)
STORAGE_ERRORS = Counter(
    "storage_errors_total",
    "Calls of the storage that failed, further tries included, unless there was nothing by that name.",
)
DATABASE_CONNECTIONS = Gauge(
    "database_connections_in_use",
    "Connections to the database that somebody works with.",
    multiprocess_mode="livesum",
)
DATABASE_CONNECTIONS_MAX = Gauge(
    "database_connections_max",
    "Connections to the database that may be in use at once.",
    multiprocess_mode="livesum",
)
_BUILD = Gauge(
    "heygen_graphql_build_info", "1, for the version that runs.", ["version"], multiprocess_mode="livemax"
)

# Told as 0 from the beginning: the first of each is a rise that can be seen.
for _counter, _label, _values in (
    (VIDEOS_ENDED, "status", ("COMPLETED", "FAILED")),
    (RENDER_ATTEMPTS, "outcome", ("completed", "retried", "failed", "fell", "given_back")),
    (LEASES_LOST, "of", ("video", "scene")),
    (WEBHOOK_DELIVERIES, "outcome", ("delivered", "retried", "failed")),
):
    for _value in _values:
        _counter.labels(**{_label: _value})
_BUILD.labels(__version__).set(1)

_DEAD = 0
"""Stands for all processes that have died, where their counts are kept."""


class ProcessFiles:
    """The numbers of a supervisor's processes, in a folder that was empty when the first of them began."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._collector = MultiProcessCollector(None, str(directory))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            metrics = list(self._collector.collect())  # type: ignore[no-untyped-call]
        yield from metrics

    def bury(self, process_id: int) -> None:
        """After a process has died: its gauges are gone, and its counts go on among those of all the dead, so
        that no folder grows with every process that is started anew."""
        with self._lock:
            mark_process_dead(process_id, str(self._directory))  # type: ignore[no-untyped-call]
            for kind in ("counter", "histogram"):
                left = self._directory / f"{kind}_{process_id}.db"
                if left.exists():
                    _add(left, self._directory / f"{kind}_{_DEAD}.db")
                    left.unlink()


def _add(source: Path, target: Path) -> None:
    # Its annotations are not there.
    files: Any = MmapedDict
    kept = files(str(target))
    try:
        for key, value, _timestamp, _position in files.read_all_values_from_file(str(source)):
            kept.write_value(key, kept.read_value(key)[0] + value, 0.0)
    finally:
        kept.close()


@dataclass(frozen=True, slots=True)
class SharedMetrics:
    """Of the processes that somebody starts."""

    environment: dict[str, str]
    """What they are to be started with."""
    bury: Callable[[int], None]
    """To be called with the id of each that has died."""


@contextmanager
def serve_shared_metrics(host: str, port: int | None) -> Iterator[SharedMetrics]:
    """Answer Prometheus for processes that are started in the block; without a port nobody counts.

    Raises:
        BadSettings: as `serve_metrics`.
    """
    if port is None:
        yield SharedMetrics({}, lambda _process_id: None)
        return
    with tempfile.TemporaryDirectory(prefix="heygen-metrics-") as directory:
        files = ProcessFiles(Path(directory))
        with serve_metrics(host, port, files):
            yield SharedMetrics({"PROMETHEUS_MULTIPROC_DIR": directory}, files.bury)


@contextmanager
def serve_metrics(host: str, port: int, processes: ProcessFiles | None = None) -> Iterator[int]:
    """Answer Prometheus in a thread until the block ends, at the port that is told; 0 takes a free one.

    Without `processes` the numbers are this process's own.

    Raises:
        BadSettings: the address cannot be listened at.
    """
    registry = REGISTRY
    if processes is not None:
        registry = CollectorRegistry()
        registry.register(processes)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise BadSettings(
            f"cannot listen at {host}:{port} for metrics: {error.strerror}; choose another place by "
            "METRICS_HOST and METRICS_PORT"
        ) from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
