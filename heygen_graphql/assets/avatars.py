"""Presenters made of portraits. Each is its owner's alone: for everybody else there is no such avatar."""

import json
import secrets
import tempfile
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from heygen_graphql.database import Database
from heygen_graphql.errors import Fault, InvalidInput, UserErrorCode
from heygen_graphql.processes import Processes, ProcessFailed
from heygen_graphql.storage import Storage
from heygen_graphql.tables import Asset, AssetState, PhotoAvatar

ID_PREFIX = "photo-"
MAX_NAME_LENGTH = 100
MAX_PER_OWNER = 100

_MODULE = "heygen_graphql.rendering.presenters.photo"
_SECONDS = 120.0
# Address space, not memory in use: OpenCV and its networks reserve more than they touch.
_MEGABYTES = 4096


async def create(
    database: Database,
    storage: Storage,
    processes: Processes,
    owner_id: UUID,
    *,
    name: str,
    image_asset_id: UUID | None,
    consent: bool,
) -> PhotoAvatar:
    """Make a presenter of a portrait; takes seconds.

    Raises:
        InvalidInput: carries every fault of the request; or what is wrong with the picture:
            UNSUPPORTED_MEDIA, FILE_TOO_LARGE, NO_FACE_FOUND, SEVERAL_FACES_FOUND or INVALID.
        Unavailable: too many wait already.
    """
    name = " ".join(name.split())
    faults = _name_faults(name)
    if not consent:
        message = (
            "Say `consent: true` when the person in the picture has agreed that you may use their likeness."
        )
        faults.append(Fault(UserErrorCode.CONSENT_REQUIRED, message, ("consent",)))
    async with database.reading() as session:
        asset = None if image_asset_id is None else await session.get(Asset, image_asset_id)
        made = select(func.count()).select_from(_usable(owner_id).subquery())
        count = (await session.execute(made)).scalar_one()
    image_key = _image_key(owner_id, asset, faults)
    if count >= MAX_PER_OWNER:
        message = f"You have {count} photo avatars, and no more are kept. Delete one first."
        faults.append(Fault(UserErrorCode.LIMIT_EXCEEDED, message))
    if faults or image_key is None:
        raise InvalidInput(faults)

    with tempfile.TemporaryDirectory(prefix="heygen-photo-") as directory:
        image, rig, preview = (Path(directory, name) for name in ("image", "rig", "preview.png"))
        try:
            await storage.get_file(image_key, image)
        except FileNotFoundError:
            message = "The asset's file is gone. Upload it anew."
            raise InvalidInput.one(UserErrorCode.NOT_FOUND, message, "imageAssetId") from None
        await _make_rig(processes, image, rig, preview)
        async with database.transaction() as session:
            # Not before the rig is made, which may wait for its turn: the sweep takes what is old.
            now = await database.now(session)
            avatar = PhotoAvatar(
                owner_id=owner_id,
                avatar_id=f"{ID_PREFIX}{secrets.token_hex(6)}",
                name=name,
                consent_given_at=now,
                created_at=now,
                deleted_at=now,
            )
            avatar.files_prefix = f"photo-avatars/{avatar.id}"
            session.add(avatar)
        await storage.put_file(avatar.rig_key, rig)
        await storage.put_file(avatar.preview_key, preview)
    async with database.transaction() as session:
        avatar = await session.get_one(PhotoAvatar, avatar.id)
        avatar.deleted_at = None
        session.add(avatar)
    return avatar


async def delete(database: Database, storage: Storage, owner_id: UUID, avatar_id: str) -> str:
    """Take an avatar away; videos that were made with it still tell its name.

    Raises:
        InvalidInput: NOT_FOUND, for a built-in one too: it is nobody's.
    """
    async with database.transaction() as session:
        now = await database.now(session)
        owned = _usable(owner_id).where(PhotoAvatar.avatar_id == avatar_id).with_for_update()
        avatar = (await session.execute(owned)).scalar_one_or_none()
        if avatar is None:
            raise InvalidInput.one(UserErrorCode.NOT_FOUND, "You have no photo avatar of this id.", "id")
        avatar.deleted_at = now
        session.add(avatar)
    prefix = avatar.files_prefix
    assert prefix is not None
    await storage.delete_prefix(prefix)
    return avatar_id


async def usable(database: Database, owner_id: UUID) -> list[PhotoAvatar]:
    """An owner's, oldest first."""
    async with database.reading() as session:
        order = col(PhotoAvatar.created_at), col(PhotoAvatar.id)
        return list((await session.execute(_usable(owner_id).order_by(*order))).scalars())


async def by_avatar_ids(
    database: Database, owner_id: UUID, avatar_ids: Iterable[str]
) -> dict[str, PhotoAvatar]:
    """The deleted ones, too: old videos name them."""
    async with database.reading() as session:
        rows = await session.execute(
            select(PhotoAvatar).where(
                PhotoAvatar.owner_id == owner_id, col(PhotoAvatar.avatar_id).in_(list(avatar_ids))
            )
        )
        return {avatar.avatar_id: avatar for avatar in rows.scalars()}


def _usable(owner_id: UUID) -> SelectOfScalar[PhotoAvatar]:
    return select(PhotoAvatar).where(PhotoAvatar.owner_id == owner_id, col(PhotoAvatar.deleted_at).is_(None))


def _name_faults(name: str) -> list[Fault]:
    if not name:
        return [Fault(UserErrorCode.TOO_SHORT, "The avatar has no name. Give it one.", ("name",))]
    if len(name) > MAX_NAME_LENGTH:
        message = f"The name has {len(name)} characters; at most {MAX_NAME_LENGTH} are stored."
        return [Fault(UserErrorCode.TOO_LONG, message, ("name",))]
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return [Fault(UserErrorCode.INVALID, "The name contains a control character. Remove it.", ("name",))]
    return []


def _image_key(owner_id: UUID, asset: Asset | None, faults: list[Fault]) -> str | None:
    field = ("imageAssetId",)
    if asset is None or asset.owner_id != owner_id or asset.deleted_at is not None:
        faults.append(Fault(UserErrorCode.NOT_FOUND, "You have no asset of this id.", field))
        return None
    if asset.state is not AssetState.COMPLETE or asset.storage_key is None:
        message = "This upload is not complete. PUT its bytes, then call completeUpload."
        faults.append(Fault(UserErrorCode.INVALID, message, field))
        return None
    return asset.storage_key


async def _make_rig(processes: Processes, image: Path, rig: Path, preview: Path) -> None:
    try:
        output = await processes.run(
            *(_MODULE, str(image), str(rig), str(preview)), seconds=_SECONDS, megabytes=_MEGABYTES
        )
    except ProcessFailed as error:
        if error.is_out_of_time:
            message = "Making the avatar took longer than the server allows. Try again, or a smaller picture."
        else:
            message = "The picture cannot be read within the server's bounds. Save it anew, and try again."
        raise InvalidInput.one(UserErrorCode.UNSUPPORTED_MEDIA, message, "imageAssetId") from None
    told: dict[str, Any] = json.loads(output)
    if "code" in told:
        raise InvalidInput.one(UserErrorCode(told["code"]), told["message"], "imageAssetId")
