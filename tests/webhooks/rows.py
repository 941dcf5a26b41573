"""Webhooks, and what happens to videos, as the API and the workers leave them in the database."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from heygen_graphql.database import Database
from heygen_graphql.tables import Video, VideoStatus, Webhook, WebhookDelivery, utc_now
from heygen_graphql.videos.turning import turn
from heygen_graphql.webhooks.signing import new_secret

ALL_EVENTS = ["VIDEO_PROCESSING", "VIDEO_COMPLETED", "VIDEO_FAILED", "VIDEO_CANCELED"]


async def add_webhook(
    database: Database, owner_id: UUID, url: str, events: list[str] | None = None, **columns: Any
) -> Webhook:
    instants = {"created_at": utc_now(), "updated_at": utc_now()}
    webhook = Webhook(
        owner_id=owner_id, url=url, events=events or ALL_EVENTS, secret=new_secret(), **(instants | columns)
    )
    async with database.transaction() as session:
        session.add(webhook)
    return webhook


async def add_video(database: Database, owner_id: UUID, **columns: Any) -> Video:
    video = Video(
        owner_id=owner_id,
        title="Ünïcode",
        request={},
        storyboard={},
        script="Hi",
        voice_id="voice",
        avatar_id="avatar",
        language="en",
        quality="LOW",
        aspect_ratio="SQUARE",
        caption_style="NONE",
        client_metadata={"order": 7},
        **columns,
    )
    async with database.transaction() as session:
        session.add(video)
    return video


async def turn_to(database: Database, video_id: UUID, *statuses: VideoStatus) -> None:
    """Let a video go through these statuses, as workers would."""
    async with database.transaction() as session:
        video = await session.get_one(Video, video_id)
        for status in statuses:
            now = await database.now(session)
            if status is VideoStatus.PROCESSING:
                video.lease_expires_at = now + timedelta(minutes=1)
            if status is VideoStatus.COMPLETED:
                video.files_prefix, video.completed_at, video.duration_seconds = "x", now, 1.5
            if status is VideoStatus.FAILED:
                video.failure_code, video.failure_message, video.failure_is_retryable = "SPEECH", "No", True
            turn(session, video, status, now)


async def deliveries(database: Database, *, webhook_id: UUID | None = None) -> list[WebhookDelivery]:
    async with database.reading() as session:
        found = select(WebhookDelivery).order_by(
            col(WebhookDelivery.created_at), col(WebhookDelivery.video_event_id)
        )
        if webhook_id is not None:
            found = found.where(WebhookDelivery.webhook_id == webhook_id)
        return list(await session.scalars(found))


async def webhook_now(database: Database, webhook_id: UUID) -> Webhook:
    async with database.reading() as session:
        return await session.get_one(Webhook, webhook_id)
