"""GraphQL over websockets, by the protocol `graphql-transport-ws`.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

Strawberry's own handler knows no extensions of a request (persisted queries), closes the socket for one bad
document, breaks on messages that are no objects and has neither expiry nor limits: nothing of it would be
left that is not overridden.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, ExitStack, aclosing, suppress
from typing import Any

import structlog
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected
from strawberry.http.websocket_origin import is_same_origin, normalize_allowed_origins, normalize_origin
from strawberry.types.execution import PreExecutionError

from heygen_graphql.accounts import Viewer
from heygen_graphql.database import is_passing_fault
from heygen_graphql.errors import Unauthenticated
from heygen_graphql.observability import tracing
from heygen_graphql.schema.context import Context, Services, credentials_of_connection
from heygen_graphql.schema.transport import json_text
from heygen_graphql.schema.transport.bodies import encoded
from heygen_graphql.schema.transport.contexts import context_of
from heygen_graphql.schema.transport.requests import Operation, WrongMember, operation_of
from heygen_graphql.schema.transport.rights import Rights
from heygen_graphql.schema.transport.streams import (
    STALLED_SECONDS,
    Connections,
    Results,
    TooManyConnections,
    payload_of,
    text_of,
)

PROTOCOL = "graphql-transport-ws"
# RFC 6455, section 5.5: a control frame has 125 bytes, of which the code takes two.
_MAX_REASON_BYTES = 123

log = structlog.stdlib.get_logger(__name__)


class Sockets:
    """Every websocket at /graphql."""

    def __init__(
        self, services: Services, results: Results, connections: Connections, rights: Rights
    ) -> None:
        self._services = services
        self._results = results
        self._connections = connections
        self._rights = rights
        self._allowed_origins = normalize_allowed_origins(services.settings.cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        if not self._is_allowed_origin(websocket.headers):
            # Before it is accepted: the handshake is answered with 403.
            await websocket.close()
            return
        is_spoken = PROTOCOL in websocket["subprotocols"]
        await websocket.accept(PROTOCOL if is_spoken else None)
        closing = _Closing(4406, "Subprotocol not acceptable")
        if is_spoken:
            context = context_of(self._services, websocket, None, is_streamed=True)
            closing = await _Socket(
                self._results, self._connections, self._rights, websocket, context
            ).ending()
        # Who has left, or does not read, is not told.
        with suppress(WebSocketDisconnect, WebSocketDisconnected, TimeoutError):
            async with asyncio.timeout(STALLED_SECONDS):
                await websocket.close(closing.code, _cut(closing.reason))

    def _is_allowed_origin(self, headers: Mapping[str, str]) -> bool:
        """Browsers ask no server before they open a websocket, and always say for whose page it is."""
        origin = headers.get("origin")
        if origin is None or "*" in self._allowed_origins or is_same_origin(origin, headers.get("host")):
            return True
        return normalize_origin(origin) in self._allowed_origins


class _Closing(Exception):
    """The socket is to be closed. `reason` is for the client's developer."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


_LEFT = _Closing(1000, "")


