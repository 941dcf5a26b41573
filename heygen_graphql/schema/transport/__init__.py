"""How operations reach the schema: over HTTP (`http`), on websockets by `graphql-transport-ws` (`sockets`)
and as server-sent events (`sse`)."""

from graphql import GraphQLSyntaxError
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from heygen_graphql.schema import build
from heygen_graphql.schema.charges import pay_to_read
from heygen_graphql.schema.context import Context, Services
from heygen_graphql.schema.documents import Documents
from heygen_graphql.schema.following import Views
from heygen_graphql.schema.transport.accepting import MediaType, chosen_for
from heygen_graphql.schema.transport.http import Http
from heygen_graphql.schema.transport.persisted import DocumentStore, Persisted, read_manifest
from heygen_graphql.schema.transport.rights import Rights
from heygen_graphql.schema.transport.sockets import Sockets
from heygen_graphql.schema.transport.sse import EventStreams
from heygen_graphql.schema.transport.streams import Connections, Results
from heygen_graphql.settings import Settings


class GraphQLEndpoint:
    """The ASGI application at /graphql. It serves once `open` has been called."""

    def __init__(self, settings: Settings) -> None:
        """
        Raises:
            BadSettings: the manifest of persisted documents cannot be used.
        """
        self._documents = Documents.of(settings)
        self._schema = build(self._documents)
        manifest = settings.persisted_documents
        self._manifest = None if manifest is None else read_manifest(manifest)

    def open(self, services: Services, store: DocumentStore) -> None:
        """`store`: where automatic persisted queries are kept."""
        persisted = Persisted(store, admit=self._admit, is_valid=self._is_valid, manifest=self._manifest)
        self._http = Http(self._schema, services, persisted)
        results = Results(self._schema, persisted, Views(self._schema))
        connections, rights = Connections(services.settings), Rights(services.database)
        self._sockets = Sockets(services, results, connections, rights)
        self._event_streams = EventStreams(services, results, connections, rights)

    def end_streams(self) -> None:
        """Before the server waits for what it still answers: event streams have no end of their own."""
        self._event_streams.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
        elif scope["method"] in ("GET", "POST") and chosen_for(Request(scope)) is MediaType.EVENT_STREAM:
            await self._event_streams(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _admit(self, context: Context, document: str) -> None:
        if not self._documents.is_known(document):
            await pay_to_read(context, document)

    def _is_valid(self, document: str) -> bool:
        try:
            return not self._documents.verdict(self._schema._schema, document).errors
        except GraphQLSyntaxError:
            return False
