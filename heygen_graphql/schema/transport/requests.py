"""What an HTTP request asks for, read strictly: a request that is not understood whole is refused."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from heygen_graphql.schema.transport import json_text
from heygen_graphql.settings import Settings

# Of a request, in the order of an operation's fields, with what each is if it is there.
BODY_SECONDS = 60.0
"""How long a body may take: at this pace, the largest comes over any telephone."""
_MEMBERS = (
    ("query", str, "a string"),
    ("operationName", str, "a string"),
    ("variables", dict, "an object"),
    ("extensions", dict, "an object"),
)
_EXAMPLE = '{"query": "{ me { id } }", "variables": {}}'


@dataclass(frozen=True, slots=True)
class Operation:
    query: str | None
    """None where `extensions` name a persisted query."""
    operation_name: str | None
    variables: dict[str, Any] | None
    extensions: dict[str, Any] | None


class WrongMember(Exception):
    """Of a request: it is not what it must be, like "a string"."""

    def __init__(self, name: str, expected: str) -> None:
        super().__init__(f"{name} is not {expected}")
        self.name = name
        self.expected = expected


def operation_of(members: Mapping[str, Any]) -> Operation:
    """What a decoded request asks for, over HTTP or on a websocket; what else it says is ignored.

    Raises:
        WrongMember
    """
    for name, kind, expected in _MEMBERS:
        if not isinstance(members.get(name), kind | None):
            raise WrongMember(name, expected)
    return Operation(*(members.get(name) for name, _, _ in _MEMBERS))


class RequestRefused(Exception):
    """No GraphQL has been looked at. `message` names the fault and the remedy."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


async def read(request: Request, settings: Settings) -> Operation | list[Operation]:
    """The operation of a GET or POST; a list, never empty, when an array of them was sent.

    Raises:
        RequestRefused: the request is malformed, too large, or was sent by another site's page.
        ClientDisconnect: it broke off.
    """
    if request.method != "POST":
        _refuse_foreign_page(request, settings.cors_origins)
        return _from_parameters(request)
    _check_content_type(request)
    decoded = _decoded(await _body(request, settings.max_body_bytes), "The body")
    if not isinstance(decoded, list):
        return _operation(decoded, "The body")
    most = settings.max_batch_operations
    if not 1 <= len(decoded) <= most:
        raise RequestRefused(
            400,
            "BAD_REQUEST",
            f"The array holds {len(decoded)} operations. Send 1 to {most} at once."
            if most
            else "Arrays of operations are switched off here. Send each in a request of its own.",
        )
    return [_operation(one, f"Operation {place} of the array") for place, one in enumerate(decoded)]


def _refuse_foreign_page(request: Request, allowed_origins: tuple[str, ...]) -> None:
    """Browsers send a GET for any page without asking first; one of another site gets nothing done here.

    A POST needs no such look: its content type makes browsers ask (`OPTIONS`), and CORS answers that.
    """
    headers = request.headers
    site = headers.get("sec-fetch-site", "none")
    origin = headers.get("origin")
    if site == "same-origin" or (origin is None and site == "none"):
        return
    if origin is None or not ("*" in allowed_origins or origin in allowed_origins):
        raise RequestRefused(
            403,
            "CROSS_SITE_REQUEST",
            f"A page of {origin or 'another site'} may not send this. Use POST with Content-Type "
            "application/json, and have the page's origin added to the server's CORS_ORIGINS.",
        )


def _check_content_type(request: Request) -> None:
    # No form can send this type, nor can a script of another site before its browser has asked for leave.
    given = request.headers.get("content-type", "")
    media_type, *parameters = (part.strip().lower() for part in given.split(";"))
    charsets = {name.partition("=")[2].strip('"') for name in parameters if name.startswith("charset=")}
    if media_type != "application/json" or not charsets <= {"utf-8", "utf8"}:
        raise RequestRefused(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            f"The body is sent as {given[:100] or 'nothing in particular'!r}. "
            "Send JSON in UTF-8, with Content-Type: application/json.",
            {"Accept-Post": "application/json"},
        )
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise RequestRefused(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            f"The body is sent with Content-Encoding {encoding[:100]!r}. Send it uncompressed.",
            {"Accept-Encoding": "identity"},
        )


async def _body(request: Request, max_bytes: int) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.body()
    except TimeoutError:
        raise RequestRefused(
            408,
            "REQUEST_TIMEOUT",
            f"The body did not come within {BODY_SECONDS:g} seconds. Send the request again.",
            {"Connection": "close"},
        ) from None
    except HTTPException as error:
        # What counts the bytes of every request has seen too many.
        if error.status_code != 413:
            raise
        raise RequestRefused(
            413,
            "PAYLOAD_TOO_LARGE",
            f"The body has more than {max_bytes:,} bytes. Send less at once; files go to an upload link.",
            # What is left of the body is not read.
            {"Connection": "close"},
        ) from None


def _from_parameters(request: Request) -> Operation:
    parameters = request.query_params
    for name, _, _ in _MEMBERS:
        if len(parameters.getlist(name)) > 1:
            raise _bad(f"The parameter {name} is given twice. Send it once.")
    return _operation(
        {
            "query": parameters.get("query"),
            "operationName": parameters.get("operationName"),
            **{
                name: _decoded(parameters[name].encode(), f"The parameter {name}")
                for name in ("variables", "extensions")
                if name in parameters
            },
        },
        "The address",
    )


def _decoded(data: bytes, where: str) -> object:
    if not data:
        raise _bad(f"{where} is empty. Send JSON like {_EXAMPLE}.")
    try:
        return json_text.decode(data.decode())
    except UnicodeDecodeError as error:
        raise _bad(f"{where} is no UTF-8 at byte {error.start}. Send JSON in UTF-8.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _bad(f"{where} is no JSON: {error.msg} ({place}). Send JSON like {_EXAMPLE}.") from None


def _operation(decoded: object, where: str) -> Operation:
    if not isinstance(decoded, dict):
        raise _bad(f"{where} is no JSON object. Send one like {_EXAMPLE}.")
    try:
        operation = operation_of(decoded)
    except WrongMember as wrong:
        expected = wrong.expected
        raise _bad(
            f"{where} has a {wrong.name} that is not {expected}. Send {expected}, or leave it out."
        ) from None
    if not operation.query and not (operation.extensions or {}).get("persistedQuery"):
        raise _bad(f"{where} has no query. Send a GraphQL document in it, like {_EXAMPLE}.")
    return operation


def _bad(message: str) -> RequestRefused:
    return RequestRefused(400, "BAD_REQUEST", message)
