"""Watching videos change.

An event of the hub only wakes a watcher; what is sent is what the row says then. The watcher is on the
hub before it reads the row, so no change can pass between the two, and every `POLL_SECONDS` somebody looks
in case an event was lost: for one video `watching`, for all of an owner's the resolver. No database session
is held while it waits.

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
from heygen_graphql.schema import ids
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.following import LOOK_COST, Following, event_cost, pay
from heygen_graphql.schema.resolvers import subscription
from heygen_graphql.schema.videos import Video
from heygen_graphql.schema.watching import POLL_SECONDS
from heygen_graphql.tables import utc_now

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
        context.ending.enter_context(SUBSCRIPTIONS.track_inprogress())
        # Before the row is read: no change passes between the two.
        watched = context.ending.enter_context(context.services.watch.video(video_id))
        row = await _present(context, owner_id, video_id)
        if row is None:
            raise _no_such_video()
        watched.note(row)
        yield _event(context, row)
        await pay(context, event_cost(context))
        # What the database did not let us tell is told again.
        if context.is_cut_off or not row.status.is_final:
            context.following = Following(watched, 0 if context.is_cut_off else row.version, _event_of)

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
                await pay(context, LOOK_COST)
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
                        await pay(context, event_cost(context))


@asynccontextmanager
async def _counted() -> AsyncIterator[None]:
    with SUBSCRIPTIONS.track_inprogress():
        yield


async def _present(context: Context, owner_id: UUID, video_id: UUID) -> tables.Video | None:
    """Once the database can be asked."""
    while True:
        try:
            return await videos.get(context.services.database, owner_id, video_id)
        except Exception as error:
            _outlive(error)
            await asyncio.sleep(POLL_SECONDS)


def _event(context: Context, row: tables.Video) -> VideoStatusEvent:
    context.renew_loaders()
    context.is_cut_off = False
    return _event_of(row)


def _event_of(row: tables.Video) -> VideoStatusEvent:
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
