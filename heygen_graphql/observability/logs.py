"""Lines that can be followed from a request to its render.

The web layer binds a `request_id`, signing in a `user_id`, and a worker both again with the `video_id` and
the `attempt`: every line logged below carries them, and the `trace_id` where there is a trace.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.typing import EventDict, Processor

from heygen_graphql.observability import tracing


def configure_logging(*, is_json: bool, level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's lines to standard error in one form."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_trace_id,
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
    # The one would say at every start which database it found, the other the address of every request that is
    # made: a webhook's may hold a secret.
    for talkative in ("alembic", "httpx"):
        logging.getLogger(talkative).setLevel(max(level, logging.WARNING))


@contextmanager
def bound_ids(**ids: object) -> Iterator[None]:
    """What is logged in the block carries those of these that are not None."""
    given = {name: value if isinstance(value, int) else str(value) for name, value in ids.items()}
    with structlog.contextvars.bound_contextvars(
        **{name: value for name, value in given.items() if ids[name] is not None}
    ):
        yield


def bound() -> dict[str, str]:
    """What lines that are logged now carry, for a process that logs lines of its own."""
    ids = {name: str(value) for name, value in structlog.contextvars.get_contextvars().items()}
    trace_id = tracing.trace_id()
    return ids if trace_id is None else ids | {"trace_id": trace_id}


def request_id() -> str | None:
    """Of the request that is being served; None outside of any."""
    bound = structlog.contextvars.get_contextvars().get("request_id")
    return None if bound is None else str(bound)


def _add_trace_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    trace_id = tracing.trace_id()
    if trace_id is not None:
        event["trace_id"] = trace_id
    return event
