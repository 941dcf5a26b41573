"""The context of what has just arrived."""

import structlog
from starlette.requests import HTTPConnection
from starlette.responses import Response

from heygen_graphql.schema.context import Context, Services, credentials_of


def context_of(
    services: Services, connection: HTTPConnection, response: Response | None, *, is_streamed: bool = False
) -> Context:
    """`response`: whose headers the operation may set."""
    return Context(
        services=services,
        base_url=(services.settings.public_url or _origin(connection)).rstrip("/"),
        client_address=connection.client.host if connection.client else "unknown",
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
        credentials=credentials_of(connection.headers),
        response=response,
        is_streamed=is_streamed,
    )


def _origin(connection: HTTPConnection) -> str:
    scheme = {"ws": "http", "wss": "https"}.get(connection.url.scheme, connection.url.scheme)
    return f"{scheme}://{connection.url.netloc}"
