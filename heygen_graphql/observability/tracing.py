"""W3C Trace Context, and spans where there is somebody to send them to.

A request's place in a trace comes in its `traceparent` header (https://www.w3.org/TR/trace-context/,
section 3.2), is kept with the video that the request asks for, goes on in the worker and its render process,
and leaves with webhooks. Spans are made inside `exporting` alone, which also is the only one to load the
OpenTelemetry SDK; elsewhere a place in somebody's trace is passed on as it came.
"""

import logging
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

import structlog

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import Span as SdkSpan
    from opentelemetry.trace import Tracer

Kind = Literal["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
Value = str | int | float | bool

HEADER = "traceparent"

# Version ff and ids of nothing but zeros are invalid (3.2.2.1 to 3.2.2.3); later versions may be longer.
_TRACE_PARENT = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.{0,500})?"
)
_SAMPLED = 0x01
_EXPORT_SECONDS = 5.0
_LAST_EXPORT_SECONDS = 2.0
"""What is left when the process ends has this long to go; a collector that is away holds nothing up."""

_log = structlog.stdlib.get_logger(__name__)
_here: ContextVar[str | None] = ContextVar("trace_parent", default=None)
_tracer: "Tracer | None" = None


def read(header: str | None) -> str | None:
    """The place in a trace that a header names, written as version 00 has it; None for what names none."""
    found = _TRACE_PARENT.fullmatch(header.strip()) if header else None
    if found is None or (found["version"] == "00" and found["more"]):
        return None
    sampled = int(found["flags"], 16) & _SAMPLED
    return f"00-{found['trace']}-{found['span']}-{sampled:02x}"


def current() -> str | None:
    """The present place in a trace, to be sent on; None outside of any."""
    return _here.get()


def trace_id() -> str | None:
    here = _here.get()
    return None if here is None else here[3:35]


def go_on(trace_parent: str | None) -> None:
    """What follows in this task is part of that trace; None changes nothing."""
    if trace_parent is not None:
        _here.set(trace_parent)


@contextmanager
def continued(trace_parent: str | None) -> Iterator[None]:
    """The block is part of that trace; of none where there is None."""
    previous = _here.get()
    _here.set(trace_parent)
    try:
        yield
    finally:
        _here.set(previous)


class Span:
    """One step of a trace, as a context manager: what is begun inside is its part.

    An exception that passes is told by its kind alone: its text may be a secret's.
    """

    __slots__ = ("_previous", "_span")

    def __init__(self, span: "SdkSpan | None") -> None:
        self._span = span
        self._previous: str | None = None

    def __enter__(self) -> Self:
        if self._span is not None:
            self._previous = _here.get()
            context = self._span.get_span_context()
            if context.is_valid:
                _here.set(f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & 1:02x}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._span is not None:
            if isinstance(error, Exception):
                self.fail(type(error).__name__)
            # Not by a token: an event stream may be ended from another task than began it.
            _here.set(self._previous)
            self._span.end()

    def rename(self, name: str) -> None:
        if self._span is not None:
            self._span.update_name(name)

    def note(self, **attributes: Value) -> None:
        """Attributes, `__` in their names standing for a dot."""
        if self._span is not None:
            self._span.set_attributes(_dotted(attributes))

    def fail(self, why: str) -> None:
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_status(Status(StatusCode.ERROR, why))


_NOTHING = Span(None)


def span(name: str, kind: Kind = "INTERNAL", **attributes: Value) -> Span:
    """A step that begins now. Attributes' names have `__` where a dot is meant."""
    return _NOTHING if _tracer is None else Span(_begin(_tracer, name, kind, attributes))


def past_step(name: str, *, began_at: float, ended_at: float, **attributes: Value) -> None:
    """A step that another process made and told of, by this machine's clock (seconds since 1970)."""
    if _tracer is not None:
        _begin(_tracer, name, "INTERNAL", attributes, began_at).end(int(ended_at * 1e9))


def _begin(
    tracer: "Tracer", name: str, kind: Kind, attributes: dict[str, Value], began_at: float | None = None
) -> "SdkSpan":
    from opentelemetry import trace

    context = None
    here = _here.get()
    if here is not None:
        place = trace.SpanContext(
            trace_id=int(here[3:35], 16),
            span_id=int(here[36:52], 16),
            is_remote=True,
            trace_flags=trace.TraceFlags(int(here[53:], 16)),
        )
        context = trace.set_span_in_context(trace.NonRecordingSpan(place))
    return tracer.start_span(
        name,
        context,
        trace.SpanKind[kind],
        _dotted(attributes),
        start_time=None if began_at is None else int(began_at * 1e9),
    )


def _dotted(attributes: dict[str, Value]) -> dict[str, Value]:
    return {name.replace("__", "."): value for name, value in attributes.items()}


@contextmanager
def exporting(endpoint: str | None, *, service: str, role: str) -> Iterator[None]:
    """Send spans to the OTLP/HTTP collector at `endpoint` until the block ends; None sends none.

    A collector that is away costs spans and one line in the log, never time: they wait in a queue of bounded
    length. The SDK's own variables (OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS, OTEL_BSP_*) are heeded.
    """
    global _tracer
    if endpoint is None:
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # It would tell of every attempt; ours tells once for an outage.
    logging.getLogger("opentelemetry.exporter.otlp.proto.http").setLevel(logging.CRITICAL)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_SECONDS)
    resource = Resource.create({"service.name": service, "heygen.role": role})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    is_over = threading.Event()
    provider.add_span_processor(BatchSpanProcessor(_telling_outages(exporter, is_over)))
    previous, _tracer = _tracer, provider.get_tracer("heygen_graphql")
    try:
        yield
    finally:
        _tracer = previous
        ending = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
        ending.start()
        ending.join(_LAST_EXPORT_SECONDS)
        is_over.set()


def _telling_outages(exporter: "SpanExporter", is_over: threading.Event) -> "SpanExporter":
    """What becomes of the last spans after the end is nobody's concern."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Telling(SpanExporter):
        _is_away = False

        def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
            result = exporter.export(spans)
            is_away = result is not SpanExportResult.SUCCESS and not is_over.is_set()
            if is_away and not self._is_away:
                _log.warning("spans_not_exported", spans=len(spans))
            elif self._is_away and result is SpanExportResult.SUCCESS:
                _log.info("spans_exported_again")
            self._is_away = is_away
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

    return Telling()
