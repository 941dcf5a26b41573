"""What the database knows of the server's work, counted when an operator asks.

It is the same whichever process is asked: told once for all by whoever is scraped, and never added up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from heygen_graphql.database import Database
from heygen_graphql.presence import seen_lately
from heygen_graphql.tables import (
    User,
    Video,
    VideoStatus,
    WebhookDelivery,
    WebhookDeliveryStatus,
)
from heygen_graphql.videos import Quotas


@dataclass(frozen=True, slots=True)
class Stock:
    ready: int
    """Videos that a free worker may begin ..."""
    held_back: int
    """... and that wait because their owner has as many under way as they may, or may not sign in ..."""
    put_off: int
    """... and that wait for the time of their next try."""
    oldest_ready_seconds: float
    deliveries: int
    """To webhooks, that are not at their end."""
    oldest_due_seconds: float
    """How long the delivery that has been due for longest has been."""
    workers: int
    """Processes that render, seen lately."""
    renders_at_once: int
    """How many videos these render together."""


async def take_stock(database: Database, quotas: Quotas) -> Stock:
    async with database.reading() as session:
        now = await database.now(session)
        ready, held_back, oldest = await _waiting(session, quotas, now)
        put_off = await session.scalar(select(func.count()).where(_is_pending(), col(Video.queued_at) > now))
        deliveries, due_at = (
            await session.execute(
                select(func.count(), func.min(col(WebhookDelivery.next_attempt_at))).where(
                    col(WebhookDelivery.status) == WebhookDeliveryStatus.PENDING
                )
            )
        ).one()
    seen = await seen_lately(database)
    return Stock(
        ready=ready,
        held_back=held_back,
        put_off=put_off or 0,
        oldest_ready_seconds=_age(now, oldest),
        deliveries=deliveries,
        oldest_due_seconds=_age(now, due_at),
        workers=seen.processes,
        renders_at_once=seen.renders_at_once,
    )


async def _waiting(session: AsyncSession, quotas: Quotas, now: datetime) -> tuple[int, int, datetime | None]:
    """How many may begin and how many stand back, and since when the first of those that may has waited."""
    is_silent = col(Video.lease_expires_at) <= now
    processing = and_(col(Video.status) == VideoStatus.PROCESSING, col(Video.deleted_at).is_(None))
    running = await session.execute(
        select(col(Video.owner_id), func.count().label("count_"))
        .where(processing, ~is_silent)
        .group_by(col(Video.owner_id))
    )
    under_way = {row.owner_id: row.count_ for row in running}
    lost, lost_at = (
        await session.execute(
            select(func.count(), func.min(col(Video.lease_expires_at))).where(processing, is_silent)
        )
    ).one()
    queues = await session.execute(
        select(
            col(Video.owner_id),
            func.count(),
            func.min(col(Video.queued_at)),
            col(User.concurrent_limit),
            col(User.is_active),
        )
        .join(User, col(User.id) == col(Video.owner_id))
        .where(_is_pending(), col(Video.queued_at) <= now)
        .group_by(col(Video.owner_id), col(User.concurrent_limit), col(User.is_active))
    )
    ready, held_back = lost, 0
    begun = [] if lost_at is None else [lost_at]
    for owner_id, count, oldest, own_limit, is_active in queues:
        limit = quotas.videos_at_once if own_limit is None else own_limit
        free = max(0, limit - under_way.get(owner_id, 0)) if is_active else 0
        ready += min(count, free)
        held_back += max(0, count - free)
        if free:
            begun.append(oldest)
    return ready, held_back, min(begun, default=None)


def _is_pending() -> ColumnElement[bool]:
    return and_(col(Video.status) == VideoStatus.PENDING, col(Video.deleted_at).is_(None))


def _age(now: datetime, since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def exposition(stock: Stock | None) -> bytes:
    """As Prometheus reads it; None when the database did not tell."""
    registry = CollectorRegistry()
    registry.register(_Told(stock))
    return generate_latest(registry)


@dataclass(frozen=True, slots=True)
class _Told:
    stock: Stock | None

    def collect(self) -> Iterator[Metric]:
        stock = self.stock
        yield GaugeMetricFamily(
            "database_reachable", "1 when the database answered this scrape, else 0.", value=stock is not None
        )
        if stock is None:
            # Left out: what was true before the database went away is not told as if it were.
            return
        depth = GaugeMetricFamily(
            "render_queue_depth",
            "Videos that wait for a render, by state: ready, held_back (their owner has as many under way as "
            "they may), put_off (until the time of their next try).",
            labels=["state"],
        )
        depth.add_metric(["ready"], stock.ready)
        depth.add_metric(["held_back"], stock.held_back)
        depth.add_metric(["put_off"], stock.put_off)
        yield depth
        yield GaugeMetricFamily(
            "render_queue_oldest_seconds",
            "How long the first of the videos that are ready has waited.",
            value=stock.oldest_ready_seconds,
        )
        yield GaugeMetricFamily(
            "webhook_deliveries_waiting", "Webhook deliveries not at their end.", value=stock.deliveries
        )
        yield GaugeMetricFamily(
            "webhook_oldest_due_seconds",
            "How long the webhook delivery that is due has been waiting to be sent.",
            value=stock.oldest_due_seconds,
        )
        yield GaugeMetricFamily("workers_seen", "Processes that render, seen lately.", value=stock.workers)
        yield GaugeMetricFamily(
            "render_slots", "Videos that the workers seen lately render at once.", value=stock.renders_at_once
        )
