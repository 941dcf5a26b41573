"""A delivery's way: claimed for one attempt, then delivered, put off, or failed for good.

A claim is a lease on the database's clock. Who records an attempt says which it was, so a process that slept
past its lease can undo nothing of its successor's.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.tables import User, Video, VideoEvent, Webhook, WebhookDelivery, WebhookDeliveryStatus
from heygen_graphql.webhooks.schedule import AT_ONCE, PER_WEBHOOK, Due, choose, next_gap
from heygen_graphql.webhooks.sending import GONE, Outcome

_CANDIDATES = 4 * AT_ONCE
_BATCH = 1000

SWITCHED_OFF = "The webhook was switched off."
_INTERRUPTED = "The server stopped while it tried for the last time."


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to make one attempt, until `until`."""

    due: Due
    attempt: int
    until: datetime
    url: str
    secrets: tuple[str, ...]
    message_id: str
    body: str
    request_id: str | None = None
    """Of the request that asked for the video's render ..."""
    trace_parent: str | None = None
    """... and its place in a trace."""


def new_message_id() -> str:
    return f"msg_{uuid4().hex}"


async def claim(
    database: Database, sending: Collection[Due], *, max_attempts: int, lease_seconds: float
) -> list[Claim]:
    """Take what is due and may be sent beside `sending`."""
    async with database.reading() as session:
        chosen = choose(await _due(session, await database.now(session), sending), sending)
    if not chosen:
        return []

    async def take(session: AsyncSession) -> list[Claim]:
        now = await database.now(session)
        found = await session.execute(
            select(WebhookDelivery, Webhook, User, col(Video.request_id), col(Video.trace_parent))
            .join(Webhook, col(Webhook.id) == col(WebhookDelivery.webhook_id))
            .join(User, col(User.id) == col(Webhook.owner_id))
            .outerjoin(VideoEvent, col(VideoEvent.id) == col(WebhookDelivery.video_event_id))
            .outerjoin(Video, col(Video.id) == col(VideoEvent.video_id))
            .where(col(WebhookDelivery.id).in_([one.id for one in chosen]), _is_due(now))
            .with_for_update(of=WebhookDelivery, skip_locked=True)
        )
        claims = []
        for delivery, webhook, owner, request_id, trace_parent in found:
            if not (webhook.is_active and owner.is_active):
                end(delivery, SWITCHED_OFF)
            elif delivery.attempts >= max_attempts:
                end(delivery, _INTERRUPTED)
            else:
                delivery.attempts += 1
                delivery.next_attempt_at = now + timedelta(seconds=lease_seconds)
                claim = _claim_of(delivery, webhook, now)
                claims.append(replace(claim, request_id=request_id, trace_parent=trace_parent))
        return claims

    # What a lost answer claimed unheard of falls due again when its lease runs out.
    return await database.retrying(take)


async def record(
    database: Database, claim: Claim, outcome: Outcome, gaps_seconds: Sequence[float]
) -> WebhookDeliveryStatus | None:
    """Write down what came of an attempt, and the status that follows; None when it was not ours any more."""

    async def write(session: AsyncSession) -> WebhookDeliveryStatus | None:
        if outcome.status == GONE:
            # Held before its deliveries, as by all who change both: none wait for each other in a ring.
            await session.get(Webhook, claim.due.webhook_id, with_for_update={"key_share": True})
        now = await database.now(session)
        values: dict[str, object] = {
            "response_status": outcome.status,
            "failure": outcome.failure,
            "next_attempt_at": None,
        }
        if outcome.failure is None:
            # True whoever may have taken over meanwhile.
            condition = and_(
                col(WebhookDelivery.id) == claim.due.id,
                col(WebhookDelivery.status) == WebhookDeliveryStatus.PENDING,
            )
            status = WebhookDeliveryStatus.DELIVERED
            values["delivered_at"] = now
        else:
            condition = _still_mine(claim)
            gap = None if outcome.status == GONE else next_gap(claim.attempt, gaps_seconds)
            status = WebhookDeliveryStatus.FAILED if gap is None else WebhookDeliveryStatus.PENDING
            values["next_attempt_at"] = None if gap is None else now + gap
        written = await session.execute(
            update(WebhookDelivery)
            .where(condition)
            .values(status=status, **values)
            .returning(col(WebhookDelivery.id))
        )
        if written.first() is None:
            return None
        if outcome.status == GONE:
            # Of this URL: should its owner have given another meanwhile, that one has said nothing.
            gone = update(Webhook).where(
                col(Webhook.id) == claim.due.webhook_id, col(Webhook.url) == claim.url
            )
            turned = await session.execute(
                gone.values(is_active=False, updated_at=now).returning(col(Webhook.id))
            )
            if turned.first() is not None:
                await end_waiting(session, claim.due.webhook_id)
        return status

    return await database.retrying(write)


