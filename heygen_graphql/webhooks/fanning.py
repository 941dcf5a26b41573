"""From what happened to videos to what is to be delivered: once for each event and webhook.

An event's row is its own note that this is still to be done. It is written with the change that it tells of,
and marked in the transaction that writes the deliveries.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.tables import (
    IS_TO_BE_DELIVERED,
    User,
    Video,
    VideoEvent,
    Webhook,
    WebhookDelivery,
)
from heygen_graphql.webhooks.deliveries import end, new_message_id
from heygen_graphql.webhooks.events import event_of, video_payload

MAX_WAITING = 1000
"""Deliveries that may wait for one webhook: a receiver that is slower than its events come, or away while
they do, takes no more room and no more looking through than that."""
_BATCH = 100
_FORGOTTEN_AT_ONCE = 1000
_TOO_MANY = f"{MAX_WAITING:,} deliveries to this webhook wait already. Replay this one when they have ended."


async def fan_out(database: Database) -> bool:
    """Write the deliveries of the oldest events that have none yet; False when there was no such event.

    Any number of processes may do it at once.
    """
    waiting = col(VideoEvent.fanned_out_at).is_(None)
    # Looked for first: on SQLite every transaction that may write holds up the others.
    async with database.reading() as session:
        if await session.scalar(select(col(VideoEvent.id)).where(waiting).limit(1)) is None:
            return False

    async def write(session: AsyncSession) -> int:
        return await _write(database, session, waiting, skip_locked=True)

    return await database.retrying(write) > 0


async def fan_out_last(database: Database, session: AsyncSession, video_id: UUID) -> None:
    """What is left to tell of a video whose row, and events, this transaction is about to remove."""
    waiting = col(VideoEvent.fanned_out_at).is_(None) & (col(VideoEvent.video_id) == video_id)
    while await _write(database, session, waiting, skip_locked=False):
        pass


async def forget_told(database: Database, *, days: int) -> None:
    """Remove the events that were told longer ago than the log of deliveries goes back."""
    while True:
        async with database.reading() as session:
            until = await database.now(session) - timedelta(days=days)
            # Only the first ones are looked at: they are the oldest.
            first = select(VideoEvent).order_by(col(VideoEvent.id)).limit(_FORGOTTEN_AT_ONCE).subquery()
            old = select(first.c.id).where(first.c.created_at < until, first.c.fanned_out_at.is_not(None))
            ids = list(await session.scalars(old))
        if not ids:
            return
        async with database.transaction() as session:
            free = select(col(VideoEvent.id)).where(col(VideoEvent.id).in_(ids))
            free = free.with_for_update(skip_locked=True)
            await session.execute(delete(VideoEvent).where(col(VideoEvent.id).in_(free)))


async def _write(
    database: Database, session: AsyncSession, waiting: ColumnElement[bool], *, skip_locked: bool
) -> int:
    found = await session.execute(
        select(VideoEvent, Video)
        .join(Video, col(Video.id) == col(VideoEvent.video_id))
        .where(waiting)
        .order_by(col(VideoEvent.id))
        .limit(_BATCH)
        .with_for_update(of=VideoEvent, skip_locked=skip_locked)
    )
    changes = [(change, video) for change, video in found]
    webhooks = await _webhooks_of(session, {video.owner_id for _, video in changes})
    heaps = await _heaps(session, [one.id for of_owner in webhooks.values() for one in of_owner])
    now = await database.now(session)
    refused = []
    for change, video in changes:
        change.fanned_out_at = now
        event = event_of(change.status)
        if event is None:
            continue
        for webhook in webhooks.get(video.owner_id, ()):
            if event in webhook.events and webhook.created_at <= change.created_at:
                delivery = WebhookDelivery(
                    owner_id=webhook.owner_id,
                    webhook_id=webhook.id,
                    message_id=new_message_id(),
                    event=event,
                    video_event_id=change.id,
                    payload=video_payload(event, change, video),
                    next_attempt_at=now,
                    created_at=now,
                )
                heaps[webhook.id] = heaps.get(webhook.id, 0) + 1
                if heaps[webhook.id] > MAX_WAITING:
                    refused.append(delivery)
                session.add(delivery)
    await session.flush()
    # Only now: of a new row the columns' defaults take the place of None.
    for delivery in refused:
        end(delivery, _TOO_MANY)
    return len(changes)


async def _heaps(session: AsyncSession, webhook_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many deliveries wait for each of them; those for which none do are left out."""
    counted = select(col(WebhookDelivery.webhook_id), func.count()).where(
        col(WebhookDelivery.webhook_id).in_(webhook_ids), IS_TO_BE_DELIVERED
    )
    rows = await session.execute(counted.group_by(col(WebhookDelivery.webhook_id)))
    return {row[0]: row[1] for row in rows}


async def _webhooks_of(session: AsyncSession, owner_ids: set[UUID]) -> dict[UUID, list[Webhook]]:
    """The active ones, held against being deleted until the transaction ends."""
    found = await session.scalars(
        select(Webhook)
        .join(User, col(User.id) == col(Webhook.owner_id))
        .where(
            col(Webhook.owner_id).in_(owner_ids),
            col(Webhook.is_active).is_(True),
            col(User.is_active).is_(True),
            col(User.deleted_at).is_(None),
        )
        # In one order, as a closing account's are removed.
        .order_by(col(Webhook.id))
        .with_for_update(of=Webhook, read=True, key_share=True)
    )
    webhooks: dict[UUID, list[Webhook]] = {}
    for webhook in found:
        webhooks.setdefault(webhook.owner_id, []).append(webhook)
    return webhooks
