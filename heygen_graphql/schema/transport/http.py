"""GraphQL over HTTP (github.com/graphql/graphql-over-http): one operation a request, or a few in an array."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import strawberry
from graphql import GraphQLError
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from heygen_graphql.schema.context import Services
from heygen_graphql.schema.transport import requests
from heygen_graphql.schema.transport.accepting import MediaType, chosen_for
from heygen_graphql.schema.transport.bodies import body_of, encoded
from heygen_graphql.schema.transport.contexts import context_of
from heygen_graphql.schema.transport.persisted import Persisted
from heygen_graphql.schema.transport.requests import Operation, RequestRefused
from heygen_graphql.web import graphiql_page

_METHODS = ("GET", "HEAD", "OPTIONS", "POST")
_READING = frozenset((OperationType.QUERY,))
_ANY = frozenset(OperationType)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Vary": "Accept",
}
# What an operation that was not executed answers with; 400 where nothing is said.
_STATUSES = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "RATE_LIMITED": 429,
    "INTERNAL_SERVER_ERROR": 500,
    "UNAVAILABLE": 503,
}


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one operation came to. `status`: as `application/graphql-response+json` has it."""

    body: Mapping[str, object]
    status: int
    headers: MutableHeaders


class Http:
    def __init__(self, schema: strawberry.Schema, services: Services, persisted: Persisted) -> None:
        self._schema = schema
        self._services = services
        self._persisted = persisted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except RequestRefused as refusal:
            response = refused(refusal, chosen_for(request))
        except ClientDisconnect:
            response = Response(status_code=400)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method not in _METHODS:
            raise _method_refused(
                f"{request.method} means nothing here. Use POST, or GET to query.", _METHODS
            )
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": ", ".join(_METHODS)})
        if self._services.settings.debug and _is_browser(request):
            return graphiql_page.response()
        media_type = chosen_for(request)
        if media_type is None:
            raise RequestRefused(
                406,
                "NOT_ACCEPTABLE",
                f"No answer here is {request.headers['accept'][:100]!r}. Accept "
                f"{MediaType.GRAPHQL_RESPONSE} or {MediaType.JSON}; {MediaType.EVENT_STREAM} streams.",
            )
        asked = await requests.read(request, self._services.settings)
        if isinstance(asked, Operation):
            outcome = await self._execute(request, asked)
            return _answer(outcome.body, _status([outcome], media_type), media_type, outcome.headers)
        # In their order, so that one sees what those before it have written.
        outcomes = [await self._execute(request, operation) for operation in asked]
        bodies = [outcome.body for outcome in outcomes]
        return _answer(bodies, _status(outcomes, media_type), media_type, _joined(outcomes))

    async def _execute(self, request: Request, operation: Operation) -> _Outcome:
        carrier = Response()
        context = context_of(self._services, request, carrier)
        try:
            result = await self._schema.execute(
                await self._persisted.resolve(context, operation.query, operation.extensions),
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
                allowed_operation_types=_ANY if request.method == "POST" else _READING,
                operation_extensions=operation.extensions,
            )
        except GraphQLError as error:
            result = ExecutionResult(data=None, errors=[error])
        except CannotGetOperationTypeError:
            result = ExecutionResult(data=None, errors=[_unresolved(operation.operation_name)])
        except InvalidOperationTypeError as refusal:
            kind = refusal.operation_type.value
            remedy = (
                "Open a websocket, or stream with Accept: text/event-stream."
                if refusal.operation_type is OperationType.SUBSCRIPTION
                else "Send it by POST."
            )
            raise _method_refused(f"A {kind} does not run by {request.method}. {remedy}", ["POST"]) from None
        return _outcome(result, carrier.headers)


def refused(refusal: RequestRefused, media_type: MediaType | None) -> Response:
    """A refusal as GraphQL tells errors."""
    error = {"message": refusal.message, "extensions": {"code": refusal.code}}
    return _answer({"errors": [error]}, refusal.status, media_type, MutableHeaders(dict(refusal.headers)))


def _is_browser(request: Request) -> bool:
    """Somebody looks at the address itself. A bare */* is no browser: curl sends that."""
    return (
        request.method == "GET"
        and "query" not in request.query_params
        and "text/html" in request.headers.get("accept", "")
    )


def _method_refused(message: str, allowed: Iterable[str]) -> RequestRefused:
    return RequestRefused(405, "METHOD_NOT_ALLOWED", message, {"Allow": ", ".join(allowed)})


def _unresolved(operation_name: str | None) -> GraphQLError:
    fault = (
        f"The document has no operation named {operation_name[:100]!r}."
        if operation_name
        else "The document has several operations, or none."
    )
    return GraphQLError(
        f"{fault} Name one that it has in operationName.",
        extensions={"code": "OPERATION_RESOLUTION_FAILURE"},
    )


def _outcome(result: ExecutionResult, headers: MutableHeaders) -> _Outcome:
    errors = result.errors or []
    # Only a field has a path: without any, the operation was refused before the first of them ran.
    is_executed = result.data is not None or any(error.path for error in errors)
    body = body_of(result, is_executed=is_executed)
    if is_executed:
        return _Outcome(body, 200, headers)
    codes = [(error.extensions or {}).get("code") for error in errors]
    status = max((_STATUSES.get(str(code), 400) for code in codes), default=400)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return _Outcome(body, status, headers)


def _status(outcomes: list[_Outcome], media_type: MediaType) -> int:
    """An array is refused only when every operation of it is, for the gravest of the reasons."""
    if media_type is MediaType.JSON or any(outcome.status == 200 for outcome in outcomes):
        return 200
    return max(outcome.status for outcome in outcomes)


def _joined(outcomes: list[_Outcome]) -> MutableHeaders:
    """The headers of an array's answer: what the last operation says of the caller's budget, the longest
    wait, and a cache's hit only when all were hits."""
    joined = MutableHeaders()
    for outcome in outcomes:
        joined.update(outcome.headers)
    told = [outcome.headers for outcome in outcomes]
    waits = [headers["Retry-After"] for headers in told if "Retry-After" in headers]
    if waits:
        joined["Retry-After"] = max(waits, key=int)
    misses = [headers["X-Cache"] for headers in told if headers.get("X-Cache", "HIT") != "HIT"]
    if misses:
        joined["X-Cache"] = misses[0]
    return joined


def _answer(body: object, status: int, media_type: MediaType | None, headers: MutableHeaders) -> Response:
    # What cannot be told in a type that was asked for is told in one that everybody reads.
    shown_as = MediaType.GRAPHQL_RESPONSE if media_type is MediaType.GRAPHQL_RESPONSE else MediaType.JSON
    response = Response(
        encoded(body),
        status_code=status,
        media_type=f"{shown_as}; charset=utf-8",
        headers=_HEADERS,
    )
    response.headers.update(
        {name: value for name, value in headers.items() if name not in ("content-length", "content-type")}
    )
    return response
