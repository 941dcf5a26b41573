"""uvicorn's websockets, for clients that send and do not read."""

import asyncio
from typing import Any

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from heygen_graphql.settings import Settings
from heygen_graphql.web.patience import PatientHttp

STALLED_SECONDS = 30.0
"""How long a client may leave what was sent unread, beyond what the system's buffers hold."""


class PatientWebsocket(WebSocketsSansIOProtocol):
    """Reads nothing more from a client that does not read, and drops it when that lasts.

    uvicorn answers each ping at once, whether or not there is room for the answer: without this, pings fill
    the memory. Nor does it drop a dead client while something is left to be sent to it.
    """

    _drop: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.pause_reading()
        self._drop = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._forget_dropping()
        super().resume_writing()
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_dropping()
        super().connection_lost(exc)

    async def receive(self) -> ASGIReceiveEvent:
        # Resumes reading when it has emptied its queue.
        message = await super().receive()
        if not self.writable.is_set() and not self.transport.is_closing():
            self.transport.pause_reading()
        return message

    def _forget_dropping(self) -> None:
        if self._drop is not None:
            self._drop.cancel()
            self._drop = None


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """How uvicorn is to serve strangers: what `uvicorn.Config` takes."""
    return {
        "http": PatientHttp,
        "ws": PatientWebsocket,
        # What is a little too large comes through, to be refused by the code of the protocol above.
        "ws_max_size": 2 * settings.max_body_bytes,
        "ws_ping_interval": settings.keep_alive_seconds,
        "ws_ping_timeout": settings.keep_alive_seconds,
        # A status is 300 bytes: compressing it for each of its watchers costs more than it saves.
        "ws_per_message_deflate": False,
    }
