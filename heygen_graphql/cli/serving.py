"""The API behind uvicorn, with errors of the start in one line and its addresses printed when it answers."""

import asyncio
import os
import signal
import socket
import time
from contextlib import AsyncExitStack

import typer
import uvicorn

from heygen_graphql import __version__
from heygen_graphql.app import create_app
from heygen_graphql.errors import BadSettings
from heygen_graphql.observability import configure_logging
from heygen_graphql.settings import Settings
from heygen_graphql.web.websocket import uvicorn_options

# How long open requests and subscriptions may take to end after Ctrl-C or SIGTERM.
_GRACEFUL_SECONDS = 5
_LOOK_SECONDS = 0.1


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        BadSettings: the server cannot start as it is configured.
    """
    configure_logging(is_json=settings.log_json)
    settings.require_secret()
    listener = _listen(settings.host, settings.port)
    server = _Server(settings, _announcement(settings, listener))
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn has its own handlers while it runs, and at its end raises again what it was stopped by: to
        # these, so that the process ends with 0. What comes before it runs is heeded, too.
        signal.signal(number, server.handle_exit)
    server.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        # create_server adds the address to its words, where it would stand twice.
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise BadSettings(
            f"cannot listen at {host}:{port}: {reason}; choose another place by HOST and PORT, "
            "or by --host and --port (0 takes a free port)"
        ) from error


def _announcement(settings: Settings, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    shape = (
        f"on this machine alone; its data is in {settings.data_dir.absolute()}"
        if settings.is_embedded
        else "as an API beside `heygen-graphql worker` processes"
    )
    browser = "GraphiQL in a browser" if settings.debug else "DEBUG=true makes it GraphiQL in a browser"
    return "\n".join(
        (
            f"heygen_graphql {__version__} serves {shape}",
            f"  http://{authority}/graphql  and ws://{authority}/graphql ({browser})",
            f"  http://{authority}/health  http://{authority}/metrics",
            "Ctrl-C stops it.",
        )
    )


class _Server(uvicorn.Server):
    """Enters the application's lifespan itself: uvicorn would log why it fails, and tell nobody."""

    def __init__(self, settings: Settings, announcement: str) -> None:
        self._app = create_app(settings)
        super().__init__(
            uvicorn.Config(
                self._app,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=list(settings.trusted_proxies),
                timeout_graceful_shutdown=_GRACEFUL_SECONDS,
                **uvicorn_options(settings),
            )
        )
        self._lifespan = AsyncExitStack()
        self._announcement = announcement
        self._drain_seconds = settings.drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        state = await self._lifespan.enter_async_context(self._app.router.lifespan_context(self._app))
        self.lifespan.state.update(state or {})
        await super().startup(sockets)
        typer.echo(self._announcement)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._drain()
        self._app.state.graphql.end_streams()
        await super().shutdown(sockets)
        await self._lifespan.aclose()

    async def _drain(self) -> None:
        """Serve on while load balancers find out that there is nothing more to be sent here; a second signal
        cuts it short."""
        self._app.state.parts.health.stop_taking_traffic()
        ends_at = time.monotonic() + self._drain_seconds
        # uvicorn only sets a flag at the second signal.
        while time.monotonic() < ends_at and not self.force_exit:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)
