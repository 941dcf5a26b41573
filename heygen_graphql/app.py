"""The application, built from its settings alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from heygen_graphql import __version__
from heygen_graphql.accounts import Tokens
from heygen_graphql.answers import kept_answers
from heygen_graphql.database import Database, migrate
from heygen_graphql.events import Hub, open_hub
from heygen_graphql.jobs.broker import Queue, remote_queue
from heygen_graphql.jobs.worker import embedded
from heygen_graphql.observability import tracing
from heygen_graphql.outages import open_shared
from heygen_graphql.processes import Processes
from heygen_graphql.ratelimits import rate_limits
from heygen_graphql.schema import Services
from heygen_graphql.schema.context import credentials_of
from heygen_graphql.schema.transport import GraphQLEndpoint
from heygen_graphql.schema.transport.persisted import DocumentStore, shared_documents
from heygen_graphql.schema.watching import open_watch
from heygen_graphql.settings import Settings
from heygen_graphql.storage import MEDIA_PATH, UPLOADS_PREFIX, Links, Storage, ready_storage
from heygen_graphql.videos import Experience, Quotas, voices_of
from heygen_graphql.web import health, stock
from heygen_graphql.web.graphiql_page import ASSETS, ASSETS_PATH
from heygen_graphql.web.health import Health
from heygen_graphql.web.hosts import KnownHosts
from heygen_graphql.web.media import Media
from heygen_graphql.web.middleware import (
    ALLOWED_HEADERS,
    EXPOSED_HEADERS,
    BodyLimit,
    Measured,
    RequestId,
    SecurityHeaders,
    Traced,
)
from heygen_graphql.web.previews import Previews
from heygen_graphql.web.samples import Samples
from heygen_graphql.web.uploads import Uploads
from heygen_graphql.webhooks import Targets, Waking, driving

UPLOADS_PATH = f"{MEDIA_PATH}{UPLOADS_PREFIX}/"
PROCESSES_AT_ONCE = 2
"""For each kind of work that is done for a request; the renders have their own."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the routes serve from, open while the application lives."""

    services: Services
    documents: DocumentStore
    media: Media
    uploads: Uploads
    health: Health


