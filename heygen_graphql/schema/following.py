"""What a subscription tells of a video after its first event.

An event is made once for all subscriptions that would be told the very same (one viewer, signed in the same
way, one document with its variables) and written once as JSON, whichever sockets it leaves by. A first event
is never taken from others: it may be older than what its viewer has just done. Nor is one with errors.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

import strawberry
from graphql import ExecutionResult
from graphql.execution import execute_subscription_event
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental

from heygen_graphql import tables
from heygen_graphql.observability import EVENT_LAG
from heygen_graphql.schema import weights
from heygen_graphql.schema.context import Context
from heygen_graphql.schema.shown_errors import shown
from heygen_graphql.schema.watching import POLL_SECONDS, Watched

LOOK_COST = 1
"""Points of the bucket that a user's subscriptions share, for any event, however little it tells."""
SENT_FOR_A_POINT = 10
"""Subscriptions to which an event that has been made is sent for one point more."""
_KEPT_SECONDS = 1.0
"""How long an event may be told after it was made: places in the queue and links' lives go on."""


@dataclass(frozen=True, slots=True)
class Following:
    """How a resolver of videos says what its subscription goes on with."""

    watched: Watched
    version: int
    """What has been told; 0 when that is to be told again."""
    event_of: Callable[[tables.Video], object]
    """What the subscription's field is resolved from."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation, as far as its events depend on it."""

    query: str
    operation_name: str | None
    variables: dict[str, object] | None


@dataclass(frozen=True, slots=True)
class _Made:
    """An event as its watchers read it."""

    text: str
    """JSON."""
    version: int
    is_last: bool
    is_cut_off: bool = False
    """The database dropped out meanwhile: the version is to be told again."""


class _View:
    """A video as it shows in one document to one viewer."""

    def __init__(self) -> None:
        self.watchers = 0
        self.making = asyncio.Lock()
        self.made: _Made | None = None

    def keep(self, made: _Made) -> None:
        # Where there is nobody else, nor somebody who reads slowly, it need not take memory.
        if self.watchers > 1:
            self.made = made
            asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._forget, made)

    def _forget(self, made: _Made) -> None:
        if self.made is made:
            self.made = None


class Views:
    """All that subscriptions of this process go on with."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._schema = schema._schema
        self._views: dict[bytes, _View] = {}

    async def follow(self, asked: Asked, context: Context, following: Following) -> AsyncGenerator[str, None]:
        """Every event as JSON, of versions that grow; several changes may come as one. Ends after a final
        status, or when the video is deleted."""
        version = following.version
        with self._view(await _key(asked, context, following)) as view:
            while True:
                row = await following.watched.newer(version)
                if row is None:
                    return
                made = view.made
                if made is None or made.version < row.version:
                    made = await self._made(view, asked, context, following, row)
                yield made.text
                if made.is_cut_off:
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                version = made.version
                if made.is_last:
                    return

    @contextmanager
    def _view(self, key: bytes) -> Iterator[_View]:
        view = self._views.setdefault(key, _View())
        view.watchers += 1
        try:
            yield view
        finally:
            view.watchers -= 1
            if not view.watchers:
                del self._views[key]

    async def _made(
        self, view: _View, asked: Asked, context: Context, following: Following, row: tables.Video
    ) -> _Made:
        async with view.making:
            if view.made is not None and view.made.version >= row.version:
                return view.made
            await pay(context, event_cost(context) + view.watchers // SENT_FOR_A_POINT)
            # The newest: who lacks points may have waited for long.
            row = following.watched.row or row
            event = context.for_event()
            result = await self._executed(asked, event, context, following.event_of(row))
            body: dict[str, object] = {"data": result.data}
            if result.errors:
                errors = shown(result.errors, event, with_suggestions=context.services.settings.debug)
                body["errors"] = [error.formatted for error in errors]
            text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
            EVENT_LAG.observe(max(0.0, (tables.utc_now() - row.updated_at).total_seconds()))
            made = _Made(text, row.version, row.status.is_final, event.is_cut_off)
            if not result.errors:
                view.keep(made)
            return made

    async def _executed(
        self, asked: Asked, event: Context, context: Context, root: object
    ) -> ExecutionResult:
        assert context.verdict is not None
        executor = ExecutorThrowingOnIncremental.build(
            self._schema,
            context.verdict.document,
            root,
            event,
            asked.variables,
            asked.operation_name,
        )
        # The same document and variables have been executed for the first event.
        assert not isinstance(executor, list)
        result = execute_subscription_event(executor)
        return result if isinstance(result, ExecutionResult) else await result


async def _key(asked: Asked, context: Context, following: Following) -> bytes:
    """Differs wherever two subscriptions might be told something different."""
    viewer = await context.viewer()
    parts = [
        str(following.watched.video_id),
        str(viewer.user.id),
        viewer.user.is_superuser,
        # An API key may not see everything.
        viewer.session_id is not None,
        context.base_url,
        asked.operation_name,
        asked.variables,
        asked.query,
    ]
    return sha256(json.dumps(parts, separators=(",", ":")).encode()).digest()


def event_cost(context: Context) -> int:
    """What is inside the event; beginning to watch was paid for."""
    charged = context.charged
    return LOOK_COST if charged is None else max(LOOK_COST, charged.cost - weights.CHANGE)


async def pay(context: Context, points: int) -> None:
    """Wait until the viewer's subscriptions have so many points left in this process: the more they are, and
    the more they tell, the longer they wait, and find the newest state then."""
    services = context.services
    settings = services.settings
    key, most = str((await context.viewer()).user.id), settings.points_bucket
    while True:
        bucket = await services.watching.take(key, min(points, most), most, settings.points_per_second)
        if not bucket.retry_after:
            return
        await asyncio.sleep(bucket.retry_after)
