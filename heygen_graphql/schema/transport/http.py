"""GraphQL over HTTP: what Strawberry's view leaves to us."""

import strawberry
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http.base import BaseRequestProtocol

from heygen_graphql.schema.context import Context, Services
from heygen_graphql.schema.transport import json_text
from heygen_graphql.schema.transport.contexts import context_of
from heygen_graphql.web import graphiql_page


class Http(GraphQL[Context, None]):
    """Serves once `services` is set."""

    services: Services

    def __init__(self, schema: strawberry.Schema, *, is_open: bool) -> None:
        """`is_open`: GraphiQL is served."""
        super().__init__(schema, graphql_ide="graphiql" if is_open else None, subscription_protocols=())

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        return context_of(self.services, request, response if isinstance(response, Response) else None)

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        # Strawberry takes a bare */* for a browser; curl sends that.
        return (
            request.method == "GET"
            and "query" not in request.query_params
            and "text/html" in request.headers.get("accept", "")
        )

    async def render_graphql_ide(self, request: Request) -> Response:
        return graphiql_page.response()

    def decode_json(self, data: str | bytes) -> object:
        return json_text.decode_object(data)
