"""In which order waiting videos are begun.

Whoever came first goes first, but for those whose owner has as many under way as they may: those stand back
until one of them ends, and other people's videos pass.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Subquery, and_, or_
from sqlmodel import col, func, select

from heygen_graphql.database import Database
from heygen_graphql.tables import User, Video, VideoStatus
from heygen_graphql.videos.quotas import STANDARD, Quotas


def lined_up(now: datetime, quotas: Quotas, *, owner_of: UUID | None = None) -> Subquery:
    """Every video that waits or whose worker has gone silent: `id`, `queued_at`, and whether it `may_begin`.

    With `owner_of`, a video, only those of that video's owner.
    """
    is_running = and_(col(Video.status) == VideoStatus.PROCESSING, col(Video.lease_expires_at) > now)
    running = (
        select(col(Video.owner_id), func.count().label("count"))
        .where(is_running)
        .group_by(col(Video.owner_id))
        .subquery()
    )
    rank = func.row_number().over(
        partition_by=col(Video.owner_id), order_by=(col(Video.queued_at), col(Video.id))
    )
    may_run = func.coalesce(col(User.concurrent_limit), quotas.videos_at_once)
    free = may_run - func.coalesce(running.c.count, 0)
    waiting = (
        select(col(Video.id), col(Video.queued_at), (rank <= free).label("may_begin"))
        .join(User, col(User.id) == col(Video.owner_id))
        .outerjoin(running, running.c.owner_id == col(Video.owner_id))
        .where(
            col(Video.deleted_at).is_(None),
            or_(
                col(Video.status) == VideoStatus.PENDING,
                and_(col(Video.status) == VideoStatus.PROCESSING, col(Video.lease_expires_at) <= now),
            ),
        )
    )
    if owner_of is not None:
        owner = select(col(Video.owner_id)).where(col(Video.id) == owner_of).scalar_subquery()
        waiting = waiting.where(col(Video.owner_id) == owner)
    return waiting.subquery()


async def queue_positions(
    database: Database, ids: Iterable[UUID], *, quotas: Quotas = STANDARD
) -> dict[UUID, int]:
    """1 for the next to be rendered; videos that nobody is to begin are left out."""
    async with database.reading() as session:
        waiting = lined_up(await database.now(session), quotas)
        order = (waiting.c.may_begin.desc(), waiting.c.queued_at, waiting.c.id)
        placed = select(waiting.c.id, func.row_number().over(order_by=order).label("place")).subquery()
        rows = await session.execute(select(placed.c.id, placed.c.place).where(placed.c.id.in_(list(ids))))
        return {row.id: row.place for row in rows}
