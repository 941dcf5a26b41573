"""uvicorn's HTTP, for clients that send a request's head slowly or without end."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 30.0
"""How long a connection may be open without a whole head (request line and header fields)."""
MAX_HEAD_BYTES = 64 * 1024
"""Of a head, a trailer or whatever else is no body, give or take what is read from a socket at once."""


class PatientHttp(HttpToolsProtocol):
    """uvicorn keeps every header field that comes, for as long as they come: in the memory, each byte takes
    some fourteen."""

    _unheeded_bytes = 0
    """Received since the last part of a body, or the end of a head or of a request."""
    _drop: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_dropping()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unheeded_bytes += len(data)
        super().data_received(data)
        if self._unheeded_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The request's head is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        self._unheeded_bytes = 0
        self._forget_dropping()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unheeded_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unheeded_bytes = 0
        super().on_message_complete()

    def _expect_head(self) -> None:
        self._forget_dropping()
        self._drop = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _forget_dropping(self) -> None:
        if self._drop is not None:
            self._drop.cancel()
            self._drop = None