async def end_waiting(session: AsyncSession, webhook_id: UUID) -> None:
    """Give up what has not been delivered to a webhook that is switched off."""
    await session.execute(
        update(WebhookDelivery)
        .where(
            col(WebhookDelivery.webhook_id) == webhook_id,
            col(WebhookDelivery.status) == WebhookDeliveryStatus.PENDING,
        )
        .values(status=WebhookDeliveryStatus.FAILED, failure=SWITCHED_OFF, next_attempt_at=None)
    )


async def give_back(database: Database, claims: Sequence[Claim]) -> None:
    """Let others make these attempts, now; they count as not made."""

    # Each by itself: none is held while another is waited for.
    for claim in claims:
        async with database.transaction() as session:
            await session.execute(
                update(WebhookDelivery)
                .where(_still_mine(claim))
                .values(attempts=claim.attempt - 1, next_attempt_at=await database.now(session))
            )


async def forget_old(database: Database, *, days: int) -> None:
    """Remove what has been at its end, or was begun, longer ago than the log goes back."""
    while True:
        async with database.reading() as session:
            old = (
                col(WebhookDelivery.created_at) < await database.now(session) - timedelta(days=days),
                col(WebhookDelivery.status) != WebhookDeliveryStatus.PENDING,
            )
            ids = list(await session.scalars(select(col(WebhookDelivery.id)).where(*old).limit(_BATCH)))
        if not ids:
            return
        async with database.transaction() as session:
            # Another process may be at it, or their owner be removing them with the webhook.
            free = select(col(WebhookDelivery.id)).where(col(WebhookDelivery.id).in_(ids), *old)
            free = free.with_for_update(skip_locked=True)
            await session.execute(delete(WebhookDelivery).where(col(WebhookDelivery.id).in_(free)))


async def _due(session: AsyncSession, now: datetime, sending: Collection[Due]) -> list[Due]:
    busy = {one.webhook_id for one in sending if _count(sending, one.webhook_id) >= PER_WEBHOOK}
    place = func.row_number().over(
        partition_by=col(WebhookDelivery.webhook_id),
        order_by=(col(WebhookDelivery.next_attempt_at), col(WebhookDelivery.id)),
    )
    ranked = (
        select(
            col(WebhookDelivery.id),
            col(WebhookDelivery.webhook_id),
            col(WebhookDelivery.owner_id),
            col(WebhookDelivery.next_attempt_at),
            place.label("place"),
        )
        .where(_is_due(now), col(WebhookDelivery.webhook_id).not_in(busy))
        .subquery()
    )
    # The first few of each webhook: a thousand that wait for one do not hide another's.
    first = (
        select(ranked.c.id, ranked.c.webhook_id, ranked.c.owner_id)
        .where(ranked.c.place <= PER_WEBHOOK)
        .order_by(ranked.c.place, ranked.c.next_attempt_at, ranked.c.id)
        .limit(_CANDIDATES)
    )
    return [Due(row.id, row.webhook_id, row.owner_id) for row in await session.execute(first)]


def _count(sending: Collection[Due], webhook_id: UUID) -> int:
    return sum(one.webhook_id == webhook_id for one in sending)


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(
        col(WebhookDelivery.status) == WebhookDeliveryStatus.PENDING,
        col(WebhookDelivery.next_attempt_at) <= now,
    )


def _still_mine(claim: Claim) -> ColumnElement[bool]:
    return and_(
        col(WebhookDelivery.id) == claim.due.id,
        col(WebhookDelivery.status) == WebhookDeliveryStatus.PENDING,
        col(WebhookDelivery.attempts) == claim.attempt,
        col(WebhookDelivery.next_attempt_at) == claim.until,
    )


def _claim_of(delivery: WebhookDelivery, webhook: Webhook, now: datetime) -> Claim:
    assert delivery.next_attempt_at is not None
    secrets = [webhook.secret]
    expires_at = webhook.previous_secret_expires_at
    if webhook.previous_secret is not None and expires_at is not None and expires_at > now:
        secrets.append(webhook.previous_secret)
    return Claim(
        due=Due(delivery.id, delivery.webhook_id, delivery.owner_id),
        attempt=delivery.attempts,
        until=delivery.next_attempt_at,
        url=webhook.url,
        secrets=tuple(secrets),
        message_id=delivery.message_id,
        # The same bytes at every attempt.
        body=json.dumps(delivery.payload, ensure_ascii=False, separators=(",", ":")),
    )


def end(delivery: WebhookDelivery, failure: str) -> None:
    delivery.status = WebhookDeliveryStatus.FAILED
    delivery.failure = failure
    delivery.next_attempt_at = None
