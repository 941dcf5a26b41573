"""A worker: processes that render, and the one that sees to them.

`python -m heygen_graphql.cli.working` is one of the processes; its supervisor alone starts it.
"""

import sys

from heygen_graphql.cli.faults import told_in_a_line
from heygen_graphql.jobs.lifeline import live_under_supervision
from heygen_graphql.jobs.supervisor import WorkerFailed
from heygen_graphql.jobs.supervisor import supervise as supervise_processes
from heygen_graphql.observability import configure_logging, serve_shared_metrics
from heygen_graphql.settings import Settings

PROCESS = (sys.executable, "-m", "heygen_graphql.cli.working")


def supervise(settings: Settings) -> int:
    """Render in WORKER_PROCESSES processes until SIGTERM or SIGINT; the exit code."""
    configure_logging(is_json=settings.log_json)
    try:
        with serve_shared_metrics(settings.metrics_host, settings.metrics_port) as metrics:
            ended_well = supervise_processes(
                PROCESS,
                processes=settings.worker_processes,
                grace_seconds=settings.worker_grace_seconds,
                # Each divides the cores among as many.
                environment={"WORKER_PROCESSES": str(settings.worker_processes), **metrics.environment},
                on_end=metrics.bury,
            )
    except WorkerFailed as failure:
        if failure.exit_code < 0:
            raise
        # It has told why, and once is enough.
        return failure.exit_code
    return 0 if ended_well else 1


def main() -> None:
    tell_ready = live_under_supervision()
    with told_in_a_line():
        settings = Settings()
        configure_logging(is_json=settings.log_json)
        # Here, and not in the supervisor: it should load no more than it needs.
        from heygen_graphql.database import require_newest_schema
        from heygen_graphql.jobs import run_worker

        require_newest_schema(settings.resolved_database_url)
        run_worker(settings, on_ready=tell_ready)


if __name__ == "__main__":
    main()
