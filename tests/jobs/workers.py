"""Worker processes over PostgreSQL and Valkey, with the stand-in for the renderer."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heygen_graphql.settings import Settings
from tests.servers import clean_environment, kill_with_children, spawn


@contextmanager
def workers(settings: Settings, count: int, directory: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many that run until the block ends."""
    names = ("database_url", "redis_url", "data_dir", "lease_seconds", "sweep_seconds", "workers")
    environment = clean_environment(
        **{name.upper(): str(getattr(settings, name)) for name in (*names, "videos_at_once_per_user")}
    )
    started = [
        spawn(
            [sys.executable, "-m", "tests.jobs.worker_process"],
            log=directory / f"worker-{number}.log",
            environment=environment,
        )
        for number in range(count)
    ]
    try:
        yield started
    finally:
        for process in started:
            kill_with_children(process)
