"""Deliveries looked up and listed; only ever an owner's own."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from heygen_graphql.database import Database
from heygen_graphql.paging import (
    Page,
    Window,
    decode_cursor,
    decode_instant,
    decode_uuid,
    encode_cursor,
    page_of,
)
from heygen_graphql.tables import WebhookDelivery, WebhookDeliveryStatus

_ORDER = "deliveries"


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    webhook_id: UUID | None = None
    status: WebhookDeliveryStatus | None = None


async def deliveries_by_ids(
    database: Database, owner_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, WebhookDelivery]:
    async with database.reading() as session:
        owned = _matching(owner_id, DeliveryFilter()).where(col(WebhookDelivery.id).in_(list(ids)))
        return {delivery.id: delivery for delivery in await session.scalars(owned)}


async def page(
    database: Database, owner_id: UUID, matching: DeliveryFilter, window: Window
) -> Page[WebhookDelivery]:
    """Newest first.

    Raises:
        BadRequest: the cursor is of another list.
    """
    query = _matching(owner_id, matching)
    # Going backward through a descending list is reading it ascending.
    is_descending = not window.is_backward
    created_at, id_ = col(WebhookDelivery.created_at), col(WebhookDelivery.id)
    if window.cursor is not None:
        instant_part, id_part = decode_cursor(window.cursor, _ORDER, 2)
        instant, delivery_id = decode_instant(instant_part), decode_uuid(id_part)
        beyond = created_at < instant if is_descending else created_at > instant
        beyond_id = id_ < delivery_id if is_descending else id_ > delivery_id
        query = query.where(or_(beyond, and_(created_at == instant, beyond_id)))
    order = (created_at.desc(), id_.desc()) if is_descending else (created_at.asc(), id_.asc())
    async with database.reading() as session:
        rows = list(await session.scalars(query.order_by(*order).limit(window.size + 1)))
    cursors = [encode_cursor(_ORDER, row.created_at.isoformat(), str(row.id)) for row in rows]
    return page_of(rows, cursors, window)


async def count(database: Database, owner_id: UUID, matching: DeliveryFilter) -> int:
    async with database.reading() as session:
        counted = select(func.count()).select_from(_matching(owner_id, matching).subquery())
        return (await session.execute(counted)).scalar_one()


def _matching(owner_id: UUID, matching: DeliveryFilter) -> SelectOfScalar[WebhookDelivery]:
    query = select(WebhookDelivery).where(WebhookDelivery.owner_id == owner_id)
    if matching.webhook_id is not None:
        query = query.where(WebhookDelivery.webhook_id == matching.webhook_id)
    if matching.status is not None:
        query = query.where(WebhookDelivery.status == matching.status)
    return query
