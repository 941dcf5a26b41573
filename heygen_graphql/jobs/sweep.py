"""What nobody else will do: hint again what was lost, fail what is hopeless, remove what is deleted.

Any number of processes may sweep at once. A sweep only ever sends hints and makes changes that look at
the row first, so it can be too late but not wrong.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, case, delete, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from heygen_graphql import assets, webhooks
from heygen_graphql.database import is_passing_fault
from heygen_graphql.jobs import claiming, deciding, segments
from heygen_graphql.jobs.attempt import Workplace, remove_files_before
from heygen_graphql.jobs.broker import Queue
from heygen_graphql.jobs.closing import clear_closed_accounts
from heygen_graphql.jobs.directories import remove_leftovers
from heygen_graphql.observability import VIDEOS_ENDED
from heygen_graphql.tables import IdempotencyKey, Session, Video, VideoStatus
from heygen_graphql.videos import Quotas, lined_up

_HEAD_OF_QUEUE = 64
"""Only the oldest are hinted again: the workers' next ones are among them, and a long queue does not fill
the broker with a message for every video every half minute."""

_BATCH = 100
_KEYS_LAST = timedelta(days=1)
_HOUSEKEEPING_SECONDS = 60.0

_log = structlog.get_logger(__name__)


async def sweep_forever(place: Workplace, queue: Queue) -> None:
    """Sweep now and every `sweep_seconds`; a duty that fails is logged and done next time."""
    next_housekeeping = 0.0
    while True:
        for duty in _DUTIES:
            await _do(duty, place, queue)
        if time.monotonic() >= next_housekeeping:
            next_housekeeping = time.monotonic() + _HOUSEKEEPING_SECONDS
            for duty in _HOUSEKEEPING:
                await _do(duty, place, queue)
        await asyncio.sleep(place.settings.sweep_seconds)


async def _do(duty: Callable[[Workplace, Queue], Awaitable[None]], place: Workplace, queue: Queue) -> None:
    try:
        await duty(place, queue)
    except Exception as error:
        if is_passing_fault(error):
            _log.warning("sweep_put_off", duty=duty.__name__, error=str(error))
        else:
            _log.exception("sweep_failed", duty=duty.__name__)


async def hint_waiting(place: Workplace, queue: Queue) -> None:
    """Hint the oldest videos that wait or whose worker went silent, unless they were hinted lately.

    Those that are held back, because their owner has as many under way as they may, are left out: they
    would keep everybody else's from the head of the queue.
    """
    await _hint(place, queue)


async def hint_held_back(place: Workplace, queue: Queue, ended_id: UUID) -> None:
    """Hint those that had been held back until a video of the same owner's, this one, ended."""
    await _hint(place, queue, col(Video.hinted_at).is_(None), owner_of=ended_id)


async def _hint(
    place: Workplace, queue: Queue, *conditions: ColumnElement[bool], owner_of: UUID | None = None
) -> None:
    database = place.database
    async with database.reading() as session:
        now = await database.now(session)
        waiting = lined_up(now, Quotas.of(place.settings), owner_of=owner_of)
        ready_at = case(
            (col(Video.status) == VideoStatus.PENDING, col(Video.queued_at)),
            else_=col(Video.lease_expires_at),
        )
        rows = await session.execute(
            select(col(Video.id), col(Video.hinted_at), ready_at)
            .join(waiting, waiting.c.id == col(Video.id))
            .where(
                _is_adrift(now),
                col(Video.attempt) < place.settings.render_max_attempts,
                waiting.c.may_begin,
                *conditions,
            )
            .order_by(col(Video.queued_at), col(Video.id))
            .limit(_HEAD_OF_QUEUE)
        )
        due = deciding.due_hints([(row[0], row[1], row[2]) for row in rows], now)
    if not due:
        return

    async def take(session: AsyncSession) -> set[UUID]:
        # Looked at anew: a worker may have claimed one meanwhile, whose next hint is then due at the end
        # of its lease, and another's sweep may have come first.
        taken = await session.scalars(
            update(Video)
            .where(
                col(Video.id).in_(due),
                _is_adrift(now),
                or_(col(Video.hinted_at).is_(None), col(Video.hinted_at) <= now),
            )
            .values(hinted_at=now + deciding.HINT_AGAIN_AFTER)
            .returning(col(Video.id))
        )
        return set(taken)

    to_hint = await database.retrying(take)
    for video_id in due:
        if video_id in to_hint:
            await queue.hint(video_id)


async def fail_abandoned(place: Workplace, _queue: Queue) -> None:
    """End the videos that took a worker with them too often."""
    max_attempts = place.settings.render_max_attempts
    async with place.database.reading() as session:
        now = await place.database.now(session)
        hopeless = await session.scalars(
            select(col(Video.id)).where(_is_adrift(now), col(Video.attempt) >= max_attempts).limit(_BATCH)
        )
        video_ids = list(hopeless)
    if video_ids:
        for change in await claiming.abandon(place.database, video_ids, max_attempts=max_attempts):
            VIDEOS_ENDED.labels(VideoStatus.FAILED).inc()
            await place.hub.publish(change)


async def purge_deleted(place: Workplace, _queue: Queue) -> None:
    """Remove deleted videos' files, then their rows."""
    async with place.database.reading() as session:
        now = await place.database.now(session)
        condition = _may_be_purged(now, place.settings.lease_seconds)
        video_ids = list(await session.scalars(select(col(Video.id)).where(condition).limit(_BATCH)))
    for video_id in video_ids:
        await purge(place, video_id)


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


async def forget_expired(place: Workplace, _queue: Queue) -> None:
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
        async with place.database.transaction() as session:
            for table, condition in expired.items():
                await session.execute(delete(table).where(condition))


async def clear_work(place: Workplace, _queue: Queue) -> None:
    """Remove what processes that are gone have left in the work directory."""
    await asyncio.to_thread(remove_leftovers, place.work)


_DUTIES = (hint_waiting, fail_abandoned, clear_closed_accounts, purge_deleted)


async def sweep_assets(place: Workplace, _queue: Queue) -> None:
    """Remove uploads that were given up, previews that have been heard, and what crashes left of both."""
    await assets.sweep(place.database, place.storage)


_HOUSEKEEPING = (clear_work, forget_expired, sweep_assets)


def _is_adrift(now: datetime) -> ColumnElement[bool]:
    """`deciding.is_adrift` as a condition, less those whose back-off has not ended."""
    return and_(
        col(Video.deleted_at).is_(None),
        or_(
            and_(col(Video.status) == VideoStatus.PENDING, col(Video.queued_at) <= now),
            and_(col(Video.status) == VideoStatus.PROCESSING, col(Video.lease_expires_at) <= now),
        ),
    )


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
