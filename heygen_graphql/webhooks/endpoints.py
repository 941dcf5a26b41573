"""Webhooks themselves: made, changed, given new secrets, tried, removed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from heygen_graphql.changes import KEEP, Keep
from heygen_graphql.database import Database
from heygen_graphql.errors import Fault, InvalidInput, UserErrorCode
from heygen_graphql.tables import User, Webhook, WebhookDelivery, WebhookDeliveryStatus
from heygen_graphql.webhooks import events
from heygen_graphql.webhooks.deliveries import end_waiting, new_message_id
from heygen_graphql.webhooks.events import WebhookEvent
from heygen_graphql.webhooks.signing import new_secret
from heygen_graphql.webhooks.targets import Targets, UnusableUrl

PREVIOUS_SECRET_LASTS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WebhookChanges:
    """What to change; None is what a caller gave who meant nothing by it, and a fault."""

    url: str | Keep | None = KEEP
    events: Sequence[WebhookEvent] | Keep | None = KEEP
    is_active: bool | Keep | None = KEEP


async def create(
    database: Database,
    targets: Targets,
    owner_id: UUID,
    *,
    url: str,
    wanted: Sequence[WebhookEvent],
    max_per_owner: int,
) -> Webhook:
    """An active webhook; its `secret` is to be shown to its owner this once.

    Raises:
        InvalidInput: carries every fault of `url` and `events`; LIMIT_EXCEEDED.
    """
    checked, faults = await _check_url(targets, url)
    faults += _event_faults(wanted)
    if faults:
        raise InvalidInput(faults)
    async with database.transaction() as session:
        # Held, so that two calls at once do not both find the last place free.
        await session.execute(select(User.id).where(User.id == owner_id).with_for_update(key_share=True))
        count = await session.scalar(select(func.count()).where(Webhook.owner_id == owner_id)) or 0
        if count >= max_per_owner:
            message = f"You have {count} webhooks, and no more are kept. Delete one, or change it."
            raise InvalidInput.one(UserErrorCode.LIMIT_EXCEEDED, message)
        now = await database.now(session)
        webhook = Webhook(
            owner_id=owner_id,
            url=checked,
            events=[event.value for event in wanted],
            secret=new_secret(),
            created_at=now,
            updated_at=now,
        )
        session.add(webhook)
    return webhook


async def change(
    database: Database, targets: Targets, owner_id: UUID, webhook_id: UUID, changes: WebhookChanges
) -> Webhook:
    """What a webhook that is switched off was still to get is given up.

    Raises:
        InvalidInput: NOT_FOUND, or every fault of the changes.
    """
    async with database.reading() as session:
        _found(await session.get(Webhook, webhook_id), owner_id)
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    given = {"url": changes.url, "events": changes.events, "isActive": changes.is_active}
    for name, value in given.items():
        if value is None:
            message = "It cannot be removed. Leave it out to keep it as it is."
            faults.append(Fault(UserErrorCode.REQUIRED, message, (name,)))
    if isinstance(changes.url, str):
        values["url"], url_faults = await _check_url(targets, changes.url)
        faults += url_faults
    if changes.events is not None and not isinstance(changes.events, Keep):
        values["events"] = [event.value for event in changes.events]
        faults += _event_faults(changes.events)
    if isinstance(changes.is_active, bool):
        values["is_active"] = changes.is_active
    if faults:
        raise InvalidInput(faults)
    async with database.transaction() as session:
        webhook = await _locked(session, owner_id, webhook_id)
        webhook.sqlmodel_update(values | {"updated_at": await database.now(session)})
        if not webhook.is_active:
            await end_waiting(session, webhook_id)
    return webhook


async def rotate(database: Database, owner_id: UUID, webhook_id: UUID) -> Webhook:
    """Give it a new secret; the one before signs beside it for a day.

    Raises:
        InvalidInput: NOT_FOUND.
    """
    async with database.transaction() as session:
        webhook = await _locked(session, owner_id, webhook_id)
        now = await database.now(session)
        webhook.previous_secret, webhook.secret = webhook.secret, new_secret()
        webhook.previous_secret_expires_at = now + PREVIOUS_SECRET_LASTS
        webhook.updated_at = now
    return webhook


async def delete(database: Database, owner_id: UUID, webhook_id: UUID) -> UUID:
    """Remove it and its log. What is being sent at this moment may still arrive.

    Raises:
        InvalidInput: NOT_FOUND.
    """
    async with database.transaction() as session:
        await session.delete(await _locked(session, owner_id, webhook_id))
    return webhook_id


async def send_ping(database: Database, owner_id: UUID, webhook_id: UUID) -> WebhookDelivery:
    """
    Raises:
        InvalidInput: NOT_FOUND; INVALID when it is switched off.
    """
    async with database.transaction() as session:
        webhook = _switched_on(await _locked(session, owner_id, webhook_id))
        now = await database.now(session)
        payload = events.ping(webhook_id, now)
        delivery = _delivery(webhook, now, new_message_id(), WebhookEvent.PING, payload)
        session.add(delivery)
    return delivery


async def replay(database: Database, owner_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """A new delivery of the same message to where its webhook leads now.

    Raises:
        InvalidInput: NOT_FOUND; INVALID while it is on its way, or when the webhook is switched off.
    """
    async with database.transaction() as session:
        first = await session.get(WebhookDelivery, delivery_id)
        if first is None or first.owner_id != owner_id:
            raise InvalidInput.one(UserErrorCode.NOT_FOUND, "You have no webhook delivery of this id.", "id")
        if first.status is WebhookDeliveryStatus.PENDING:
            message = "It is still on its way: look at `nextAttemptAt`. Replay it once it has ended."
            raise InvalidInput.one(UserErrorCode.INVALID, message, "id")
        webhook = _switched_on(await _locked(session, owner_id, first.webhook_id))
        now = await database.now(session)
        delivery = _delivery(webhook, now, first.message_id, first.event, first.payload)
        session.add(delivery)
    return delivery


async def by_ids(database: Database, owner_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Webhook]:
    async with database.reading() as session:
        owned = select(Webhook).where(Webhook.owner_id == owner_id, col(Webhook.id).in_(list(ids)))
        return {webhook.id: webhook for webhook in await session.scalars(owned)}


async def of_owner(database: Database, owner_id: UUID) -> list[Webhook]:
    """All of them, oldest first."""
    async with database.reading() as session:
        owned = select(Webhook).where(Webhook.owner_id == owner_id)
        return list(await session.scalars(owned.order_by(col(Webhook.created_at), col(Webhook.id))))


def _delivery(
    webhook: Webhook, now: datetime, message_id: str, event: str, payload: dict[str, Any]
) -> WebhookDelivery:
    return WebhookDelivery(
        owner_id=webhook.owner_id,
        webhook_id=webhook.id,
        message_id=message_id,
        event=event,
        payload=payload,
        next_attempt_at=now,
        created_at=now,
    )


async def _check_url(targets: Targets, url: str) -> tuple[str, list[Fault]]:
    try:
        return await targets.check(url), []
    except UnusableUrl as error:
        return "", [Fault(error.code, str(error), ("url",))]


def _event_faults(wanted: Sequence[WebhookEvent]) -> list[Fault]:
    if not wanted:
        message = "No event is given. Name at least one."
        return [Fault(UserErrorCode.TOO_SHORT, message, ("events",))]
    return [
        Fault(UserErrorCode.INVALID, f"{event} is given twice. Name each event once.", ("events", str(place)))
        for place, event in enumerate(wanted)
        if event in wanted[:place]
    ][:1]


async def _locked(session: AsyncSession, owner_id: UUID, webhook_id: UUID) -> Webhook:
    return _found(await session.get(Webhook, webhook_id, with_for_update=True), owner_id)


def _found(webhook: Webhook | None, owner_id: UUID) -> Webhook:
    if webhook is None or webhook.owner_id != owner_id:
        raise InvalidInput.one(UserErrorCode.NOT_FOUND, "You have no webhook of this id.", "id")
    return webhook


def _switched_on(webhook: Webhook) -> Webhook:
    if not webhook.is_active:
        message = "The webhook is switched off. Switch it on with updateWebhook first."
        raise InvalidInput.one(UserErrorCode.INVALID, message, "id")
    return webhook
