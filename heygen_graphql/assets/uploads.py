"""A file's way in: announced, sent to a signed link, looked at, complete.

What is sent lies under a key of its own each time, so nothing that is stored ever changes. Only the row
says which bytes count, and it stops changing its mind when the asset is complete.
"""

import asyncio
import hashlib
import json
import re
import secrets
import tempfile
import unicodedata
from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import col, select

from heygen_graphql.database import Database
from heygen_graphql.errors import Fault, InvalidInput, UploadFault, UploadRefused, UserErrorCode
from heygen_graphql.processes import Processes, ProcessFailed
from heygen_graphql.storage import UPLOADS_PREFIX, Storage, StoredFile
from heygen_graphql.tables import Asset, AssetState, User

SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
MAX_FILENAME_LENGTH = 255
MAX_PER_OWNER = 1000
_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")

_WRITE_BYTES = 1024 * 1024
"""Gathered before a thread writes them: a hop to a thread for every packet would cost more than the write."""

_LOOK_MODULE = "heygen_graphql.rendering.presenters.look"
_LOOK_SECONDS = 60.0
# 50 megapixels decoded, twice, with what OpenCV and NumPy reserve.
_LOOK_MEGABYTES = 2048


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What the caller announces."""

    filename: str
    content_type: str
    size_bytes: int
    sha256: str | None = None


async def create(database: Database, owner_id: UUID, request: UploadRequest, *, max_bytes: int) -> Asset:
    """An asset that awaits its bytes; after a day without them it is removed.

    Raises:
        InvalidInput: carries every fault of the request; LIMIT_EXCEEDED when the owner has too many.
    """
    content_type = media_type(request.content_type)
    faults = _faults(request, content_type, max_bytes)
    if faults:
        raise InvalidInput(faults)
    async with database.transaction() as session:
        owned = select(func.count()).where(Asset.owner_id == owner_id, col(Asset.deleted_at).is_(None))
        count = (await session.execute(owned)).scalar_one()
        if count >= MAX_PER_OWNER:
            message = f"You have {count:,} assets, and no more are kept. Delete some first."
            raise InvalidInput.one(UserErrorCode.LIMIT_EXCEEDED, message)
        asset = Asset(
            owner_id=owner_id,
            filename=request.filename.strip(),
            content_type=content_type,
            size_bytes=request.size_bytes,
            sha256=None if request.sha256 is None else request.sha256.lower(),
            created_at=await database.now(session),
        )
        session.add(asset)
    return asset


async def awaited(database: Database, asset_id: UUID, content_type: str | None) -> Asset:
    """The asset whose bytes are about to be sent, as this type if one is named.

    Raises:
        UploadRefused: GONE, COMPLETE_ALREADY or OTHER_TYPE.
    """
    # A link that was signed for somebody who was active then does no good to them now.
    owned = select(Asset).join(User, col(User.id) == col(Asset.owner_id)).where(Asset.id == asset_id)
    async with database.reading() as session:
        found = await session.execute(owned.where(col(User.is_active)))
        asset = _awaiting(found.scalar_one_or_none())
    if content_type is not None and media_type(content_type) != asset.content_type:
        raise UploadRefused(
            UploadFault.OTHER_TYPE,
            f"The upload was announced as {asset.content_type}; send Content-Type: {asset.content_type}.",
        )
    return asset


async def receive(
    database: Database, storage: Storage, asset: Asset, chunks: AsyncIterable[bytes], *, scratch: Path
) -> None:
    """Take the bytes of an asset; they replace what came before.

    They go to a nameless file in the folder `scratch` and are stored when all have come as announced:
    whatever breaks off, nothing of it stays.

    Raises:
        UploadRefused: too many or too few bytes, other ones than announced, or the asset is complete or
            gone by the time they are there.
    """
    await asyncio.to_thread(scratch.mkdir, parents=True, exist_ok=True)
    with await asyncio.to_thread(_nameless_file, scratch) as file:
        digest = await _write(file, asset.size_bytes, chunks)
        if asset.sha256 is not None and digest != asset.sha256:
            raise UploadRefused(
                UploadFault.OTHER_CONTENT,
                f"The bytes' SHA-256 is {digest}; {asset.sha256} was announced. Send the file again.",
            )
        key = _new_key(asset)
        await asyncio.to_thread(file.seek, 0)
        await storage.put_file(key, file)
    async with database.transaction() as session:
        now_there = await session.get(Asset, asset.id, with_for_update=True)
        replaced = None
        if now_there is not None and _awaits(now_there):
            replaced, now_there.storage_key = now_there.storage_key, key
            session.add(now_there)
        else:
            replaced = key
    if replaced is not None:
        await storage.delete_file(replaced)
    _awaiting(now_there)


async def complete(
    database: Database, storage: Storage, processes: Processes, owner_id: UUID, asset_id: UUID
) -> Asset:
    """Look at what was sent; from now on it is never changed. Safe to repeat.

    Raises:
        InvalidInput: NOT_FOUND; INVALID before the bytes are there; UNSUPPORTED_MEDIA, FILE_TOO_LARGE.
        Unavailable: too many wait already.
    """
    async with database.reading() as session:
        asset = await session.get(Asset, asset_id)
    if asset is None or asset.owner_id != owner_id or asset.deleted_at is not None:
        raise InvalidInput.one(UserErrorCode.NOT_FOUND, "You have no upload of this id.", "id")
    if asset.state is AssetState.COMPLETE:
        return asset
    staged, received = await storage.find(staging_key(asset_id)), asset.storage_key
    if staged is None and (received is None or await storage.find(received) is None):
        message = "Its bytes have not arrived yet. PUT them to `uploadUrl` with `uploadHeaders` first."
        raise InvalidInput.one(UserErrorCode.INVALID, message, "id")
    with tempfile.TemporaryDirectory(prefix="heygen-upload-") as directory:
        path = Path(directory, "file")
        digest = await _fetch(storage, asset, staged, path)
        await _check_content(processes, path, asset.content_type)
        # Whoever holds the link may send other bytes to it still: those that were looked at are kept.
        key = received if staged is None else await _keep(storage, asset, path)
    async with database.transaction() as session:
        taken = await session.execute(
            update(Asset)
            .where(
                col(Asset.id) == asset_id,
                col(Asset.storage_key).is_not_distinct_from(received),
                col(Asset.state) == AssetState.AWAITING_BYTES,
                col(Asset.deleted_at).is_(None),
            )
            .values(state=AssetState.COMPLETE, sha256=digest, storage_key=key)
            .returning(col(Asset.id))
        )
        is_taken = taken.scalar_one_or_none() is not None
    if staged is not None:
        for over in (staging_key(asset_id), received) if is_taken else (key,):
            if over is not None:
                await storage.delete_file(over)
    async with database.reading() as session:
        asset = (await session.execute(select(Asset).where(Asset.id == asset_id))).scalar_one_or_none()
    if asset is None or not (is_taken or asset.state is AssetState.COMPLETE):
        raise _replaced()
    return asset


async def delete(database: Database, storage: Storage, owner_id: UUID, asset_id: UUID) -> UUID:
    """Remove an asset and its file; a video that waits and needs it will fail.

    Raises:
        InvalidInput: NOT_FOUND.
    """
    async with database.transaction() as session:
        now = await database.now(session)
        asset = await session.get(Asset, asset_id, with_for_update=True)
        if asset is None or asset.owner_id != owner_id or asset.deleted_at is not None:
            raise InvalidInput.one(UserErrorCode.NOT_FOUND, "You have no asset of this id.", "id")
        asset.deleted_at = now
        session.add(asset)
    await delete_files(storage, asset_id)
    return asset_id


async def delete_files(storage: Storage, asset_id: UUID) -> None:
    """Remove all that was ever sent for the asset."""
    await storage.delete_prefix(files_prefix(asset_id))
    await storage.delete_file(staging_key(asset_id))


def files_prefix(asset_id: UUID) -> str:
    """Where all that was taken in for the asset lies."""
    return f"assets/{asset_id}"


def staging_key(asset_id: UUID) -> str:
    """Where its bytes lie that were sent past us to the storage, until they are looked at."""
    return f"{UPLOADS_PREFIX}/{asset_id}"


def media_type(text: str) -> str:
    """A Content-Type without its parameters, by its usual name."""
    name = text.partition(";")[0].strip().lower()
    return _ALIASES.get(name, name)


def _faults(request: UploadRequest, content_type: str, max_bytes: int) -> list[Fault]:
    faults: list[Fault] = []
    name = request.filename.strip()
    if not name:
        faults.append(Fault(UserErrorCode.TOO_SHORT, "The file has no name. Give it one.", ("filename",)))
    elif len(name) > MAX_FILENAME_LENGTH:
        message = f"The name has {len(name)} characters; at most {MAX_FILENAME_LENGTH} are stored."
        faults.append(Fault(UserErrorCode.TOO_LONG, message, ("filename",)))
    elif any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        message = "The name contains a control character. Remove it."
        faults.append(Fault(UserErrorCode.INVALID, message, ("filename",)))
    if content_type not in SUFFIXES:
        message = f"{request.content_type[:60]!r} is not taken; send one of {', '.join(SUFFIXES)}."
        faults.append(Fault(UserErrorCode.UNSUPPORTED_MEDIA, message, ("contentType",)))
    if request.size_bytes < 1:
        message = f"The file has {request.size_bytes} bytes; there must be some."
        faults.append(Fault(UserErrorCode.TOO_SHORT, message, ("sizeBytes",)))
    elif request.size_bytes > max_bytes:
        message = (
            f"The file has {request.size_bytes:,} bytes; at most {max_bytes:,} are taken. "
            "Save it smaller or with more compression."
        )
        faults.append(Fault(UserErrorCode.FILE_TOO_LARGE, message, ("sizeBytes",)))
    if request.sha256 is not None and not _SHA256.fullmatch(request.sha256):
        message = "A SHA-256 is written as 64 hexadecimal digits. Leave it out, or mend it."
        faults.append(Fault(UserErrorCode.INVALID, message, ("sha256",)))
    return faults


async def _fetch(storage: Storage, asset: Asset, staged: StoredFile | None, path: Path) -> str:
    """Have what was sent at `path`; its SHA-256.

    Raises:
        InvalidInput: INVALID, it is not as announced, and so removed; or was replaced in the meantime.
    """
    if staged is not None and staged.size_bytes != asset.size_bytes:
        await storage.delete_file(staged.key)
        raise _other_than_announced(f"{staged.size_bytes:,} bytes", f"{asset.size_bytes:,} bytes")
    key = asset.storage_key if staged is None else staged.key
    assert key is not None
    try:
        await storage.get_file(key, path)
    except FileNotFoundError:
        raise _replaced() from None
    size, digest = await asyncio.to_thread(_measured, path)
    if size != asset.size_bytes:
        raise _replaced()
    if asset.sha256 is not None and digest != asset.sha256:
        await storage.delete_file(key)
        raise _other_than_announced(f"the SHA-256 {digest}", f"{asset.sha256}")
    return digest


async def _keep(storage: Storage, asset: Asset, path: Path) -> str:
    key = _new_key(asset)
    await storage.put_file(key, path)
    return key


def _new_key(asset: Asset) -> str:
    return f"{files_prefix(asset.id)}/{secrets.token_hex(8)}.{SUFFIXES[asset.content_type]}"


def _other_than_announced(came: str, announced: str) -> InvalidInput:
    message = f"What came has {came}; {announced} were announced. PUT the file again."
    return InvalidInput.one(UserErrorCode.INVALID, message, "id")


def _awaits(asset: Asset) -> bool:
    return asset.deleted_at is None and asset.state is AssetState.AWAITING_BYTES


def _awaiting(asset: Asset | None) -> Asset:
    """
    Raises:
        UploadRefused: GONE or COMPLETE_ALREADY.
    """
    if asset is None or asset.deleted_at is not None:
        raise UploadRefused(UploadFault.GONE, "This upload is not there any more. Create another.")
    if asset.state is not AssetState.AWAITING_BYTES:
        raise UploadRefused(
            UploadFault.COMPLETE_ALREADY, "This upload is complete and cannot be changed. Create another."
        )
    return asset


def _replaced() -> InvalidInput:
    message = "Other bytes have arrived meanwhile. Call completeUpload again."
    return InvalidInput.one(UserErrorCode.INVALID, message, "id")


def _nameless_file(directory: Path) -> IO[bytes]:
    # It has no name from the start where the system can do that: not even a power cut leaves it behind.
    return tempfile.TemporaryFile(dir=directory, prefix="upload-")


async def _write(file: IO[bytes], size: int, chunks: AsyncIterable[bytes]) -> str:
    digest = hashlib.sha256()
    waiting: list[bytes] = []
    gathered = received = 0

    def flush(parts: list[bytes]) -> None:
        for part in parts:
            digest.update(part)
            file.write(part)

    async for chunk in chunks:
        received += len(chunk)
        if received > size:
            raise UploadRefused(
                UploadFault.TOO_LONG, f"More than the {size:,} bytes came that were announced."
            )
        waiting.append(chunk)
        gathered += len(chunk)
        if gathered >= _WRITE_BYTES:
            await asyncio.to_thread(flush, waiting)
            waiting, gathered = [], 0
    if received < size:
        raise UploadRefused(
            UploadFault.TOO_SHORT, f"Only {received:,} of the {size:,} bytes came that were announced."
        )
    await asyncio.to_thread(flush, waiting)
    return digest.hexdigest()


async def _check_content(processes: Processes, path: Path, content_type: str) -> None:
    try:
        output = await processes.run(
            _LOOK_MODULE, str(path), seconds=_LOOK_SECONDS, megabytes=_LOOK_MEGABYTES
        )
    except ProcessFailed:
        message = (
            "The picture cannot be read within the server's bounds. Save it anew, smaller, and try again."
        )
        raise InvalidInput.one(UserErrorCode.UNSUPPORTED_MEDIA, message, "id") from None
    seen: dict[str, Any] = json.loads(output)
    if "code" in seen:
        raise InvalidInput.one(UserErrorCode(seen["code"]), seen["message"], "id")
    if seen["content_type"] != content_type:
        message = (
            f"It was announced as {content_type} but is {seen['content_type']}. "
            "Create the upload anew and announce what it is."
        )
        raise InvalidInput.one(UserErrorCode.UNSUPPORTED_MEDIA, message, "id")


def _measured(path: Path) -> tuple[int, str]:
    """Its bytes, and their SHA-256."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
