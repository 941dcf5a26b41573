"""Videos looked up and listed; only ever an owner's own."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import SQLColumnExpression
from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from heygen_graphql.database import Database
from heygen_graphql.paging import Keyset, Page, Window, decode_instant, decode_number
from heygen_graphql.tables import Video, VideoStatus
from heygen_graphql.videos.making import folded


class OrderField(StrEnum):
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    DURATION = "DURATION"


@dataclass(frozen=True, slots=True)
class VideoFilter:
    statuses: tuple[VideoStatus, ...] | None = None
    search: str | None = None
    """Found in title or script, letter for letter but without regard to case."""
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class VideoOrder:
    field: OrderField = OrderField.CREATED_AT
    is_descending: bool = True


async def get(database: Database, owner_id: UUID, video_id: UUID) -> Video | None:
    return (await by_ids(database, owner_id, [video_id])).get(video_id)


async def by_ids(database: Database, owner_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Video]:
    async with database.reading() as session:
        rows = await session.execute(_owned(owner_id, VideoFilter()).where(col(Video.id).in_(list(ids))))
        return {video.id: video for video in rows.scalars()}


async def of_anybody(database: Database, ids: Collection[UUID]) -> dict[UUID, Video]:
    """Not for showing before it is certain whose they are."""
    async with database.reading() as session:
        there = select(Video).where(col(Video.id).in_(ids), col(Video.deleted_at).is_(None))
        return {video.id: video for video in await session.scalars(there)}


async def versions(database: Database, ids: Collection[UUID]) -> dict[UUID, int]:
    """Of anybody's videos, but for deleted ones."""
    async with database.reading() as session:
        there = select(col(Video.id), col(Video.version))
        rows = await session.execute(there.where(col(Video.id).in_(ids), col(Video.deleted_at).is_(None)))
        return {row.id: row.version for row in rows}


async def page(
    database: Database, owner_id: UUID, matching: VideoFilter, order: VideoOrder, window: Window
) -> Page[Video]:
    """
    Raises:
        BadRequest: the cursor is of another list or another order.
    """
    keyset: Keyset[Video] = Keyset(
        f"{order.field}:{'DESC' if order.is_descending else 'ASC'}",
        _sort_key(order.field),
        col(Video.id),
        place=lambda video: (_place(order.field, video), video.id),
        decode=decode_number if order.field is OrderField.DURATION else decode_instant,
        is_descending=order.is_descending,
    )
    async with database.reading() as session:
        rows = (await session.scalars(keyset.within(_owned(owner_id, matching), window))).all()
    return keyset.page(rows, window)


async def count(database: Database, owner_id: UUID, matching: VideoFilter) -> int:
    async with database.reading() as session:
        counted = select(func.count()).select_from(_owned(owner_id, matching).subquery())
        return (await session.execute(counted)).scalar_one()


async def changed_since(database: Database, owner_id: UUID, since: datetime) -> Sequence[Video]:
    """Oldest change first."""
    changed = _owned(owner_id, VideoFilter()).where(col(Video.updated_at) >= since)
    async with database.reading() as session:
        rows = await session.execute(changed.order_by(col(Video.updated_at), col(Video.id)))
        return rows.scalars().all()


def seconds_left(video: Video, now: datetime) -> float | None:
    """What the worker reckoned, less the time since; None while it cannot tell, and when nothing is left."""
    if video.status is not VideoStatus.PROCESSING or video.seconds_left is None:
        return None
    return max(0.0, video.seconds_left - (now - video.updated_at).total_seconds())


def _owned(owner_id: UUID, matching: VideoFilter) -> SelectOfScalar[Video]:
    query = select(Video).where(Video.owner_id == owner_id, col(Video.deleted_at).is_(None))
    if matching.statuses is not None:
        query = query.where(col(Video.status).in_(matching.statuses))
    if matching.search:
        query = query.where(col(Video.search_text).contains(folded(matching.search), autoescape=True))
    if matching.created_after is not None:
        query = query.where(col(Video.created_at) > matching.created_after)
    if matching.created_before is not None:
        query = query.where(col(Video.created_at) < matching.created_before)
    return query


def _sort_key(field: OrderField) -> SQLColumnExpression[Any]:
    match field:
        case OrderField.CREATED_AT:
            return col(Video.created_at)
        case OrderField.UPDATED_AT:
            return col(Video.updated_at)
        case OrderField.DURATION:
            # Videos without a duration yet come before the shortest.
            return func.coalesce(col(Video.duration_seconds), -1.0)


def _place(field: OrderField, video: Video) -> str | float:
    match field:
        case OrderField.CREATED_AT:
            return video.created_at.isoformat()
        case OrderField.UPDATED_AT:
            return video.updated_at.isoformat()
        case OrderField.DURATION:
            return -1.0 if video.duration_seconds is None else video.duration_seconds
