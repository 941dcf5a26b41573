"""Where in the queue a video stands: how many are begun before it, in the order of `fairness`.

Reckoned as if nothing ended and nothing came meanwhile: owners take turns, each one's next video at a level
higher than the one before. Who has as many under way as they may stands behind all those who may go on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.tables import IS_UNDER_WAY, IS_WAITING, PREVIEW_SECONDS, User, Video
from heygen_graphql.videos.quotas import STANDARD, Quotas


@dataclass(frozen=True, slots=True)
class Length:
    """An owner's line as a whole: what waits, or was left by a worker that has gone silent."""

    owner_id: UUID
    waiting: int
    previews: int
    """Of these; they come first."""
    under_way: int
    may_run: int
    since: datetime
    """As `fairness.Line` has it."""

    def place(self, rank: int, *, is_preview: bool) -> "Place":
        """Of the owner's video that so many of their own are before."""
        level = self.under_way + rank
        # Whoever has more under way comes to a level later, when the others of it have just been served.
        key = (not is_preview, -self.under_way, self.since, self.owner_id.int)
        return Place(self.owner_id, rank, level, level >= self.may_run, key)

    def ahead_of(self, place: "Place") -> int:
        """How many of the line are begun before the one at that place."""
        if self.owner_id == place.owner_id:
            return place.rank
        may_begin = max(0, self.may_run - self.under_way)
        peer = place.level - self.under_way
        lower = min(self.waiting, max(0, peer))
        ahead = max(lower, min(self.waiting, may_begin)) if place.is_held else min(lower, may_begin)
        is_level = 0 <= peer < self.waiting and (peer >= may_begin) == place.is_held
        return ahead + (is_level and self.place(peer, is_preview=peer < self.previews).key < place.key)


@dataclass(frozen=True, slots=True)
class Place:
    owner_id: UUID
    rank: int
    level: int
    is_held: bool
    key: tuple[bool, int, datetime, int]
    """By which those of a level take turns."""


async def queue_positions(
    database: Database, ids: Iterable[UUID], *, quotas: Quotas = STANDARD
) -> dict[UUID, int]:
    """1 for the next to be rendered; videos that nobody is to begin are left out."""
    async with database.reading() as session:
        now = await database.now(session)
        ranks = await _ranks(session, list(ids), now)
        lengths = {one.owner_id: one for one in await line_lengths(session, now, quotas)} if ranks else {}
    places = {
        video_id: lengths[owner_id].place(rank, is_preview=is_preview)
        for video_id, owner_id, rank, is_preview in ranks
        if owner_id in lengths
    }
    return {
        video_id: 1 + sum(one.ahead_of(place) for one in lengths.values())
        for video_id, place in places.items()
    }


async def line_lengths(session: AsyncSession, now: datetime, quotas: Quotas) -> list[Length]:
    """Of everybody who waits."""
    parts = [
        select(col(Video.owner_id), col(Video.queued_at), col(Video.estimated_seconds)).where(condition)
        for condition in (IS_WAITING, _is_lapsed(now))
    ]
    waiting = union_all(*parts).subquery()
    running = (
        select(col(Video.owner_id), func.count().label("count"))
        .where(IS_UNDER_WAY, col(Video.lease_expires_at) > now)
        .group_by(col(Video.owner_id))
        .subquery()
    )
    counted = (
        select(
            waiting.c.owner_id,
            func.count().label("waiting"),
            func.count(case((waiting.c.estimated_seconds <= PREVIEW_SECONDS, 1))).label("previews"),
            func.min(waiting.c.queued_at).label("queued_at"),
        )
        .group_by(waiting.c.owner_id)
        .subquery()
    )
    rows = await session.execute(
        select(counted, running.c.count, col(User.concurrent_limit), col(User.last_served_at))
        .join(User, col(User.id) == counted.c.owner_id)
        .outerjoin(running, running.c.owner_id == counted.c.owner_id)
        .where(col(User.is_active))
    )
    return [
        Length(
            owner_id=owner_id,
            waiting=waiting_count,
            previews=previews,
            under_way=under_way or 0,
            may_run=quotas.videos_at_once if limit is None else limit,
            since=max(queued_at, served_at or queued_at),
        )
        for owner_id, waiting_count, previews, queued_at, under_way, limit, served_at in rows
    ]


async def _ranks(
    session: AsyncSession, ids: Sequence[UUID], now: datetime
) -> list[tuple[UUID, UUID, int, bool]]:
    """Of those that wait: the owner, how many of their own are before it, and whether it is a preview."""
    owners = select(col(Video.owner_id)).where(col(Video.id).in_(ids))
    is_preview = col(Video.estimated_seconds) <= PREVIEW_SECONDS
    in_order = (is_preview.desc(), col(Video.queued_at), col(Video.id))
    ranked = (
        select(
            col(Video.id),
            col(Video.owner_id),
            (func.row_number().over(partition_by=col(Video.owner_id), order_by=in_order) - 1).label("rank"),
            is_preview.label("is_preview"),
        )
        .where(col(Video.owner_id).in_(owners), or_(IS_WAITING, _is_lapsed(now)))
        .subquery()
    )
    rows = await session.execute(select(ranked).where(ranked.c.id.in_(ids)))
    return [(row[0], row[1], row[2], bool(row[3])) for row in rows]


def _is_lapsed(now: datetime) -> ColumnElement[bool]:
    return and_(IS_UNDER_WAY, col(Video.lease_expires_at) <= now, col(Video.deleted_at).is_(None))
