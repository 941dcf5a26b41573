"""What nobody else will do: look for what no message told of, fail what is hopeless, remove what is deleted.

Any number of processes may sweep at once. A sweep only makes changes that look at the row first, so it can be
too late but not wrong.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, delete, inspect, literal, or_, select, tuple_
from sqlmodel import SQLModel, col

from heygen_graphql import assets, webhooks
from heygen_graphql.database import is_passing_fault
from heygen_graphql.errors import StorageAway
from heygen_graphql.jobs import claiming, scenes, segments
from heygen_graphql.jobs.attempt import Workplace, remove_files_before
from heygen_graphql.jobs.closing import clear_closed_accounts
from heygen_graphql.jobs.deciding import Terms
from heygen_graphql.jobs.directories import remove_leftovers
from heygen_graphql.jobs.orphans import sweep_orphans
from heygen_graphql.observability import VIDEOS_ENDED
from heygen_graphql.tables import IS_UNDER_WAY, IS_WAITING, IdempotencyKey, Session, Video, VideoStatus

_BATCH = 100
_EXPIRED_AT_ONCE = 10_000
_KEYS_LAST = timedelta(days=1)
_HOUSEKEEPING_SECONDS = 60.0
_PURGING_SECONDS = 5.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Steadiness:
    """Since when the database has answered this process without a pause.

    While it was away nobody could renew a lease: one that has run out by then says nothing of its worker, who
    is to be heard first.
    """

    since: float = field(default_factory=time.monotonic)
    heard_at: float = field(default_factory=time.monotonic)

    def note(self, *, has_answered: bool, patience_seconds: float) -> None:
        now = time.monotonic()
        if not has_answered or now - self.heard_at > patience_seconds:
            self.since = now
        self.heard_at = now

    def has_lasted(self, seconds: float) -> bool:
        return time.monotonic() - self.since >= seconds


async def sweep_forever(place: Workplace, steadiness: Steadiness, look: Callable[[], None]) -> None:
    """Sweep now and every `sweep_seconds`, and then have the process `look` for work.

    A duty that fails is logged and done next time.
    """
    settings = place.settings
    patience_seconds = settings.sweep_seconds + settings.lease_seconds / 2
    next_housekeeping = 0.0
    while True:
        duties = list(_DUTIES)
        if steadiness.has_lasted(settings.lease_seconds):
            duties.append(fail_given_up)
        if time.monotonic() >= next_housekeeping:
            next_housekeeping = time.monotonic() + _HOUSEKEEPING_SECONDS
            duties += _HOUSEKEEPING
        for duty in duties:
            has_answered = await _do(duty, place)
            steadiness.note(has_answered=has_answered, patience_seconds=patience_seconds)
        look()
        await asyncio.sleep(settings.sweep_seconds)


async def _do(duty: Callable[[Workplace], Awaitable[None]], place: Workplace) -> bool:
    """False when the database was away."""
    try:
        await duty(place)
    except StorageAway as error:
        _log.warning("sweep_put_off", duty=duty.__name__, error=error.reason)
    except Exception as error:
        if is_passing_fault(error):
            _log.warning("sweep_put_off", duty=duty.__name__, error=str(error))
            return False
        _log.exception("sweep_failed", duty=duty.__name__)
    return True


async def fail_given_up(place: Workplace) -> None:
    """End the videos that took a worker with them too often, or that were begun too often."""
    terms = Terms.of(place.settings)
    async with place.database.reading() as session:
        now = await place.database.now(session)
        is_lapsed = and_(IS_UNDER_WAY, col(Video.lease_expires_at) <= now, col(Video.deleted_at).is_(None))
        is_worn = col(Video.attempt) >= terms.max_attempts
        found = [
            await session.scalars(select(col(Video.id)).where(condition).limit(_BATCH))
            for condition in (
                and_(is_lapsed, or_(is_worn, col(Video.losses) + 1 >= terms.max_losses)),
                and_(IS_WAITING, col(Video.attempt) > 0, is_worn),
            )
        ]
        video_ids = [video_id for ids in found for video_id in ids]
    if video_ids:
        for change in await claiming.abandon(place.database, video_ids, terms):
            VIDEOS_ENDED.labels(VideoStatus.FAILED).inc()
            await place.hub.publish(change)


async def purge_deleted(place: Workplace) -> None:
    """Remove deleted videos' files, then their rows."""
    async with place.database.reading() as session:
        now = await place.database.now(session)
        condition = _may_be_purged(now, place.settings.lease_seconds)
        video_ids = list(await session.scalars(select(col(Video.id)).where(condition).limit(_BATCH)))
    ends_at = time.monotonic() + _PURGING_SECONDS
    for video_id in video_ids:
        await purge(place, video_id)
        if time.monotonic() > ends_at:
            # Other duties have their turn; this one goes on with the next sweep.
            return


