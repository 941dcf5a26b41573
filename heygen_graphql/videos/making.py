"""Making videos, one or a hundred at once.

All that one call makes is one transaction. Whoever calls tells the queue and the live events afterwards.
"""

import asyncio
import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from heygen_graphql.database import Database
from heygen_graphql.errors import Fault, InvalidInput, UserErrorCode
from heygen_graphql.observability import request_id, tracing
from heygen_graphql.rendering.speech import Voices
from heygen_graphql.rendering.storyboard import Storyboard
from heygen_graphql.tables import IdempotencyKey, Video
from heygen_graphql.videos.catalogue import Catalogue, catalogue_for
from heygen_graphql.videos.drafts import storyboard_of
from heygen_graphql.videos.quotas import STANDARD, Quotas, Room, room_of
from heygen_graphql.videos.reckoning import Lessons
from heygen_graphql.videos.requests import VideoRequest
from heygen_graphql.videos.turning import record

MAX_VIDEOS_AT_ONCE = 100
MAX_IDEMPOTENCY_KEY_LENGTH = 255
INSTALLED = Voices()
"""Those that need no setting."""


@dataclass(frozen=True, slots=True)
class NewVideo:
    """A video that is asked for."""

    request: VideoRequest | InvalidInput
    """Or why there is none."""
    idempotency_key: str | None = None
    body: Mapping[str, Any] | None = None
    """What a call that comes again has in common with this one; the request when not given."""

    @property
    def digest(self) -> str:
        """Of the body, whatever the order of its fields."""
        try:
            body = self.body
            if body is None and isinstance(self.request, VideoRequest):
                body = self.request.to_dict()
            canonical = json.dumps(body, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        except RecursionError:
            # Nested deeper than is taken: no video was ever made of it.
            return ""
        return hashlib.sha256(canonical.encode()).hexdigest()


Outcome = Video | InvalidInput


async def create(
    database: Database,
    owner_id: UUID,
    request: VideoRequest,
    *,
    idempotency_key: str | None = None,
    voices: Voices = INSTALLED,
    quotas: Quotas = STANDARD,
) -> Video:
    """A new PENDING video or, for a key that this owner has used with the same request, the earlier one.

    Raises:
        InvalidInput: carries every fault of the request; IDEMPOTENCY_KEY_REUSED when the key came with
            another request before; LIMIT_EXCEEDED.
    """
    wanted = [NewVideo(request, idempotency_key)]
    (outcome,) = await create_each(database, owner_id, wanted, voices=voices, quotas=quotas)
    if isinstance(outcome, InvalidInput):
        raise outcome
    return outcome


async def create_each(
    database: Database,
    owner_id: UUID,
    wanted: Sequence[NewVideo],
    *,
    voices: Voices = INSTALLED,
    quotas: Quotas = STANDARD,
) -> list[Outcome]:
    """As `create` for each, in their order; what is wrong with one is no other's concern.

    A video that an earlier call made is answered before anything else is looked at: neither its own faults
    nor exhausted quotas keep it from whoever asks again.
    """
    outcomes: dict[int, Outcome] = {}
    async with database.reading() as session:
        outcomes |= await _made_before(session, owner_id, _left(wanted, outcomes))
        requests = [one.request for one in _left(wanted, outcomes).values()]
        catalogue = await catalogue_for(
            session, owner_id, [one for one in requests if isinstance(one, VideoRequest)], voices
        )
    # A hundred videos of thousands of characters would hold up the event loop for a second.
    drafts = await asyncio.to_thread(_drafts, _left(wanted, outcomes), catalogue)
    columns = {index: draft for index, draft in drafts.items() if isinstance(draft, dict)}
    outcomes |= {index: draft for index, draft in drafts.items() if isinstance(draft, InvalidInput)}
    if columns:
        async with database.transaction() as session:
            now = await database.now(session)
            room = await room_of(session, owner_id, quotas, now)
            # Looked at anew: while we waited for the owner, a call with the same key may have come first.
            outcomes |= await _made_before(session, owner_id, _left(wanted, outcomes))
            outcomes |= await _make(session, owner_id, _left(wanted, outcomes), columns, room, now)
    return [outcomes[index] for index in range(len(wanted))]


def columns_of(request: VideoRequest, storyboard: Storyboard, voices: Voices) -> dict[str, Any]:
    """What a video's row says of its request."""
    first = storyboard.scenes[0]
    script = "\n".join(scene.script for scene in storyboard.scenes if scene.script is not None)
    engines = {scene.voice_id: voices.get(scene.voice_id).engine for scene in storyboard.scenes}
    duration, _ = Lessons().seconds(storyboard, engines, None)
    return {
        "request": request.to_dict(),
        "storyboard": asdict(storyboard),
        "title": storyboard.title,
        "script": script,
        "search_text": folded(f"{storyboard.title or ''}\n{script}"),
        "voice_id": request.voice_id or first.voice_id,
        "avatar_id": request.avatar_id or first.avatar_id,
        "language": storyboard.language,
        "quality": storyboard.quality,
        "aspect_ratio": storyboard.aspect_ratio,
        "caption_style": storyboard.caption_style,
        "client_metadata": request.metadata,
        "estimated_seconds": duration,
    }


def asked_for_by() -> dict[str, Any]:
    """What a video's row says of the call that asks for its render, which is the present one."""
    return {"request_id": request_id(), "trace_parent": tracing.current()}


def folded(text: str) -> str:
    """The same for texts that differ only in capitals, in any writing (Unicode 3.13, default caseless
    matching), or in how their accents are encoded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _is_key(key: str) -> bool:
    return 1 <= len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH and "\0" not in key


def _key_faults(key: str | None) -> list[Fault]:
    if key is None or _is_key(key):
        return []
    message = f"An idempotency key has 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} characters, none of them NUL."
    return [Fault(UserErrorCode.INVALID, message, ("idempotencyKey",))]


def _left(wanted: Sequence[NewVideo], outcomes: Mapping[int, Outcome]) -> dict[int, NewVideo]:
    return {index: one for index, one in enumerate(wanted) if index not in outcomes}


async def _made_before(
    session: AsyncSession, owner_id: UUID, wanted: Mapping[int, NewVideo]
) -> dict[int, Outcome]:
    """What is known by the keys of those that have one."""
    keys = {key for one in wanted.values() if (key := one.idempotency_key) is not None and _is_key(key)}
    if not keys:
        return {}
    known = await session.execute(
        select(IdempotencyKey, Video)
        .join(Video, col(Video.id) == col(IdempotencyKey.video_id))
        .where(col(IdempotencyKey.owner_id) == owner_id, col(IdempotencyKey.key).in_(keys))
    )
    used = {key.key: (key.request_hash, video) for key, video in known}
    return {
        index: _answered(one, *used[one.idempotency_key])
        for index, one in wanted.items()
        if one.idempotency_key in used
    }


def _answered(wanted: NewVideo, digest: str, video: Video) -> Outcome:
    if wanted.digest == digest:
        return video
    message = "This idempotency key was used for another video within the last day. Use a new one."
    return InvalidInput.one(UserErrorCode.IDEMPOTENCY_KEY_REUSED, message, "idempotencyKey")


def _drafts(wanted: Mapping[int, NewVideo], catalogue: Catalogue) -> dict[int, dict[str, Any] | InvalidInput]:
    """The columns of each, or all its faults."""
    drafts: dict[int, dict[str, Any] | InvalidInput] = {}
    for index, one in wanted.items():
        of_key = _key_faults(one.idempotency_key)
        try:
            if isinstance(one.request, InvalidInput):
                raise one.request
            storyboard = storyboard_of(one.request, catalogue)
        except InvalidInput as error:
            drafts[index] = InvalidInput([*error.faults, *of_key])
        else:
            columns = columns_of(one.request, storyboard, catalogue.voices)
            drafts[index] = InvalidInput(of_key) if of_key else columns
    return drafts


async def _make(
    session: AsyncSession,
    owner_id: UUID,
    wanted: Mapping[int, NewVideo],
    columns: Mapping[int, dict[str, Any]],
    room: Room,
    now: datetime,
) -> dict[int, Outcome]:
    outcomes: dict[int, Outcome] = {}
    made: dict[int, Video] = {}
    by_key: dict[str, tuple[str, Video]] = {}
    for index, one in wanted.items():
        key = one.idempotency_key
        if key is not None and key in by_key:
            outcomes[index] = _answered(one, *by_key[key])
            continue
        try:
            room.take(columns[index]["estimated_seconds"])
        except InvalidInput as error:
            outcomes[index] = error
            continue
        # Those of one call stand in line as they stand in it.
        moment = now + timedelta(microseconds=len(made))
        instants: dict[str, Any] = {
            "created_at": moment,
            "updated_at": moment,
            "queued_at": moment,
        }
        outcomes[index] = made[index] = Video(
            owner_id=owner_id, **asked_for_by(), **instants, **columns[index]
        )
        if key is not None:
            by_key[key] = (one.digest, made[index])
    session.add_all(made.values())
    await session.flush()
    for video in made.values():
        record(session, video, video.created_at)
    session.add_all(
        IdempotencyKey(owner_id=owner_id, key=key, request_hash=digest, video_id=video.id, created_at=now)
        for key, (digest, video) in by_key.items()
    )
    return outcomes
