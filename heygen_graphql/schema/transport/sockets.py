"""GraphQL over `graphql-transport-ws`: what Strawberry's view leaves to us."""

from datetime import timedelta

import strawberry
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message
from strawberry.types.unset import UnsetType

from heygen_graphql.errors import Unauthenticated
from heygen_graphql.schema.context import Context, Services, credentials_of_connection
from heygen_graphql.schema.transport import json_text
from heygen_graphql.schema.transport.contexts import context_of

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


class Sockets(GraphQL[Context, None]):
    """Every websocket at /graphql. It serves once `services` is set."""

    services: Services
    graphql_transport_ws_handler_class = _Socket

    def __init__(self, schema: strawberry.Schema, *, allowed_origins: tuple[str, ...]) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            allowed_origins=allowed_origins,
            connection_init_wait_timeout=_INIT_TIMEOUT,
        )

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        return context_of(self.services, request, None, is_websocket=True)

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Take what signs in from connection_init or the handshake; what does not hold closes with 4403."""
        try:
            context.credentials = credentials_of_connection(context.connection_params, context.credentials)
            if context.credentials.are_given:
                await context.authenticate()
        except Unauthenticated as error:
            raise ConnectionRejectionError from error
        return await super().on_ws_connect(context)

    def decode_json(self, data: str | bytes) -> object:
        return json_text.decode_object(data)
