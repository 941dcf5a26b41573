"""How operations reach the schema: over HTTP (`http`) and over `graphql-transport-ws` (`sockets`)."""

from graphql import GraphQLSyntaxError
from starlette.types import Receive, Scope, Send

from heygen_graphql.schema import build
from heygen_graphql.schema.context import Services
from heygen_graphql.schema.documents import Documents
from heygen_graphql.schema.limits import Limits
from heygen_graphql.schema.transport.http import Http
from heygen_graphql.schema.transport.persisted import DocumentStore, Persisted, read_manifest
from heygen_graphql.schema.transport.sockets import Sockets
from heygen_graphql.settings import Settings


class GraphQLEndpoint:
    """The ASGI application at /graphql. It serves once `open` has been called."""

    def __init__(self, settings: Settings) -> None:
        """
        Raises:
            BadSettings: the manifest of persisted documents cannot be used.
        """
        self._is_open = settings.debug
        self._documents = Documents(is_open=settings.debug, limits=Limits.of(settings))
        self._schema = build(is_open=settings.debug, documents=self._documents)
        manifest = settings.persisted_documents
        self._manifest = None if manifest is None else read_manifest(manifest)
        self._sockets = Sockets(self._schema, allowed_origins=settings.cors_origins)

    def open(self, services: Services, store: DocumentStore) -> None:
        """`store`: where automatic persisted queries are kept."""
        persisted = Persisted(store, is_valid=self._is_valid, manifest=self._manifest)
        self._http = Http(self._schema, services, persisted, is_open=self._is_open)
        self._sockets.services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        serve = self._sockets if scope["type"] == "websocket" else self._http
        await serve(scope, receive, send)

    def _is_valid(self, document: str) -> bool:
        try:
            return not self._documents.verdict(self._schema._schema, document).errors
        except GraphQLSyntaxError:
            return False
