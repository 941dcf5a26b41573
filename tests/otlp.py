"""A collector of spans: OTLP over HTTP on a port of this machine, as OpenTelemetry's own has it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Span:
    name: str
    trace_id: str
    id: str
    parent_id: str
    role: str
    """Of the process that sent it."""
    attributes: dict[str, Any]
    seconds: float
    is_error: bool


@dataclass(slots=True)
class Collector:
    url: str
    spans: list[Span] = field(default_factory=list)
    status: int = 200
    """What it answers with."""
    refused: int = 0
    """How many requests it has answered otherwise."""

    def named(self, name: str, trace_id: str) -> list[Span]:
        return [span for span in self.spans if span.name == name and span.trace_id == trace_id]

    def wait_for(self, name: str, trace_id: str, seconds: float = 60) -> Span:
        """The first span of that name; what was sent is named when it does not come."""
        deadline = time.monotonic() + seconds
        while not (found := self.named(name, trace_id)):
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"no span {name!r}; there are {sorted({span.name for span in self.spans})}"
                )
            time.sleep(0.05)
        return found[0]

    def parents(self, span: Span) -> list[str]:
        """The names of its parent, of that one's parent, and so on."""
        by_id = {one.id: one for one in self.spans}
        names = []
        while (parent := by_id.get(span.parent_id)) is not None:
            names.append(parent.name)
            span = parent
        return names


@contextmanager
def collecting() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            request = ExportTraceServiceRequest()
            request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
            if collector.status == 200:
                collector.spans.extend(_spans(request))
            else:
                collector.refused += 1
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield collector
        server.shutdown()
        thread.join()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for process in request.resource_spans:
        role = _attributes(process.resource.attributes)["heygen.role"]
        for scope in process.scope_spans:
            for span in scope.spans:
                yield Span(
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    role=role,
                    attributes=_attributes(span.attributes),
                    seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                    is_error=span.status.code == span.status.STATUS_CODE_ERROR,
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
