"""The one place where a video's status changes: every change leaves an event beside the row."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from heygen_graphql.rendering.storyboard import Stage
from heygen_graphql.tables import Video, VideoEvent, VideoStatus


def turn(
    session: AsyncSession,
    video: Video,
    status: VideoStatus,
    now: datetime,
    *,
    stage: Stage | None = None,
    progress: float = 0.0,
) -> None:
    """Give the video a status. Leases belong to PROCESSING: whoever turns to it sets one."""
    video.status = status
    video.stage = stage
    video.progress = progress
    video.seconds_left = None
    if status is not VideoStatus.PROCESSING:
        video.lease_expires_at = None
    touch(video, now)
    record(session, video, now)


def touch(video: Video, now: datetime) -> None:
    """Let watchers see that something about the video is new."""
    video.version += 1
    video.updated_at = now


def record(session: AsyncSession, video: Video, now: datetime) -> None:
    session.add(
        VideoEvent(
            video_id=video.id, version=video.version, fence=video.fence, status=video.status, created_at=now
        )
    )
