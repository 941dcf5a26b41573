"""What an owner does with a video that is there: change, cancel, retry and delete it.

Each call is one transaction. Whoever calls tells the queue and the live events afterwards: a hint that
leaves before the commit would find nothing.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete as sql_delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput, UserErrorCode
from heygen_graphql.rendering.speech import Voices
from heygen_graphql.rendering.storyboard import Stage, Storyboard
from heygen_graphql.tables import IdempotencyKey, Video, VideoStatus
from heygen_graphql.videos.catalogue import catalogue_for
from heygen_graphql.videos.drafts import storyboard_of, title_of
from heygen_graphql.videos.making import INSTALLED, asked_for_by, columns_of
from heygen_graphql.videos.quotas import STANDARD, Quotas, Room, room_of
from heygen_graphql.videos.requests import VideoChanges, VideoRequest
from heygen_graphql.videos.turning import touch, turn


@dataclass(frozen=True, slots=True)
class Edited:
    video: Video
    is_rendered_anew: bool


async def update(
    database: Database,
    owner_id: UUID,
    video_id: UUID,
    changes: VideoChanges,
    *,
    voices: Voices = INSTALLED,
    quotas: Quotas = STANDARD,
) -> Edited:
    """Change a video; when the picture or the sound changes, it is rendered anew.

    Raises:
        InvalidInput: NOT_FOUND; VIDEO_NOT_EDITABLE while it is being rendered; every fault of the outcome;
            LIMIT_EXCEEDED when there is no room for another render.
    """
    async with database.transaction() as session:
        now = await database.now(session)
        room = None
        if not changes.is_of_labels:
            room = await room_of(session, owner_id, quotas, now, besides=video_id)
        video = await _locked(session, owner_id, video_id)
        request = changes.apply_to(VideoRequest.from_dict(video.request), voices)
        present = storyboard_in(video)
        if changes.is_of_labels:
            storyboard = replace(present, title=title_of(request))
        else:
            storyboard = storyboard_of(request, await catalogue_for(session, owner_id, [request], voices))
        is_rendered_anew = replace(storyboard, title=None) != replace(present, title=None)
        if is_rendered_anew and video.status is VideoStatus.PROCESSING:
            message = "The video is being rendered. Wait until it is finished, or cancel it first."
            raise InvalidInput.one(UserErrorCode.VIDEO_NOT_EDITABLE, message, "id")
        columns = columns_of(request, storyboard, voices)
        if is_rendered_anew and room is not None:
            _take(room, video, columns["estimated_seconds"])
        video.sqlmodel_update(columns)
        # One that waits is changed where it stands: the worker reads the row when its turn comes.
        if is_rendered_anew and video.status is not VideoStatus.PENDING:
            _queue_anew(session, video, now)
        else:
            if is_rendered_anew:
                video.sqlmodel_update(asked_for_by())
            touch(video, now)
        session.add(video)
    return Edited(video, is_rendered_anew)


async def cancel(database: Database, owner_id: UUID, video_id: UUID) -> Video:
    """
    Raises:
        InvalidInput: NOT_FOUND; VIDEO_ALREADY_FINISHED when there is nothing left to cancel.
    """
    async with database.transaction() as session:
        video = await _locked(session, owner_id, video_id)
        if video.status.is_final:
            message = f"The video is {video.status} already; there is nothing to cancel."
            raise InvalidInput.one(UserErrorCode.VIDEO_ALREADY_FINISHED, message, "id")
        _end_canceled(session, video, await database.now(session))
        session.add(video)
    return video


async def retry(database: Database, owner_id: UUID, video_id: UUID, *, quotas: Quotas = STANDARD) -> Video:
    """Render a FAILED or CANCELED video again, from its beginning.

    Raises:
        InvalidInput: NOT_FOUND; NOT_RETRYABLE when it did not fail, or would fail again; LIMIT_EXCEEDED.
    """
    async with database.transaction() as session:
        now = await database.now(session)
        room = await room_of(session, owner_id, quotas, now, besides=video_id)
        video = await _locked(session, owner_id, video_id)
        if video.status not in (VideoStatus.FAILED, VideoStatus.CANCELED):
            message = f"The video is {video.status}; only a FAILED or CANCELED one can be retried."
            raise InvalidInput.one(UserErrorCode.NOT_RETRYABLE, message, "id")
        if video.status is VideoStatus.FAILED and not video.failure_is_retryable:
            message = f"It would fail again: {video.failure_message} Change it with updateVideo."
            raise InvalidInput.one(UserErrorCode.NOT_RETRYABLE, message, "id")
        room.take(video.estimated_seconds)
        _queue_anew(session, video, now)
        session.add(video)
    return video


async def delete(database: Database, owner_id: UUID, video_id: UUID) -> UUID:
    """Take a video away from everybody's sight; its files and its row go soon after.

    Raises:
        InvalidInput: NOT_FOUND.
    """
    async with database.transaction() as session:
        video = await _locked(session, owner_id, video_id)
        now = await database.now(session)
        if not video.status.is_final:
            _end_canceled(session, video, now)
        else:
            touch(video, now)
        video.deleted_at = now
        session.add(video)
        await session.execute(sql_delete(IdempotencyKey).where(col(IdempotencyKey.video_id) == video_id))
    return video_id


def storyboard_in(video: Video) -> Storyboard:
    return Storyboard.from_json(json.dumps(video.storyboard))


async def _locked(session: AsyncSession, owner_id: UUID, video_id: UUID) -> Video:
    """The row, held against workers and other calls until the transaction ends."""
    owned = (
        select(Video)
        .where(Video.id == video_id, Video.owner_id == owner_id, col(Video.deleted_at).is_(None))
        .with_for_update()
    )
    video = (await session.execute(owned)).scalar_one_or_none()
    if video is None:
        raise InvalidInput.one(UserErrorCode.NOT_FOUND, "You have no video of this id.", "id")
    return video


def _take(room: Room, video: Video, seconds: float) -> None:
    """Find room for a changed video; one that waits has its place, and may always become shorter."""
    if video.status is not VideoStatus.PENDING:
        room.take(seconds)
    elif seconds > video.estimated_seconds:
        room.take(seconds, videos=0)


def _queue_anew(session: AsyncSession, video: Video, now: datetime) -> None:
    """PENDING as on the first day, but for `fence`, which never goes back."""
    video.sqlmodel_update(asked_for_by())
    video.queued_at = now
    video.attempt = video.failures = video.losses = 0
    for name in (
        "started_at",
        "completed_at",
        "files_prefix",
        "duration_seconds",
        "file_size_bytes",
        "processing_seconds",
        "sha256",
        "transcript",
        "scene_timings",
        "quality_report",
        "failure_code",
        "failure_message",
        "failure_is_retryable",
    ):
        setattr(video, name, None)
    turn(session, video, VideoStatus.PENDING, now, stage=Stage.QUEUED)


def _end_canceled(session: AsyncSession, video: Video, now: datetime) -> None:
    turn(session, video, VideoStatus.CANCELED, now, progress=video.progress)
