"""What users' videos have come to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from heygen_graphql.database import Database
from heygen_graphql.tables import Asset, AssetState, Usage, User, Video, VideoStatus
from heygen_graphql.videos.quotas import Quotas, month_of, month_seconds


@dataclass(frozen=True, slots=True)
class Consumption:
    """A user's use of the server, and what bounds it; the numbers begin with the account."""

    videos_completed: int
    seconds_rendered: float
    storage_bytes: int
    concurrent_limit: int
    concurrent_now: int
    monthly_seconds_limit: int | None
    monthly_seconds_used: float


async def count_completed(session: AsyncSession, owner_id: UUID, seconds: float, now: datetime) -> None:
    """Add a finished video to its owner's month; belongs in the transaction that finishes it."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    counted = insert(Usage).values(
        owner_id=owner_id, month=month_of(now), videos_completed=1, seconds_rendered=seconds
    )
    await session.execute(
        counted.on_conflict_do_update(
            index_elements=[col(Usage.owner_id), col(Usage.month)],
            set_={
                "videos_completed": col(Usage.videos_completed) + 1,
                "seconds_rendered": col(Usage.seconds_rendered) + seconds,
            },
        )
    )


async def consumption(database: Database, user_id: UUID, quotas: Quotas) -> Consumption:
    ever = select(
        func.coalesce(func.sum(col(Usage.videos_completed)), 0),
        func.coalesce(func.sum(col(Usage.seconds_rendered)), 0.0),
    ).where(col(Usage.owner_id) == user_id)
    films = select(func.sum(col(Video.file_size_bytes))).where(
        col(Video.owner_id) == user_id, col(Video.deleted_at).is_(None)
    )
    files = select(func.sum(col(Asset.size_bytes))).where(
        col(Asset.owner_id) == user_id,
        col(Asset.state) == AssetState.COMPLETE,
        col(Asset.deleted_at).is_(None),
    )
    under_way = select(func.count()).where(
        col(Video.owner_id) == user_id,
        col(Video.status) == VideoStatus.PROCESSING,
        col(Video.deleted_at).is_(None),
    )
    async with database.reading() as session:
        now = await database.now(session)
        user = await session.get_one(User, user_id)
        videos_completed, seconds_rendered = (await session.execute(ever)).one()
        return Consumption(
            videos_completed=videos_completed,
            seconds_rendered=seconds_rendered,
            # PostgreSQL sums big integers into numerics.
            storage_bytes=sum(
                [int((await session.execute(stored)).scalar_one() or 0) for stored in (films, files)]
            ),
            concurrent_limit=(
                quotas.videos_at_once if user.concurrent_limit is None else user.concurrent_limit
            ),
            concurrent_now=(await session.execute(under_way)).scalar_one(),
            monthly_seconds_limit=(
                quotas.monthly_seconds if user.monthly_seconds_limit is None else user.monthly_seconds_limit
            ),
            monthly_seconds_used=await month_seconds(session, user_id, now),
        )