class _NamedRoute(Route):
    """FastAPI tells the middleware of its own routes only; this one is to be counted as well."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self
        await super().handle(scope, receive, send)


def create_app(settings: Settings) -> FastAPI:
    """Nothing is opened before the application's lifespan begins, and everything is closed when it ends.

    Raises:
        BadSettings: the manifest of persisted documents cannot be used.
    """
    graphql = GraphQLEndpoint(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _open(settings) as parts:
            graphql.open(parts.services, parts.documents)
            app.state.parts = parts
            yield

    app = FastAPI(
        title=settings.project_name,
        version=__version__,
        lifespan=lifespan,
        openapi_url="/openapi.json" if settings.debug else None,
        # Their pages would load scripts from a CDN.
        docs_url=None,
        redoc_url=None,
        routes=[_NamedRoute("/graphql", graphql), WebSocketRoute("/graphql", graphql)],
    )
    app.state.graphql = graphql
    _add_routes(app)
    if settings.debug:
        # Checked when a file is asked for: the page says how to build what is missing.
        app.mount(ASSETS_PATH, StaticFiles(directory=ASSETS, check_dir=False), name="graphiql")
    _add_middleware(app, settings)
    return app


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[_Parts]:
    """
    Raises:
        BadSettings: the server cannot run as it is configured.
    """
    key = settings.signing_key
    async with AsyncExitStack() as stack:
        stack.enter_context(
            tracing.exporting(
                settings.otel_exporter_otlp_endpoint, service=settings.otel_service_name, role="api"
            )
        )
        if settings.is_embedded:
            settings.make_data_directory()
            await asyncio.to_thread(migrate, settings.resolved_database_url)
        database = Database.of(settings)
        stack.push_async_callback(database.close)
        storage = await ready_storage(settings)
        links = Links(key, settings.previous_key)
        voices = voices_of(settings)
        looking = Processes(at_once=PROCESSES_AT_ONCE)
        targets = Targets(settings.webhook_allowed_hosts)
        stack.callback(targets.close)
        driver = await stack.enter_async_context(driving(settings, settings.resolved_database_url, targets))
        hub = Waking(await stack.enter_async_context(open_hub(settings.redis_url)), driver.wake)
        redis = await stack.enter_async_context(open_shared(settings.redis_url))
        services = Services(
            settings=settings,
            database=database,
            hub=hub,
            targets=targets,
            wake_webhooks=driver.wake,
            queue=await stack.enter_async_context(_queue(settings, database, hub, storage)),
            storage=storage,
            voices=voices,
            experience=Experience(
                database, voices, renders_at_once=settings.workers, quotas=Quotas.of(settings)
            ),
            links=links,
            looking=looking,
            portraits=Processes(at_once=PROCESSES_AT_ONCE),
            speaking=Processes(at_once=PROCESSES_AT_ONCE),
            limits=rate_limits(redis),
            tokens=Tokens(
                key=key,
                algorithm=settings.algorithm,
                access_minutes=settings.access_token_expire_minutes,
                refresh_days=settings.refresh_token_expire_days,
                previous_key=settings.previous_key,
            ),
            watch=await stack.enter_async_context(open_watch(database, hub)),
            answers=kept_answers(settings, redis),
        )
        yield _Parts(
            services=services,
            documents=shared_documents(redis),
            media=Media(
                storage, links, Previews(storage, looking), Samples(storage, voices, Processes(at_once=1))
            ),
            uploads=Uploads(database, storage, links, settings.data_dir / "uploads"),
            health=Health(
                database,
                None if redis is None else redis.client,
                storage,
                services.tokens,
                Quotas.of(settings),
            ),
        )


def _queue(
    settings: Settings, database: Database, hub: Hub, storage: Storage
) -> AbstractAsyncContextManager[Queue]:
    if settings.is_embedded:
        return embedded(settings, database, hub, storage)
    return remote_queue(settings)


def _add_routes(app: FastAPI) -> None:
    @app.get("/health", summary="Whether the server answers")
    async def get_health() -> dict[str, str]:
        return health.alive()

    @app.get("/health/ready", summary="Whether requests should be sent to this server; 503 when not")
    async def get_readiness(request: Request) -> JSONResponse:
        is_ready, told = await _parts(request).health.ready()
        return JSONResponse(told, status_code=200 if is_ready else 503)

    @app.get("/health/detailed", summary="Whether each part of the server works; 503 when one does not")
    async def get_detailed_health(request: Request) -> JSONResponse:
        is_well, told = await _parts(request).health.detailed(request, credentials_of(request.headers))
        return JSONResponse(told, status_code=200 if is_well else 503)

    @app.get("/metrics", summary="The numbers an operator watches, for Prometheus")
    async def get_metrics(request: Request) -> Response:
        counted = stock.exposition(await _parts(request).health.stock())
        return Response(generate_latest() + counted, media_type=CONTENT_TYPE_LATEST)

    @app.api_route("/media/{key:path}", methods=["GET", "HEAD"], summary="A file, by its signed link")
    async def get_media(request: Request, key: str) -> Response:
        return await _parts(request).media.respond(request, key)

    @app.put(f"{UPLOADS_PATH}{{asset_id}}", summary="A file's bytes, to the link that createUpload signed")
    async def put_upload(request: Request, asset_id: str) -> Response:
        return await _parts(request).uploads.respond(request, asset_id)


def _parts(request: Request) -> _Parts:
    parts: _Parts = request.app.state.parts
    return parts


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    # The one added last is the outermost.
    # An upload is counted where it is written to disk.
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, exempt=UPLOADS_PATH)
    app.add_middleware(
        GZipMiddleware,
        minimum_size=1000,
        compresslevel=5,
        # Files keep their bytes: parts of them are asked for by number.
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, "text/vtt", "application/x-subrip"),
    )
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "HEAD", "POST", "PUT"],
        allow_headers=ALLOWED_HEADERS,
        expose_headers=EXPOSED_HEADERS,
        # Nothing here knows a browser's user by a cookie: tokens and keys come in headers, which pages set.
        allow_credentials=False,
        max_age=3600,
    )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(KnownHosts, allowed_hosts=settings.allowed_hosts)
    app.add_middleware(Measured)
    app.add_middleware(Traced)
    app.add_middleware(RequestId)
