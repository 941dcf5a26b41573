"""What a caller can choose from: everybody's voices, and what of their own they name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from heygen_graphql.rendering import presenters
from heygen_graphql.rendering.speech import SpeechEndpoint, Voices
from heygen_graphql.settings import Settings
from heygen_graphql.tables import Asset, AssetState, PhotoAvatar
from heygen_graphql.videos.requests import MAX_SCENES, SceneRequest, VideoRequest


@dataclass(frozen=True, slots=True)
class Catalogue:
    voices: Voices = field(default_factory=Voices)
    rigs: Mapping[str, str] = field(default_factory=dict)
    """The materials of the caller's photo avatars, by avatar id."""
    images: Mapping[str, str | None] = field(default_factory=dict)
    """The materials of the caller's assets, by id; None for one whose upload is not complete."""


def voices_of(settings: Settings) -> Voices:
    """Everybody's voices on this server."""
    endpoint = None
    if settings.openai_api_key is not None:
        endpoint = SpeechEndpoint(
            base_url=settings.openai_base_url,
            api_key=settings.openai_api_key.get_secret_value(),
            model=settings.openai_speech_model,
        )
    return Voices(settings.voices_dir, endpoint)


async def catalogue_for(
    session: AsyncSession, owner_id: UUID, requests: Sequence[VideoRequest], voices: Voices
) -> Catalogue:
    """What the requests name, if it is the owner's; nothing is read where they name nothing.

    Of more scenes than a video may have, only so many are looked at: the others are refused by their number.
    """
    asked: list[VideoRequest | SceneRequest] = [*requests]
    for request in requests:
        asked += (request.scenes or ())[:MAX_SCENES]
    built_in = {avatar.avatar_id for avatar in presenters.avatars()}
    avatar_ids = {one.avatar_id for one in asked if one.avatar_id is not None} - built_in
    image_ids = {one.background_image for one in asked if one.background_image is not None}
    return Catalogue(
        voices,
        await _rigs(session, owner_id, avatar_ids) if avatar_ids else {},
        await _images(session, owner_id, image_ids) if image_ids else {},
    )


async def _rigs(session: AsyncSession, owner_id: UUID, avatar_ids: set[str]) -> dict[str, str]:
    # NUL is in no name of ours, and PostgreSQL breaks on it.
    wanted = [avatar_id for avatar_id in avatar_ids if "\0" not in avatar_id]
    rows = await session.execute(
        select(PhotoAvatar).where(
            PhotoAvatar.owner_id == owner_id,
            col(PhotoAvatar.avatar_id).in_(wanted),
            col(PhotoAvatar.deleted_at).is_(None),
        )
    )
    return {avatar.avatar_id: avatar.rig_key for avatar in rows.scalars()}


async def _images(session: AsyncSession, owner_id: UUID, image_ids: set[str]) -> dict[str, str | None]:
    wanted = [id for id in map(_uuid, image_ids) if id is not None]
    rows = await session.execute(
        select(Asset).where(
            Asset.owner_id == owner_id, col(Asset.id).in_(wanted), col(Asset.deleted_at).is_(None)
        )
    )
    return {
        str(asset.id): asset.storage_key if asset.state is AssetState.COMPLETE else None
        for asset in rows.scalars()
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
