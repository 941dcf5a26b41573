"""GraphQL over server-sent events, in the distinct connections mode: a request for each operation.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AbstractContextManager, aclosing
from typing import Any

from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from heygen_graphql.accounts import Viewer
from heygen_graphql.errors import Unauthenticated
from heygen_graphql.schema.context import Context, Services
from heygen_graphql.schema.transport import requests
from heygen_graphql.schema.transport.accepting import MediaType
from heygen_graphql.schema.transport.contexts import context_of
from heygen_graphql.schema.transport.http import refused
from heygen_graphql.schema.transport.requests import RequestRefused
from heygen_graphql.schema.transport.rights import Rights
from heygen_graphql.schema.transport.streams import (
    STALLED_SECONDS,
    Connections,
    Results,
    TooManyConnections,
    text_of,
)

# A GET must change nothing: any page can have a browser send one.
_BY_GET = frozenset((OperationType.QUERY, OperationType.SUBSCRIPTION))
_BY_POST = frozenset(OperationType)
_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # nginx would hold events back until they fill its buffer.
    (b"x-accel-buffering", b"no"),
)
_KEEP_ALIVE = ":\n\n"
_COMPLETE = "event: complete\ndata:\n\n"


class EventStreams:
    """Every event stream at /graphql."""

    def __init__(
        self, services: Services, results: Results, connections: Connections, rights: Rights
    ) -> None:
        self._services = services
        self._results = results
        self._connections = connections
        self._rights = rights
        self._is_over = asyncio.Event()

    def end(self) -> None:
        """Every stream, because the server stops: uvicorn would wait for them. Without `complete`, so that
        clients come again."""
        self._is_over.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            await self._serve(request, receive, send)
        except RequestRefused as refusal:
            await refused(refusal, MediaType.JSON)(scope, receive, send)
        except (ClientDisconnect, _Left, TimeoutError):
            # There is nobody any more, or nobody who reads.
            return

    async def _serve(self, request: Request, receive: Receive, send: Send) -> None:
        operation = await requests.read(request, self._services.settings)
        if isinstance(operation, list):
            message = "An event stream carries one operation. Send each in a request of its own."
            raise RequestRefused(400, "BAD_REQUEST", message)
        context = context_of(self._services, request, None, is_streamed=True)
        viewer, refusal = None, None
        if context.credentials.are_given:
            try:
                viewer = await context.viewer()
            except Unauthenticated as error:
                refusal = str(error)
        try:
            with self._counted(context, viewer):
                stream = _Stream(receive, send, self._services.settings.keep_alive_seconds, self._is_over)
                await stream.begin()
                try:
                    if refusal is None:
                        allowed = _BY_POST if request.method == "POST" else _BY_GET
                        results = self._results.of(operation, context, allowed)
                        refusal = await stream.carry(results, context, viewer, self._rights)
                    if refusal is not None:
                        await stream.refuse(refusal)
                    await stream.end()
                except _Stopping:
                    await stream.end("")
        except TooManyConnections as error:
            raise RequestRefused(429, "TOO_MANY_CONNECTIONS", str(error), {"Retry-After": "10"}) from None

    def _counted(self, context: Context, viewer: Viewer | None) -> AbstractContextManager[None]:
        if viewer is None:
            return self._connections.of_address(context.client_address)
        return self._connections.of_user(viewer.user.id)


class _Left(Exception):
    """The client has closed its connection."""


class _Stopping(Exception):
    """The server stops."""


class _Stream:
    def __init__(
        self, receive: Receive, send: Send, keep_alive_seconds: float, is_over: asyncio.Event
    ) -> None:
        self._receive = receive
        self._send = send
        self._keep_alive_seconds = keep_alive_seconds
        self._is_over = is_over

    async def begin(self) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        # Some browsers and proxies believe in an answer only when they see some of it.
        await self._write(_KEEP_ALIVE)

    async def carry(
        self,
        results: AsyncGenerator[ExecutionResult | str, None],
        context: Context,
        viewer: Viewer | None,
        rights: Rights,
    ) -> str | None:
        """Send every result; None, or why the viewer may get no more of them.

        Raises:
            _Left: nobody listens any more.
            _Stopping
            TimeoutError: the client does not read.
        """
        work: list[Coroutine[Any, Any, str | None]] = [
            self._send_all(results),
            self._keep_alive(),
            self._notice_leaving(),
            self._notice_stopping(),
        ]
        if viewer is not None:
            work.append(rights.until_refused(context, viewer))
        tasks = [asyncio.create_task(one) for one in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return next(iter(done)).result()

    async def refuse(self, why: str) -> None:
        error = GraphQLError(why, extensions={"code": Unauthenticated.code})
        await self._tell(PreExecutionError(data=None, errors=[error]))

    async def end(self, last: str = _COMPLETE) -> None:
        await self._write(last, is_last=True)

    async def _send_all(self, results: AsyncGenerator[ExecutionResult | str, None]) -> None:
        async with aclosing(results):
            async for result in results:
                await self._tell(result)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._keep_alive_seconds)
            await self._write(_KEEP_ALIVE)

    async def _notice_leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue
        raise _Left

    async def _notice_stopping(self) -> None:
        await self._is_over.wait()
        raise _Stopping

    async def _tell(self, result: ExecutionResult | str) -> None:
        await self._write(f"event: next\ndata: {text_of(result)}\n\n")

    async def _write(self, text: str, *, is_last: bool = False) -> None:
        """Returns when there is room for more."""
        async with asyncio.timeout(STALLED_SECONDS):
            await self._send({"type": "http.response.body", "body": text.encode(), "more_body": not is_last})
