"""Webhooks, and what is on its way to them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import JSON as SqlJson
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlmodel import Field, SQLModel

from heygen_graphql.tables.columns import (
    UtcDateTime,
    enum_type,
    in_values,
    owner_column,
    utc_now,
)


class WebhookDeliveryStatus(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


IS_TO_BE_DELIVERED = text("status = 'PENDING'")
"""Of a delivery. The databases use the index for just these words."""


class Webhook(SQLModel, table=True):
    """Where an owner's events are sent."""

    __tablename__: ClassVar[str] = "webhooks"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=owner_column())
    url: str = Field(max_length=2000)
    events: list[str] = Field(sa_type=SqlJson)
    is_active: bool = True
    secret: str = Field(max_length=100)
    """As Standard Webhooks writes it: whsec_ and base64."""
    previous_secret: str | None = Field(default=None, max_length=100)
    previous_secret_expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Until then the previous secret signs, too."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)

    __table_args__ = (Index("ix_webhooks_owner_id_created_at_id", "owner_id", "created_at", "id"),)


class WebhookDelivery(SQLModel, table=True):
    """One event on its way to one webhook."""

    __tablename__: ClassVar[str] = "webhook_deliveries"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(sa_column=owner_column())
    webhook_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False)
    )
    message_id: str = Field(max_length=64)
    """The header webhook-id: a replay carries the first delivery's, so that a receiver can tell."""
    event: str = Field(max_length=30)
    video_event_id: int | None = None
    """What it tells of; None for a ping and a replay. The row may be gone: videos are deleted."""
    payload: dict[str, Any] = Field(sa_type=SqlJson)
    status: WebhookDeliveryStatus = Field(
        default=WebhookDeliveryStatus.PENDING, sa_type=enum_type(WebhookDeliveryStatus)
    )
    attempts: int = 0
    response_status: int | None = None
    """What the last attempt was answered with; None when there was no answer."""
    failure: str | None = Field(default=None, max_length=300)
    """Why the last attempt failed, in words."""
    next_attempt_at: datetime | None = Field(default_factory=utc_now, sa_type=UtcDateTime)
    """When it is due; while it is being sent, when it may be taken over. None when it is at its end."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        CheckConstraint(in_values("status", WebhookDeliveryStatus), name="status_known"),
        UniqueConstraint("webhook_id", "video_event_id"),
        Index("ix_webhook_deliveries_owner_id_created_at_id", "owner_id", "created_at", "id"),
        Index("ix_webhook_deliveries_status_next_attempt_at", "status", "next_attempt_at"),
        Index("ix_webhook_deliveries_created_at", "created_at"),
        Index(
            "ix_webhook_deliveries_waiting_webhook_id",
            "webhook_id",
            sqlite_where=IS_TO_BE_DELIVERED,
            postgresql_where=IS_TO_BE_DELIVERED,
        ),
    )
