"""Lists of videos, and how a caller narrows and orders them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from heygen_graphql import videos
from heygen_graphql.errors import BadRequest
from heygen_graphql.paging import Window
from heygen_graphql.schema.connections import Connection
from heygen_graphql.schema.context import Info
from heygen_graphql.schema.enums import OrderDirection
from heygen_graphql.schema.videos import Video
from heygen_graphql.tables import VideoStatus
from heygen_graphql.videos import OrderField

MAX_SEARCH_LENGTH = 1000


@strawberry.input(description="Which videos to list; every condition that is given must hold.")
class VideoFilter:
    status: list[VideoStatus] | None = strawberry.field(
        default=None, description="Has one of these statuses."
    )
    search: str | None = strawberry.field(
        default=None, description="Has this text in its title or script, in capitals or not."
    )
    created_after: datetime | None = strawberry.field(default=None, description="Was created after this.")
    created_before: datetime | None = strawberry.field(default=None, description="Was created before this.")


@strawberry.input(description="In which order to list videos.")
class VideoOrder:
    field: OrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(description="Which end comes first.")


FilterArgument = Annotated[
    VideoFilter | None, strawberry.argument(description="Which videos; all of them when not given.")
]
OrderArgument = Annotated[
    VideoOrder | None, strawberry.argument(description="In which order; the newest first when not given.")
]


async def videos_of(
    info: Info,
    owner_id: UUID,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    filter: VideoFilter | None,
    order_by: VideoOrder | None,
) -> Connection[Video]:
    """
    Raises:
        BadRequest: a size, a cursor or a text to search for that cannot be.
    """
    database = info.context.services.database
    matching = videos.VideoFilter() if filter is None else _matching(filter)
    order = videos.VideoOrder()
    if order_by is not None:
        order = videos.VideoOrder(order_by.field, order_by.direction is OrderDirection.DESC)
    page = await videos.page(database, owner_id, matching, order, Window.of(first, after, last, before))
    return Connection[Video].of(page, Video.of, lambda: videos.count(database, owner_id, matching))


def check_search(search: str | None) -> None:
    """
    Raises:
        BadRequest: it is too long, or has a character that no text here has.
    """
    # PostgreSQL breaks on NUL, and SQLite on long patterns.
    if search is not None and (len(search) > MAX_SEARCH_LENGTH or "\0" in search):
        raise BadRequest(f"`search` takes up to {MAX_SEARCH_LENGTH} characters, none of them NUL.")


def _matching(filter: VideoFilter) -> videos.VideoFilter:
    check_search(filter.search)
    return videos.VideoFilter(
        # Each becomes a variable of the statement, and those are limited.
        statuses=None if filter.status is None else tuple(dict.fromkeys(filter.status)),
        search=filter.search,
        created_after=filter.created_after,
        created_before=filter.created_before,
    )
