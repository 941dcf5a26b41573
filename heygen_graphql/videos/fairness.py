"""Whose video is rendered next.

Owners take turns: whoever has the fewest under way comes first, among these whoever waits for a preview, and
then whoever has waited longest, which is since they were last served. Those who have as many under way as
they may stand back until one of them ends. Every fourth video is chosen without regard to previews, so that
no number of them keeps the others waiting for ever; within one owner's line, too, it is the oldest then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, Uuid, and_, bindparam, case, column, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from heygen_graphql.tables import IS_UNDER_WAY, IS_WAITING, IS_WAITING_PREVIEW, PREVIEW_SECONDS, User, Video
from heygen_graphql.videos.quotas import Quotas

_OWNERS_LOOKED_AT = 256
"""When more wait, so many are picked at random to choose from: whose turn it is need not be exact then, and
workers that choose at once do not all choose the same."""

_BY_OWNER = "ix_videos_waiting_owner_id_queued_at_id"
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Line:
    """One owner's videos that wait or whose worker has gone silent."""

    owner_id: UUID
    under_way: int
    may_run: int
    """How many may be under way at once."""
    since: datetime
    """When the oldest was asked for, or the owner was last served, whichever is later."""
    has_preview: bool


def in_turn(lines: Iterable[Line], *, previews_first: bool) -> list[Line]:
    """Those that may go on, the next one first."""

    def key(line: Line) -> tuple[int, bool, datetime]:
        return line.under_way, previews_first and not line.has_preview, line.since

    return sorted((line for line in lines if line.under_way < line.may_run), key=key)


async def lines(session: AsyncSession, now: datetime, quotas: Quotas, *, with_lapsed: bool) -> list[Line]:
    """The lines to choose from: every one, or of very many some that were picked at random.

    When any may go on, one of those is among them.
    """
    busy = {row.owner_id: row for row in await session.execute(_under_way(now))}

    async def described(owner_ids: Sequence[UUID]) -> dict[UUID, Line]:
        found = {}
        for row in await session.execute(_described(owner_ids, now)):
            running = busy.get(row.owner_id)
            lapsed_at = running.lapsed_at if running and with_lapsed else None
            queued_at = min((at for at in (row.waiting_at, lapsed_at) if at is not None), default=None)
            if queued_at is not None and row.is_active:
                found[row.owner_id] = Line(
                    owner_id=row.owner_id,
                    under_way=running.running if running else 0,
                    may_run=quotas.videos_at_once if row.concurrent_limit is None else row.concurrent_limit,
                    since=max(queued_at, row.last_served_at or queued_at),
                    has_preview=row.preview_at is not None,
                )
        return found

    async def page(after: UUID) -> tuple[dict[UUID, Line], UUID | None]:
        """Of the next owners, and where to go on unless there are no more."""
        owners = await _waiting_owners(session, after)
        found = await described(owners)
        return found, owners[-1] if len(owners) == _OWNERS_LOOKED_AT else None

    silent = [owner_id for owner_id, row in busy.items() if with_lapsed and row.lapsed_at is not None]
    found = await described(silent) if silent else {}
    first, last = await page(_NOBODY)
    if last is None:
        return list((found | first).values())
    picked, is_end = await page(uuid4())
    found |= picked if is_end else picked | first
    after: UUID | None = _NOBODY
    while after is not None and not in_turn(found.values(), previews_first=False):
        found, after = await page(after)
    return list(found.values())


async def head(
    session: AsyncSession,
    owner_id: UUID,
    now: datetime,
    *,
    previews_first: bool,
    is_wanted: ColumnElement[bool],
    with_lapsed: bool,
) -> UUID | None:
    """Which of the owner's is next, of those that are wanted."""
    of_owner = select(col(Video.id), col(Video.queued_at), col(Video.estimated_seconds)).where(
        col(Video.owner_id) == owner_id, is_wanted
    )
    may_begin = col(Video.queued_at) <= now
    heads = [of_owner.where(IS_WAITING, may_begin)]
    if previews_first:
        heads.append(of_owner.where(IS_WAITING_PREVIEW, may_begin))
    if with_lapsed:
        heads.append(of_owner.where(IS_UNDER_WAY, _is_lapsed(now)))
    rows: list[tuple[UUID, datetime, float]] = []
    for one in heads:
        found = await session.execute(one.order_by(col(Video.queued_at), col(Video.id)).limit(1))
        rows += [(row[0], row[1], row[2]) for row in found]
    rows.sort(key=lambda row: (previews_first and row[2] > PREVIEW_SECONDS, row[1], row[0]))
    return rows[0][0] if rows else None


def _is_lapsed(now: datetime) -> ColumnElement[bool]:
    return and_(col(Video.lease_expires_at) <= now, col(Video.deleted_at).is_(None))


def _under_way(now: datetime) -> Select[*tuple[Any, ...]]:
    """How many of each owner's are being rendered, and the oldest of those whose worker has gone silent."""
    is_silent = _is_lapsed(now)
    return (
        select(
            col(Video.owner_id),
            func.count(case((col(Video.lease_expires_at) > now, 1))).label("running"),
            func.min(case((is_silent, col(Video.queued_at)))).label("lapsed_at"),
        )
        .where(IS_UNDER_WAY)
        .group_by(col(Video.owner_id))
    )


async def _waiting_owners(session: AsyncSession, after: UUID) -> list[UUID]:
    """The next owners who have videos waiting, each found by one step down the index."""
    # Left to itself SQLite takes another index, and reads all that waits at each step.
    hint = f"INDEXED BY {_BY_OWNER}" if session.get_bind().dialect.name == "sqlite" else ""
    step = (
        f"SELECT owner_id FROM videos {hint} WHERE {IS_WAITING} AND owner_id > {{}} ORDER BY owner_id LIMIT 1"
    )
    statement = text(
        f"WITH RECURSIVE owners (owner_id) AS (SELECT ({step.format(':after')}) UNION ALL "
        f"SELECT ({step.format('owners.owner_id')}) FROM owners WHERE owners.owner_id IS NOT NULL) "
        f"SELECT owner_id FROM owners WHERE owner_id IS NOT NULL LIMIT {_OWNERS_LOOKED_AT}"
    )
    typed = statement.bindparams(bindparam("after", after, Uuid)).columns(column("owner_id", Uuid))
    return list(await session.scalars(typed))


def _described(owner_ids: Sequence[UUID], now: datetime) -> Select[*tuple[Any, ...]]:
    video = aliased(Video)
    is_of_owner = col(video.owner_id) == col(User.id)
    line = select(col(video.queued_at)).where(is_of_owner, col(video.queued_at) <= now)
    line = line.order_by(col(video.queued_at)).limit(1).correlate(User)
    return select(
        col(User.id).label("owner_id"),
        col(User.is_active),
        col(User.concurrent_limit),
        col(User.last_served_at),
        line.where(IS_WAITING).scalar_subquery().label("waiting_at"),
        line.where(IS_WAITING_PREVIEW).scalar_subquery().label("preview_at"),
    ).where(col(User.id).in_(owner_ids))
