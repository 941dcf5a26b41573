"""What a client is shown of an error: its own faults in full, ours by a number it can quote."""

import re
from collections.abc import Sequence

import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from sqlalchemy.exc import SQLAlchemyError
from strawberry.exceptions import MissingQueryError, StrawberryInputCoercionError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from heygen_graphql.database import is_passing_fault, unavailable
from heygen_graphql.errors import Fault, InvalidInput, RateLimited, Refused, Unavailable
from heygen_graphql.schema.context import Context

MAX_MESSAGE_LENGTH = 500
MAX_LOGGED = 3
"""Bugs of one answer that are logged whole: a document of 400 fields that all fail would fill the disk."""
# graphql-core offers names that come near a wrong one; outside of debug those stay unsaid.
_SUGGESTION = re.compile(r" Did you mean .*\?$", re.DOTALL)
# What Python says of a literal that it cannot take, like an Int of 5,000 digits.
_INTERNAL = re.compile(r", but encountered error '.*'(?=; found: )", re.DOTALL)
# No operation was found in the document, or one of a kind that may not run this way.
_NOT_RUN = (CannotGetOperationTypeError, InvalidOperationTypeError, MissingQueryError)

log = structlog.stdlib.get_logger(__name__)


def shown(
    errors: Sequence[GraphQLError], context: Context | None, *, with_suggestions: bool
) -> list[GraphQLError]:
    """The errors of one answer. Safe to apply twice."""
    bugs: list[GraphQLError] = []
    told = [_shown(error, context, bugs, with_suggestions=with_suggestions) for error in errors]
    for bug in bugs[:MAX_LOGGED]:
        log.error("unexpected_error", path=bug.path, exc_info=_cause(bug))
    if len(bugs) > MAX_LOGGED:
        log.error("unexpected_errors_more", count=len(bugs) - MAX_LOGGED)
    return told


def _shown(
    error: GraphQLError, context: Context | None, bugs: list[GraphQLError], *, with_suggestions: bool
) -> GraphQLError:
    """Puts it among `bugs` when it is one."""
    if error.extensions and "code" in error.extensions:
        message = _cut(_INTERNAL.sub("", error.message))
        return error if message == error.message else _with_code(error, message, **error.extensions)
    if isinstance(error.original_error, _NOT_RUN):
        # Of a streamed operation: over HTTP they have statuses of their own.
        return _with_code(error, _cut(error.message), "OPERATION_RESOLUTION_FAILURE")
    cause = _cause(error)
    if isinstance(cause, SQLAlchemyError | ConnectionError) and is_passing_fault(cause):
        log.warning("database_unavailable", path=error.path, error=str(cause)[:MAX_MESSAGE_LENGTH])
        if context is not None:
            context.is_cut_off = True
        cause = unavailable(cause)
    if isinstance(cause, InvalidInput):
        # Of a query: a mutation has told it in its payload.
        faults = [_told(fault) for fault in cause.faults]
        return _with_code(error, _cut(str(cause)), "BAD_USER_INPUT", userErrors=faults)
    if isinstance(cause, Refused):
        return _with_code(error, _cut(str(cause)), cause.code, **_remedy(cause, context))
    if cause is None or isinstance(cause, StrawberryInputCoercionError):
        message = error.message if with_suggestions else _SUGGESTION.sub("", error.message)
        code = "GRAPHQL_PARSE_FAILED" if isinstance(error, GraphQLSyntaxError) else "BAD_USER_INPUT"
        return _with_code(error, _cut(message), code)
    bugs.append(error)
    request_id = context.request_id if context else ""
    message = f"Unexpected error {request_id}".rstrip()
    return _with_code(error, message, "INTERNAL_SERVER_ERROR", requestId=request_id)


def _cause(error: GraphQLError) -> BaseException | None:
    """What a resolver raised; None when the fault lies in the document or its variables."""
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError) and not isinstance(cause, StrawberryInputCoercionError):
        if cause.original_error is None:
            # Without a path nothing has been executed yet. With one, graphql-core names the argument's node
            # when an argument is wrong, and no node when a value of ours does not fit its type.
            return None if error.path is None or cause.nodes else cause
        cause = cause.original_error
    return cause


def _remedy(cause: Refused, context: Context | None) -> dict[str, object]:
    if not isinstance(cause, RateLimited | Unavailable):
        return {}
    if context is not None and context.response is not None:
        context.response.headers["Retry-After"] = str(cause.retry_after_seconds)
    return {"retryAfter": cause.retry_after_seconds}


def _with_code(error: GraphQLError, message: str, code: str, **more: object) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions={"code": code, **more},
    )


def _told(fault: Fault) -> dict[str, object]:
    """As `UserError` shows it."""
    path = None if fault.field is None else list(fault.field)
    return {"code": fault.code, "field": path, "message": fault.message}


def _cut(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE_LENGTH else message[: MAX_MESSAGE_LENGTH - 4] + " ..."
