"""What a webhook can be told of, and in which words."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from heygen_graphql import globalids
from heygen_graphql.tables import Video, VideoEvent, VideoStatus


class WebhookEvent(StrEnum):
    VIDEO_PROCESSING = "VIDEO_PROCESSING"
    VIDEO_COMPLETED = "VIDEO_COMPLETED"
    VIDEO_FAILED = "VIDEO_FAILED"
    VIDEO_CANCELED = "VIDEO_CANCELED"
    PING = "PING"

    @property
    def type(self) -> str:
        """As the payload names it: `video.completed`."""
        return self.value.lower().replace("_", ".")


_EVENTS = {
    VideoStatus.PROCESSING: WebhookEvent.VIDEO_PROCESSING,
    VideoStatus.COMPLETED: WebhookEvent.VIDEO_COMPLETED,
    VideoStatus.FAILED: WebhookEvent.VIDEO_FAILED,
    VideoStatus.CANCELED: WebhookEvent.VIDEO_CANCELED,
}


def event_of(status: VideoStatus) -> WebhookEvent | None:
    """What is told when a video gets this status; None when nothing is."""
    return _EVENTS.get(status)


def ping(webhook_id: UUID, now: datetime) -> dict[str, Any]:
    return _payload(WebhookEvent.PING, now, {"webhookId": globalids.encode("Webhook", webhook_id)})


def video_payload(event: WebhookEvent, change: VideoEvent, video: Video) -> dict[str, Any]:
    """`video` may have moved on since: of it only what belongs to the change is told."""
    data: dict[str, Any] = {
        "id": globalids.encode("Video", video.id),
        "status": change.status.value,
        "version": change.version,
        "title": video.title,
        "metadata": video.client_metadata,
        "createdAt": _instant(video.created_at),
    }
    if change.status is video.status is VideoStatus.COMPLETED:
        data |= {"durationSeconds": video.duration_seconds, "sha256": video.sha256}
    if change.status is video.status is VideoStatus.FAILED:
        data["failure"] = {
            "code": video.failure_code,
            "message": video.failure_message,
            "isRetryable": video.failure_is_retryable,
        }
    return _payload(event, change.created_at, data)


def _payload(event: WebhookEvent, happened_at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": event.type, "timestamp": _instant(happened_at), "data": data}


def _instant(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
