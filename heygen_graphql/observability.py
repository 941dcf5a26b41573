"""Logs that can be followed from a request to its render, and the numbers an operator watches.

A `request_id` is bound to the context by the web layer and a `video_id` by the renderer; every line
logged below them carries both.
"""

import logging
import sys

import structlog
from prometheus_client import Counter, Gauge, Histogram
from structlog.typing import Processor

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
SUBSCRIPTIONS = Gauge("graphql_subscriptions_active", "GraphQL subscriptions being followed.")
VIDEO_SECONDS = Histogram(
    "video_processing_duration_seconds",
    "Seconds a finished render took, from its claim to its publication.",
    buckets=(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800),
)
VIDEOS_ENDED = Counter(
    "videos_ended_total", "Videos whose render ended, by status: COMPLETED or FAILED.", ["status"]
)
ACTIVE_RENDERS = Gauge("renders_active", "Renders this process runs now.")
QUEUE_DEPTH = Gauge("render_queue_depth", "Videos that wait for a render, as the last sweep counted them.")
WEBHOOK_DELIVERIES = Counter(
    "webhook_deliveries_total",
    "Attempts to deliver to a webhook by outcome: delivered, retried (it failed and will be tried again) or "
    "failed (for good).",
    ["outcome"],
)
WEBHOOK_BACKLOG = Gauge(
    "webhook_deliveries_waiting", "Webhook deliveries not at their end, as this process last counted them."
)


def configure_logging(*, is_json: bool, level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's lines to standard error in one form."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks without the values of local variables: some of them are passwords and tokens.
    traceback = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    renderer: list[Processor] = (
        [structlog.processors.ExceptionRenderer(traceback), structlog.processors.JSONRenderer()]
        if is_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # At every start it would say which database it found.
    logging.getLogger("alembic").setLevel(max(level, logging.WARNING))
