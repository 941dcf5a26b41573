"""What every request passes through. Plain ASGI: nothing here holds an answer back or buffers a stream."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heygen_graphql.observability import HTTP_REQUESTS, HTTP_SECONDS, tracing

# A caller's own id is taken over only when it can do no harm in a log.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
ALLOWED_HEADERS = (
    "Apollo-Require-Preflight",
    "ApolloGraphQL-Client-Name",
    "ApolloGraphQL-Client-Version",
    "Authorization",
    "Content-Type",
    "Range",
    "Traceparent",
    "Tracestate",
    "X-API-Key",
    "X-Apollo-Operation-Name",
    "X-Request-ID",
)
"""What pages of other sites may send (CORS) ..."""
EXPOSED_HEADERS = (
    "Content-Range",
    "ETag",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Cache",
    "X-Request-ID",
)
"""... and read of an answer."""
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
# Asked every few seconds by machines: their spans would be all there is to see.
_UNTRACED = ("/health", "/metrics")


class RequestId:
    """Names each request, in its answer's X-Request-ID and in every line logged for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex

        async def send_named(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send_named)


class Traced:
    """Goes on with the trace that a request names in its `traceparent`; the request is a span of it.

    A websocket is none: it may stay for days, and what is done on it has spans of its own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        with tracing.continued(tracing.read(Headers(scope=scope).get(tracing.HEADER))):
            if scope["type"] == "websocket" or scope["path"].startswith(_UNTRACED):
                await self._app(scope, receive, send)
            else:
                await self._traced(scope, receive, send)

    async def _traced(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = _method(scope)
        with tracing.span(method, "SERVER", http__request__method=method) as span:

            async def send_noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.rename(f"{method} {_route(scope)}")
                    span.note(http__route=_route(scope), http__response__status_code=status)
                    if status >= 500:
                        span.fail(f"HTTP {status}")
                await send(message)

            await self._app(scope, receive, send_noted)


class SecurityHeaders:
    """Tells browsers to trust an answer's type, to frame nothing, and to keep signed links to themselves."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_guarded)


class Measured:
    """Counts requests and the time to their answers' beginnings, by route; what no route matches counts as
    "unmatched".

    An answer may go on for hours, as long as somebody watches.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500
        seconds: float | None = None

        async def send_noted(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.perf_counter() - began
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            endpoint = _route(scope)
            method = _method(scope)
            HTTP_REQUESTS.labels(method=method, endpoint=endpoint, status=status).inc()
            HTTP_SECONDS.labels(method=method, endpoint=endpoint).observe(
                time.perf_counter() - began if seconds is None else seconds
            )


class BodyLimit:
    """Refuses a request's body of more than `max_bytes`, announced or not, with 413.

    What is PUT under the path `exempt` is left to whoever takes it there.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, exempt: str) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"] == "PUT" and scope["path"].startswith(self._exempt)):
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        # An announced excess is refused at the first reading, before anything arrives.
        received = int(announced) if announced.isdecimal() and int(announced) > self._max_bytes else 0

        async def receive_counted() -> Message:
            nonlocal received
            message: Message = {} if received > self._max_bytes else await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(413, f"The request has more than {self._max_bytes} bytes.")
            return message

        await self._app(scope, receive_counted, send)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "OTHER"


def _route(scope: Scope) -> str:
    route = scope.get("route")
    return getattr(route, "path", None) or "unmatched"