async def purge(place: Workplace, video_id: UUID) -> None:
    """Remove a deleted video's files, then its row; does nothing while a worker may be writing to them."""
    async with place.database.reading() as session:
        now = await place.database.now(session)
        condition = and_(col(Video.id) == video_id, _may_be_purged(now, place.settings.lease_seconds))
        is_due = await session.scalar(select(col(Video.id)).where(condition))
    if is_due is None:
        return
    # In this order: a crash between the two leaves a row, by which the next sweep finds the rest.
    await place.storage.delete_prefix(claiming.all_files_prefix(video_id))
    async with place.database.transaction() as session:
        # Its events go with the row: what they had to tell is written down now.
        await webhooks.fan_out_last(place.database, session, video_id)
        await session.execute(delete(Video).where(condition))
    _log.info("video_purged", video_id=str(video_id))


async def clear_canceled(place: Workplace, video_id: UUID) -> None:
    """Remove what is stored of a canceled video: of a killed attempt, or of the film before a change."""
    async with place.database.reading() as session:
        canceled = and_(col(Video.id) == video_id, col(Video.status) == VideoStatus.CANCELED)
        fence = await session.scalar(select(col(Video.fence)).where(canceled))
    if fence is not None:
        # Should the owner retry it just now, the next attempt has a greater fence; the segments that it
        # then lacks it renders anew.
        await remove_files_before(place.storage, video_id, fence + 1)
        await segments.forget_all(place.storage, video_id)


async def forget_expired(place: Workplace) -> None:
    """Remove sessions that have ended and idempotency keys whose day is over."""
    async with place.database.reading() as session:
        now = await place.database.now(session)
        expired: dict[type[SQLModel], ColumnElement[bool]] = {
            Session: col(Session.expires_at) <= now,
            IdempotencyKey: col(IdempotencyKey.created_at) <= now - _KEYS_LAST,
        }
        found = [
            await session.scalar(select(literal(1)).select_from(table).where(condition).limit(1))
            for table, condition in expired.items()
        ]
    # Looked for first: on SQLite every transaction that may write holds up the others.
    if any(found):
        for table, condition in expired.items():
            async with place.database.transaction() as session:
                # Those that somebody else is just removing, as a changed password does, are left to them:
                # whoever waits for one row while holding others may be waited for in a ring.
                keys = list(inspect(table).primary_key)
                free = (
                    select(*keys).where(condition).limit(_EXPIRED_AT_ONCE).with_for_update(skip_locked=True)
                )
                await session.execute(delete(table).where(tuple_(*keys).in_(free)))


async def clear_work(place: Workplace) -> None:
    """Remove what processes that are gone have left in the work directory."""
    await asyncio.to_thread(remove_leftovers, place.work)


_DUTIES = (clear_closed_accounts, purge_deleted)


async def sweep_assets(place: Workplace) -> None:
    """Remove uploads that were given up, previews that have been heard, and what crashes left of both."""
    await assets.sweep(place.database, place.storage)


async def forget_plans(place: Workplace) -> None:
    """Remove what is left of the sharing of videos whose workers died."""
    await scenes.forget_fallen(place.database)


_HOUSEKEEPING = (clear_work, forget_expired, forget_plans, sweep_assets, sweep_orphans)


def _may_be_purged(now: datetime, lease_seconds: float) -> ColumnElement[bool]:
    # A worker that was rendering it may write files until it hears of the deletion, or is silent for a
    # lease; it removes them itself, but should it die just then, only this row knows of them.
    return and_(
        col(Video.deleted_at).is_not(None),
        or_(
            col(Video.started_at).is_(None),
            col(Video.completed_at).is_not(None),
            col(Video.deleted_at) <= now - timedelta(seconds=lease_seconds),
        ),
    )
