"""One thing of each kind, as the API would leave it in the database."""

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from sqlmodel import SQLModel

from heygen_graphql import globalids
from heygen_graphql.database import Database
from heygen_graphql.tables import (
    ApiKey,
    Asset,
    AssetState,
    PhotoAvatar,
    Template,
    Video,
    VideoStatus,
    Webhook,
    WebhookDelivery,
    WebhookDeliveryStatus,
    utc_now,
)
from tests.api.uploads import picture


@dataclass(slots=True)
class Belongings:
    """One of each kind, by the values that name it: global ids and short names."""

    ids: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


async def give(database: Database, files: Path, owner_id: UUID, mark: str) -> Belongings:
    """New ones; `files` is the storage's folder. `mark` is in every text."""
    name = uuid4().hex
    key = f"uploads/{name}"
    (files / "uploads").mkdir(parents=True, exist_ok=True)
    (files / key).write_bytes(picture())
    storyboard = {
        "scenes": [
            {
                "script": mark,
                "pause_seconds": 0.0,
                "voice_id": "heart",
                "avatar_id": "maya",
                "background_color": "#102030",
                "speed": 1.0,
                "pitch_semitones": 0.0,
                "background_image": key,
                "avatar_rig": None,
            }
        ],
        "language": "en",
        "quality": "LOW",
        "aspect_ratio": "SQUARE",
        "caption_style": "NONE",
        "title": mark,
    }
    video = Video(
        owner_id=owner_id,
        title=mark,
        request={"script": mark},
        storyboard=storyboard,
        script=mark,
        voice_id="heart",
        avatar_id="maya",
        language="en",
        quality="LOW",
        aspect_ratio="SQUARE",
        caption_style="NONE",
        status=VideoStatus.COMPLETED,
        completed_at=utc_now(),
        files_prefix=f"videos/{name}",
        stage=None,
        progress=1.0,
    )
    asset = Asset(
        owner_id=owner_id,
        filename=f"{mark}.png",
        content_type="image/png",
        size_bytes=len(picture()),
        sha256="0" * 64,
        storage_key=key,
        state=AssetState.COMPLETE,
    )
    avatar = PhotoAvatar(
        owner_id=owner_id,
        avatar_id=f"photo-{name[:10]}",
        name=mark,
        consent_given_at=utc_now(),
        files_prefix=f"avatars/{name}",
    )
    api_key = ApiKey(owner_id=owner_id, name=mark, prefix=mark, key_hash=name)
    asked = {"script": f"{mark} {{{{name}}}}"}
    template = Template(owner_id=owner_id, name=mark, request=asked, storyboard=storyboard)
    webhook = Webhook(
        owner_id=owner_id,
        url=f"https://example.com/{name}?{mark}",
        events=["VIDEO_COMPLETED"],
        is_active=False,
        secret="whsec_" + "a" * 32,
    )
    delivery = WebhookDelivery(
        owner_id=owner_id,
        webhook_id=webhook.id,
        message_id=name,
        event="PING",
        payload={},
        status=WebhookDeliveryStatus.FAILED,
        next_attempt_at=None,
        failure=mark,
    )
    rows: list[SQLModel] = [video, asset, avatar, api_key, template, webhook]
    async with database.transaction() as session:
        session.add_all(rows)
        await session.flush()
        session.add(delivery)
    await database.close()
    ids = {
        "Video": video.id,
        "Asset": asset.id,
        "Avatar": avatar.avatar_id,
        "ApiKey": api_key.id,
        "Template": template.id,
        "Webhook": webhook.id,
        "WebhookDelivery": delivery.id,
        "User": owner_id,
    }
    return Belongings(
        {kind: globalids.encode(kind, key) for kind, key in ids.items()}, {"Avatar": avatar.avatar_id}
    )
