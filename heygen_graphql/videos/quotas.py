"""How much one user may ask of the server, and what of it is left.

Whoever changes what is counted here holds the user's row first, so that of two calls at once the second
sees what the first one took. SQLite knows no row locks and needs none: its writers come one at a time.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

from sqlalchemy import case
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from heygen_graphql.errors import InvalidInput, Unauthenticated, UserErrorCode
from heygen_graphql.settings import Settings
from heygen_graphql.tables import IS_UNFINISHED, IS_WAITING, Usage, User, Video, VideoStatus


@dataclass(frozen=True, slots=True)
class Quotas:
    """What everybody may who has no limits of their own; the settings of the same names say more."""

    videos_at_once: int = 5
    waiting_videos: int = 1000
    waiting_videos_of_all: int = 100_000
    monthly_seconds: int | None = None
    templates: int = 100

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            videos_at_once=settings.videos_at_once_per_user,
            waiting_videos=settings.max_waiting_videos_per_user,
            waiting_videos_of_all=settings.max_waiting_videos,
            monthly_seconds=settings.monthly_seconds_per_user,
            templates=settings.max_templates_per_user,
        )


STANDARD = Quotas()
"""Those of a server whose settings say nothing."""


class OwnLimits(NamedTuple):
    """What a user's row says; None leaves it to the quotas."""

    concurrent: int | None
    monthly_seconds: int | None


@dataclass(slots=True)
class Room:
    """What a user may still ask for; `take` as it is asked for."""

    waiting_limit: int
    waiting: int
    seconds_limit: int | None
    seconds: float
    """Of this month: what is finished, and what the videos that are not are reckoned to play."""
    places: int
    """How many more videos the whole server lets wait."""

    def take(self, seconds: float, *, videos: int = 1) -> None:
        """
        Raises:
            InvalidInput: LIMIT_EXCEEDED; nothing is taken.
        """
        if self.waiting + videos > self.waiting_limit:
            message = (
                f"You have {self.waiting:,} videos waiting, as many as may; wait until some are rendered, "
                "or cancel some."
            )
            raise InvalidInput.one(UserErrorCode.LIMIT_EXCEEDED, message)
        if videos > self.places:
            message = (
                "The server has as many videos waiting as it takes in. Come again in some minutes; "
                "those that wait are rendered in their turn."
            )
            raise InvalidInput.one(UserErrorCode.LIMIT_EXCEEDED, message)
        if self.seconds_limit is not None and self.seconds + seconds > self.seconds_limit:
            message = (
                f"This video would play about {seconds:.0f} seconds. Of this month's {self.seconds_limit:,}, "
                f"{self.seconds:,.0f} are used or asked for; a new month begins on the first, in UTC."
            )
            raise InvalidInput.one(UserErrorCode.LIMIT_EXCEEDED, message)
        self.waiting += videos
        self.places -= videos
        self.seconds += seconds


async def hold(session: AsyncSession, user_id: UUID) -> OwnLimits | None:
    """Keep others from counting for this user until the transaction ends; None when there is no such user.

    To be called before any row of the user's is locked: all take locks in this order, so none wait in a ring.
    """
    # FOR NO KEY UPDATE: the inserts of others' rows that refer to the user need not wait.
    held = (
        select(col(User.concurrent_limit), col(User.monthly_seconds_limit))
        .where(col(User.id) == user_id)
        .with_for_update(key_share=True)
    )
    row = (await session.execute(held)).one_or_none()
    return None if row is None else OwnLimits(row[0], row[1])


async def room_of(
    session: AsyncSession, user_id: UUID, quotas: Quotas, now: datetime, *, besides: UUID | None = None
) -> Room:
    """What is left to a user, who is held from here on; the video `besides` is not counted.

    Raises:
        Unauthenticated: the account has been removed meanwhile.
    """
    own = await hold(session, user_id)
    if own is None:
        raise Unauthenticated("This account is no more.")
    limit = quotas.monthly_seconds if own.monthly_seconds is None else own.monthly_seconds
    to_come = select(
        func.coalesce(func.sum(case((col(Video.status) == VideoStatus.PENDING, 1), else_=0)), 0),
        func.coalesce(func.sum(col(Video.estimated_seconds)), 0.0),
    ).where(col(Video.owner_id) == user_id, IS_UNFINISHED, col(Video.deleted_at).is_(None))
    if besides is not None:
        to_come = to_come.where(col(Video.id) != besides)
    waiting, seconds = (await session.execute(to_come)).one()
    if limit is not None:
        seconds += await month_seconds(session, user_id, now)
    # No further than to the limit: counting is quick as long as few wait.
    counted = select(col(Video.id)).where(IS_WAITING).limit(quotas.waiting_videos_of_all).subquery()
    taken = (await session.execute(select(func.count()).select_from(counted))).scalar_one()
    return Room(quotas.waiting_videos, waiting, limit, seconds, quotas.waiting_videos_of_all - taken)


async def month_seconds(session: AsyncSession, user_id: UUID, now: datetime) -> float:
    """What the user's videos that were finished this month came to."""
    used = select(col(Usage.seconds_rendered)).where(
        col(Usage.owner_id) == user_id, col(Usage.month) == month_of(now)
    )
    return (await session.execute(used)).scalar_one_or_none() or 0.0


def month_of(instant: datetime) -> str:
    """As `usage.month` has it; the instant is in UTC."""
    return f"{instant:%Y-%m}"
