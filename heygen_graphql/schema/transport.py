"""GraphQL over HTTP and `graphql-transport-ws`: what Strawberry's view leaves to us."""

import json
from datetime import timedelta
from typing import Any

import structlog
from graphql import GraphQLError
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.base import BaseRequestProtocol
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message
from strawberry.types.unset import UnsetType

from heygen_graphql.errors import Unauthenticated
from heygen_graphql.schema import build
from heygen_graphql.schema.context import Context, Services, bearer_token
from heygen_graphql.web import graphiql_page

_INIT_TIMEOUT = timedelta(seconds=10)


class _Socket(BaseGraphQLTransportWSHandler[Context, None]):
    """One websocket, held to the letter of the protocol where Strawberry would break or give up.

    https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
    """

    async def handle_message(self, message: Message) -> None:
        if message.get("type") == "subscribe" and not _is_subscribe(dict(message)):
            await self.handle_invalid_message("Invalid subscribe message")
        else:
            await super().handle_message(message)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        # A document that cannot be parsed ends its own operation, not all the others of the socket.
        return None


def _is_subscribe(message: dict[str, object]) -> bool:
    payload = message.get("payload")
    return (
        isinstance(message.get("id"), str)
        and isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("variables"), dict | None)
    )


class GraphQLEndpoint(GraphQL[Context, None]):
    """The ASGI application at /graphql. It serves once `services` is set."""

    services: Services
    graphql_transport_ws_handler_class = _Socket

    def __init__(self, *, is_open: bool, allowed_origins: tuple[str, ...]) -> None:
        """`is_open`: introspection and GraphiQL are served."""
        super().__init__(
            build(is_open=is_open),
            graphql_ide="graphiql" if is_open else None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            allowed_origins=allowed_origins,
            connection_init_wait_timeout=_INIT_TIMEOUT,
        )

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        return Context(
            services=self.services,
            base_url=(self.services.settings.public_url or _origin(request)).rstrip("/"),
            client_address=request.client.host if request.client else "unknown",
            request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
            access_token=bearer_token(request.headers.get("authorization")),
            response=response if isinstance(response, Response) else None,
            is_websocket=isinstance(request, WebSocket),
        )

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Take the token of connection_init, or else the handshake's header; a bad one closes with 4403."""
        parameters = context.connection_params or {}
        for name in ("Authorization", "authorization", "token"):
            value = parameters.get(name)
            if isinstance(value, str) and value:
                context.access_token = value if name == "token" else bearer_token(value)
                break
        if context.access_token is not None:
            try:
                await context.authenticate()
            except Unauthenticated as error:
                raise ConnectionRejectionError from error
        return await super().on_ws_connect(context)

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
        """A JSON object as RFC 8259 has it: Python alone would let NaN and half surrogate pairs through.

        Requests, their variables and a websocket's messages are all objects; Strawberry breaks on
        anything else.
        """
        text = data if isinstance(data, str) else data.decode(errors="replace")
        try:
            decoded = json.loads(text, parse_constant=_refuse_constant)
            if "\\ud" in text.lower():
                json.dumps(decoded, ensure_ascii=False).encode()
        except RecursionError:
            raise json.JSONDecodeError("nested too deep", text, 0) from None
        except UnicodeEncodeError:
            raise json.JSONDecodeError("half a surrogate pair", text, 0) from None
        except json.JSONDecodeError:
            raise
        except ValueError:
            # Python refuses integers of more than 4300 digits: reading them takes quadratic time.
            raise json.JSONDecodeError("a number too long", text, 0) from None
        if not isinstance(decoded, dict):
            raise json.JSONDecodeError("not an object", text, 0)
        return decoded


def _refuse_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is no JSON", name, 0)


def _origin(connection: HTTPConnection) -> str:
    scheme = {"ws": "http", "wss": "https"}.get(connection.url.scheme, connection.url.scheme)
    return f"{scheme}://{connection.url.netloc}"
