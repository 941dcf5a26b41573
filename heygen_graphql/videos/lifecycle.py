"""What an owner does with a video: make, change, cancel, retry and delete it.

Each call is one transaction. Whoever calls tells the queue and the live events afterwards: a hint that
leaves before the commit would find nothing.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput, UserErrorCode
from heygen_graphql.rendering.speech import Voices
from heygen_graphql.rendering.storyboard import Stage, Storyboard
from heygen_graphql.tables import IdempotencyKey, Video, VideoStatus
from heygen_graphql.videos.catalogue import catalogue_for
from heygen_graphql.videos.drafts import storyboard_of, title_of
from heygen_graphql.videos.requests import VideoChanges, VideoRequest
from heygen_graphql.videos.turning import record, touch, turn

MAX_IDEMPOTENCY_KEY_LENGTH = 255
INSTALLED = Voices()
"""Those that need no setting."""


@dataclass(frozen=True, slots=True)
class Edited:
    video: Video
    is_rendered_anew: bool


async def create(
    database: Database,
    owner_id: UUID,
    request: VideoRequest,
    *,
    idempotency_key: str | None = None,
    voices: Voices = INSTALLED,
) -> Video:
    """A new PENDING video or, for a key that this owner has used with the same request, the earlier one.

    Raises:
        InvalidInput: carries every fault of the request; IDEMPOTENCY_KEY_REUSED when the key came with
            another request before.
    """
    if idempotency_key is not None and (
        not 1 <= len(idempotency_key) <= MAX_IDEMPOTENCY_KEY_LENGTH or "\0" in idempotency_key
    ):
        message = f"An idempotency key has 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} characters, none of them NUL."
        raise InvalidInput.one(UserErrorCode.INVALID, message, "idempotencyKey")
    async with database.reading() as session:
        catalogue = await catalogue_for(session, owner_id, request, voices)
    storyboard = storyboard_of(request, catalogue)
    request_hash = _hash_of(request)
    if idempotency_key is None:
        async with database.transaction() as session:
            return await _insert(session, database, owner_id, request, storyboard)
    try:
        async with database.transaction() as session:
            earlier = await _earlier(session, owner_id, idempotency_key, request_hash)
            if earlier is not None:
                return earlier
            video = await _insert(session, database, owner_id, request, storyboard)
            session.add(
                IdempotencyKey(
                    owner_id=owner_id, key=idempotency_key, request_hash=request_hash, video_id=video.id
                )
            )
        return video
    except IntegrityError:
        # A call with the same key, under way at the same time, came first.
        async with database.reading() as session:
            earlier = await _earlier(session, owner_id, idempotency_key, request_hash)
        if earlier is None:
            raise
        return earlier


async def update(
    database: Database, owner_id: UUID, video_id: UUID, changes: VideoChanges, *, voices: Voices = INSTALLED
) -> Edited:
    """Change a video; when the picture or the sound changes, it is rendered anew.

    Raises:
        InvalidInput: NOT_FOUND; VIDEO_NOT_EDITABLE while it is being rendered; every fault of the outcome.
    """
    async with database.transaction() as session:
        video = await _locked(session, owner_id, video_id)
        request = changes.apply_to(VideoRequest.from_dict(video.request), voices)
        present = storyboard_in(video)
        if changes.is_of_labels:
            storyboard = replace(present, title=title_of(request))
        else:
            storyboard = storyboard_of(request, await catalogue_for(session, owner_id, request, voices))
        is_rendered_anew = replace(storyboard, title=None) != replace(present, title=None)
        if is_rendered_anew and video.status is VideoStatus.PROCESSING:
            message = "The video is being rendered. Wait until it is finished, or cancel it first."
            raise InvalidInput.one(UserErrorCode.VIDEO_NOT_EDITABLE, message, "id")
        video.sqlmodel_update(_columns(request, storyboard))
        now = await database.now(session)
        # One that waits is changed where it stands: the worker reads the row when its turn comes.
        if is_rendered_anew and video.status is not VideoStatus.PENDING:
            _queue_anew(session, video, now)
        else:
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


async def retry(database: Database, owner_id: UUID, video_id: UUID) -> Video:
    """Render a FAILED or CANCELED video again, from its beginning.

    Raises:
        InvalidInput: NOT_FOUND; NOT_RETRYABLE when it did not fail, or would fail again.
    """
    async with database.transaction() as session:
        video = await _locked(session, owner_id, video_id)
        if video.status not in (VideoStatus.FAILED, VideoStatus.CANCELED):
            message = f"The video is {video.status}; only a FAILED or CANCELED one can be retried."
            raise InvalidInput.one(UserErrorCode.NOT_RETRYABLE, message, "id")
        if video.status is VideoStatus.FAILED and not video.failure_is_retryable:
            message = f"It would fail again: {video.failure_message} Change it with updateVideo."
            raise InvalidInput.one(UserErrorCode.NOT_RETRYABLE, message, "id")
        _queue_anew(session, video, await database.now(session))
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


async def _insert(
    session: AsyncSession, database: Database, owner_id: UUID, request: VideoRequest, storyboard: Storyboard
) -> Video:
    now = await database.now(session)
    instants: dict[str, Any] = {"created_at": now, "updated_at": now, "queued_at": now, "hinted_at": now}
    video = Video(owner_id=owner_id, **instants, **_columns(request, storyboard))
    session.add(video)
    await session.flush()
    record(session, video, now)
    return video


async def _earlier(session: AsyncSession, owner_id: UUID, key: str, request_hash: str) -> Video | None:
    used = await session.get(IdempotencyKey, (owner_id, key))
    if used is None:
        return None
    if used.request_hash != request_hash:
        message = "This idempotency key was used for another video within the last day. Use a new one."
        raise InvalidInput.one(UserErrorCode.IDEMPOTENCY_KEY_REUSED, message, "idempotencyKey")
    return await session.get_one(Video, used.video_id)


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


def _columns(request: VideoRequest, storyboard: Storyboard) -> dict[str, Any]:
    first = storyboard.scenes[0]
    return {
        "request": request.to_dict(),
        "storyboard": asdict(storyboard),
        "title": storyboard.title,
        "script": "\n".join(scene.script for scene in storyboard.scenes if scene.script is not None),
        "voice_id": request.voice_id or first.voice_id,
        "avatar_id": request.avatar_id or first.avatar_id,
        "language": storyboard.language,
        "quality": storyboard.quality,
        "aspect_ratio": storyboard.aspect_ratio,
        "caption_style": storyboard.caption_style,
        "client_metadata": request.metadata,
    }


def _queue_anew(session: AsyncSession, video: Video, now: datetime) -> None:
    """PENDING as on the first day, but for `fence`, which never goes back."""
    video.queued_at = video.hinted_at = now
    video.attempt = video.failures = 0
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


def _hash_of(request: VideoRequest) -> str:
    canonical = json.dumps(request.to_dict(), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