class _Socket:
    """One websocket that has been accepted."""

    def __init__(
        self,
        results: Results,
        connections: Connections,
        rights: Rights,
        websocket: WebSocket,
        context: Context,
    ) -> None:
        self._results = results
        self._connections = connections
        self._rights = rights
        self._websocket = websocket
        self._context = context
        """Of the connection; every operation gets one of its own."""
        self._settings = context.services.settings
        self._counted = ExitStack()
        """Counts the connection among those of its address, then of its user."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._is_initialised = asyncio.Event()
        """Perhaps in vain: who may not stay is sent away."""
        self._is_acknowledged = False
        self._ending: asyncio.Future[_Closing] = asyncio.get_running_loop().create_future()

    async def ending(self) -> _Closing:
        """Serve until either side has had enough; how to close."""
        with self._counted:
            self._spawn(self._begin)
            try:
                return await self._ending
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """Do it beside everything else. What it raises ends the socket, with all that is done for it."""
        task = asyncio.create_task(self._watched(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _watched(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except _Closing as closing:
            self._end(closing)
        except (WebSocketDisconnect, WebSocketDisconnected, TimeoutError):
            self._end(_LEFT)
        except Exception as error:
            if is_passing_fault(error):
                # A code that clients come again after (RFC 6455's register of them), as 4500 is not.
                log.warning("websocket_cut_off", error=str(error))
                self._end(_Closing(1013, "Try again later"))
                return
            log.exception("websocket_broke")
            self._end(_Closing(4500, "Internal server error"))

    def _end(self, closing: _Closing) -> None:
        if not self._ending.done():
            self._ending.set_result(closing)

    async def _begin(self) -> None:
        self._count(self._connections.of_address(self._context.client_address))
        self._spawn(self._expect_initialisation)
        while True:
            await self._take(await self._message())

    async def _message(self) -> dict[str, Any]:
        """The next one.

        Raises:
            WebSocketDisconnect: there is none any more.
        """
        received = await self._websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received["code"])
        text = received.get("text")
        if text is None:
            raise _Closing(4400, "Messages must be text, not binary")
        limit = self._settings.max_body_bytes
        if len(text) > limit or len(text.encode()) > limit:
            raise _Closing(4400, f"A message may have at most {limit} bytes")
        message: object = None
        with suppress(json.JSONDecodeError):
            message = json_text.decode(text)
        if not isinstance(message, dict):
            raise _Closing(4400, "Messages must be JSON objects")
        return message

    async def _take(self, message: dict[str, Any]) -> None:
        payload = message.get("payload")
        match message.get("type"):
            case "connection_init":
                await self._initialise(_object(payload))
            case "ping":
                echo = {} if _object(payload) is None else {"payload": payload}
                await self._send({"type": "pong"} | echo)
            case "pong":
                _object(payload)
            case "subscribe":
                self._subscribe(_id(message), _operation(payload))
            case "complete":
                task = self._operations.pop(_id(message), None)
                if task is not None:
                    task.cancel()
            case _:
                raise _invalid("type")

    async def _expect_initialisation(self) -> None:
        try:
            async with asyncio.timeout(self._settings.connection_init_seconds):
                await self._is_initialised.wait()
        except TimeoutError:
            raise _Closing(4408, "Connection initialisation timeout") from None

    async def _initialise(self, payload: dict[str, Any] | None) -> None:
        if self._is_initialised.is_set():
            raise _Closing(4429, "Too many initialisation requests")
        self._is_initialised.set()
        # Browsers can give a handshake no headers. Operations are begun in this task and go on from here.
        given = (payload or {}).get(tracing.HEADER)
        tracing.go_on(tracing.read(given if isinstance(given, str) else None))
        context = self._context
        try:
            context.credentials = credentials_of_connection(payload, context.credentials)
            if context.credentials.are_given:
                viewer = await context.authenticate()
                self._counted.close()
                self._count(self._connections.of_user(viewer.user.id))
                self._spawn(lambda: self._leave_when_refused(viewer))
        except Unauthenticated as error:
            raise _forbidden(str(error)) from error
        self._is_acknowledged = True
        await self._send({"type": "connection_ack"})

    async def _leave_when_refused(self, viewer: Viewer) -> None:
        raise _forbidden(await self._rights.until_refused(self._context, viewer))

    def _count(self, connection: AbstractContextManager[None]) -> None:
        try:
            self._counted.enter_context(connection)
        except TooManyConnections as error:
            raise _Closing(4429, f"Too many connections. {error}") from None

    def _subscribe(self, id: str, operation: Operation) -> None:
        if not self._is_acknowledged:
            raise _Closing(4401, "Unauthorized")
        if id in self._operations:
            raise _Closing(4409, f"Subscriber for {id} already exists")
        limit = self._settings.max_subscriptions_per_connection
        if len(self._operations) >= limit:
            raise _Closing(4429, f"Too many subscriptions: at most {limit} may run on one connection")
        self._operations[id] = self._spawn(lambda: self._run(id, operation))

    async def _run(self, id: str, operation: Operation) -> None:
        context = self._context.for_operation()
        encoded_id = encoded(id)
        async with aclosing(self._results.of(operation, context)) as stream:
            async for result in stream:
                if isinstance(result, PreExecutionError):
                    self._operations.pop(id)
                    await self._send({"id": id, "type": "error", "payload": payload_of(result)["errors"]})
                    return
                await self._send_text(f'{{"type":"next","id":{encoded_id},"payload":{text_of(result)}}}')
        # The client may use the id again as soon as it has heard.
        self._operations.pop(id)
        await self._send({"id": id, "type": "complete"})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._send_text(encoded(message))

    async def _send_text(self, text: str) -> None:
        """Returns when there is room for the next message.

        Raises:
            TimeoutError: the client does not read.
        """
        async with asyncio.timeout(STALLED_SECONDS):
            await self._websocket.send_text(text)


def _object(payload: object) -> dict[str, Any] | None:
    if not isinstance(payload, dict | None):
        raise _invalid("payload")
    return payload


def _id(message: dict[str, Any]) -> str:
    id = message.get("id")
    if not isinstance(id, str) or not id:
        raise _invalid("id")
    return id


def _operation(payload: object) -> Operation:
    try:
        operation = operation_of(_object(payload) or {})
    except WrongMember as wrong:
        raise _invalid(f"payload.{wrong.name}") from None
    # Persisted queries are named in extensions alone.
    if operation.query is None and not operation.extensions:
        raise _invalid("payload.query")
    return operation


def _invalid(part: str) -> _Closing:
    return _Closing(4400, f"Invalid message: `{part}` is missing, or not as the protocol has it")


def _forbidden(why: str) -> _Closing:
    return _Closing(4403, f"Forbidden: {why}")


def _cut(reason: str) -> str:
    return reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
