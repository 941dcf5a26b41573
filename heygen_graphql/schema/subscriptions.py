"""Watching videos change.

An event of the hub only wakes a watcher; what is sent is what the row says then. The watcher is on the
hub before it reads the row, so no change can pass between the two, and looks by itself every
`POLL_SECONDS` in case an event was lost. No database session is held while it waits.

That the viewer may still watch is the transport's to see to, once for all that runs on a connection.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import strawberry
import structlog

from heygen_graphql import tables, videos
from heygen_graphql.database import is_passing_fault
from heygen_graphql.errors import BadRequest
from heygen_graphql.observability import SUBSCRIPTIONS
from heygen_graphql.schema import ids, weights
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.resolvers import subscription
from heygen_graphql.schema.videos import Video
from heygen_graphql.tables import utc_now

POLL_SECONDS = 2.0
_LOOK_COST = 1
"""Points of the bucket that a user's subscriptions share, for looking whether anything has changed."""
# Machines' clocks differ, and a change becomes visible some time after the instant it carries.
_OVERLAP = timedelta(seconds=10)
# What one watcher remembers of the versions it has sent.
_MAX_REMEMBERED = 2_000

log = structlog.stdlib.get_logger(__name__)


@strawberry.type(description="A video, just after it changed.")
class VideoStatusEvent:
    video: Video = strawberry.field(description="The video as it is now.")
    version: int = strawberry.field(
        description="Its version; grows strictly from event to event of one video."
    )


@strawberry.type(
    description="What can be watched: on a websocket by `graphql-transport-ws`, or as `text/event-stream`."
)
class Subscription:
    @subscription(
        "The video's present state at once, then its changes, of which several in a moment may come as one; "
        "completes after a final status, or when the video is deleted."
    )
    async def video_status(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="A video of the viewer's.")],
    ) -> AsyncGenerator[VideoStatusEvent, None]:
        context = info.context
        owner_id = (await context.viewer()).user.id
        video_id = ids.uuid_of(id, "Video")
        if video_id is None:
            raise _no_such_video()
        database, hub = context.services.database, context.services.hub
        sent_version = 0
        async with _counted(), hub.subscribe(video_id=video_id) as changes:
            while True:
                try:
                    row = await videos.get(database, owner_id, video_id)
                except Exception as error:
                    _outlive(error)
                else:
                    if row is None:
                        if sent_version:
                            # Deleted while it was being watched: there is nothing more to tell.
                            return
                        raise _no_such_video()
                    if row.version > sent_version:
                        yield _event(context, row)
                        # One that the database did not let us tell is told again.
                        if not context.is_cut_off:
                            sent_version = row.version
                            if row.status.is_final:
                                return
                        await _pay(context, _event_cost(context))
                await changes.next(POLL_SECONDS)
                await _pay(context, _LOOK_COST)

    @subscription(
        "The changes of all the viewer's videos, new ones included; several of one video in a moment may "
        "come as one, and a deletion is not told. Never completes by itself."
    )
    async def video_updates(self, info: Info) -> AsyncGenerator[VideoStatusEvent, None]:
        context = info.context
        owner_id = (await context.viewer()).user.id
        database, hub = context.services.database, context.services.hub
        since = utc_now()
        sent_versions: OrderedDict[UUID, int] = OrderedDict()
        async with _counted(), hub.subscribe(owner_id=owner_id) as changes:
            while True:
                change = await changes.next(POLL_SECONDS)
                await _pay(context, _LOOK_COST)
                rows: Sequence[tables.Video] = ()
                try:
                    if change is None:
                        looked_at = utc_now()
                        rows = await videos.changed_since(database, owner_id, since)
                        since = max(since, looked_at - _OVERLAP)
                    elif change.version > sent_versions.get(change.video_id, 0):
                        row = await videos.get(database, owner_id, change.video_id)
                        rows = () if row is None else (row,)
                except Exception as error:
                    # The next look by itself finds what changed meanwhile.
                    _outlive(error)
                for row in rows:
                    if row.version > sent_versions.get(row.id, 0):
                        yield _event(context, row)
                        if context.is_cut_off:
                            since = min(since, row.updated_at)
                        else:
                            _remember(sent_versions, row)
                        await _pay(context, _event_cost(context))


@asynccontextmanager
async def _counted() -> AsyncIterator[None]:
    with SUBSCRIPTIONS.track_inprogress():
        yield


def _event_cost(context: Context) -> int:
    """What is inside the event; beginning to watch was paid for."""
    charged = context.charged
    return _LOOK_COST if charged is None else max(_LOOK_COST, charged.cost - weights.CHANGE)


async def _pay(context: Context, points: int) -> None:
    """Wait until the viewer's subscriptions have so many points left in this process.

    One change may be told to thousands of them: the more they are, and the more they tell, the longer each
    waits, and finds the newest state then.
    """
    services = context.services
    key = str((await context.viewer()).user.id)
    while True:
        settings = services.settings
        bucket = await services.watching.take(key, points, settings.points_bucket, settings.points_per_second)
        if not bucket.retry_after:
            return
        await asyncio.sleep(bucket.retry_after)


def _event(context: Context, row: tables.Video) -> VideoStatusEvent:
    context.renew_loaders()
    context.is_cut_off = False
    return VideoStatusEvent(video=Video.of(row), version=row.version)


def _remember(sent_versions: OrderedDict[UUID, int], row: tables.Video) -> None:
    sent_versions[row.id] = row.version
    sent_versions.move_to_end(row.id)
    if len(sent_versions) > _MAX_REMEMBERED:
        sent_versions.popitem(last=False)


def _outlive(error: Exception) -> None:
    """A database that drops out is waited for; anything else is raised again."""
    if not is_passing_fault(error):
        raise error
    log.warning("videos_not_read", error=str(error))


def _no_such_video() -> BadRequest:
    return BadRequest("You have no video of this id.")
