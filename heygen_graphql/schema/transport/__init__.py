"""How operations reach the schema: over HTTP (`http`) and over `graphql-transport-ws` (`sockets`)."""

from starlette.types import Receive, Scope, Send

from heygen_graphql.schema import build
from heygen_graphql.schema.context import Services
from heygen_graphql.schema.transport.http import Http
from heygen_graphql.schema.transport.sockets import Sockets


class GraphQLEndpoint:
    """The ASGI application at /graphql. It serves once `open` has been called."""

    def __init__(self, *, is_open: bool, allowed_origins: tuple[str, ...]) -> None:
        """`is_open`: introspection and GraphiQL are served. `allowed_origins`: whose pages may open a
        websocket."""
        schema = build(is_open=is_open)
        self._http = Http(schema, is_open=is_open)
        self._sockets = Sockets(schema, allowed_origins=allowed_origins)

    def open(self, services: Services) -> None:
        self._http.services = services
        self._sockets.services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        serve = self._sockets if scope["type"] == "websocket" else self._http
        await serve(scope, receive, send)
