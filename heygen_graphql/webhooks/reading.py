"""Deliveries looked up and listed; only ever an owner's own."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from heygen_graphql.database import Database
from heygen_graphql.paging import Page, Window, newest_first
from heygen_graphql.tables import WebhookDelivery, WebhookDeliveryStatus

_NEWEST_FIRST = newest_first("deliveries", WebhookDelivery)


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
    async with database.reading() as session:
        rows = (await session.scalars(_NEWEST_FIRST.within(_matching(owner_id, matching), window))).all()
    return _NEWEST_FIRST.page(rows, window)


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
