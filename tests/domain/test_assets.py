import io
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from heygen_graphql import assets
from heygen_graphql.assets import UploadRequest
from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput, UploadFault, UploadRefused
from heygen_graphql.storage import Storage
from heygen_graphql.tables import Asset, AssetState, PhotoAvatar, utc_now

DAY = timedelta(days=1)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage.open((tmp_path / "files").as_uri())


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def sent(database: Database, storage: Storage, owner_id: UUID, tmp_path: Path) -> Asset:
    """An upload whose bytes have come."""
    asset = await assets.create(database, owner_id, UploadRequest("a.png", "image/png", 4), max_bytes=10)
    await assets.receive(database, storage, asset, chunks(b"by", b"te"), scratch=tmp_path / "scratch")
    async with database.reading() as session:
        return await session.get_one(Asset, asset.id)


async def age(database: Database, asset: Asset, **values: object) -> None:
    async with database.transaction() as session:
        session.add((await session.get_one(Asset, asset.id)).sqlmodel_update(values))


async def rows(database: Database) -> list[UUID]:
    async with database.reading() as session:
        return list((await session.execute(select(Asset.id))).scalars())


async def test_an_owner_who_has_very_many_assets_deletes_some_first(
    database: Database, storage: Storage, ada: UUID
) -> None:
    async with database.transaction() as session:
        for _ in range(1000):
            session.add(Asset(owner_id=ada, filename="a.png", content_type="image/png", size_bytes=1))
    request = UploadRequest("a.png", "image/png", 4)
    with pytest.raises(InvalidInput) as refused:
        await assets.create(database, ada, request, max_bytes=10)
    assert refused.value.faults[0].code == "LIMIT_EXCEEDED"
    await assets.delete(database, storage, ada, (await rows(database))[0])
    await assets.create(database, ada, request, max_bytes=10)


async def test_an_upload_that_was_given_up_is_swept_after_a_day(
    database: Database, storage: Storage, ada: UUID, tmp_path: Path
) -> None:
    old, new, done = [await sent(database, storage, ada, tmp_path) for _ in range(3)]
    long_ago = utc_now() - DAY - timedelta(minutes=1)
    await age(database, old, created_at=long_ago)
    await age(database, done, created_at=long_ago, state=AssetState.COMPLETE, sha256="0" * 64)

    await assets.sweep(database, storage)
    await assets.sweep(database, storage)

    assert set(await rows(database)) == {new.id, done.id}
    assert await storage.list_prefix("assets") == sorted(str(one.storage_key) for one in (new, done))
    with pytest.raises(UploadRefused) as refused:
        await assets.awaited(database, old.id, None)
    assert refused.value.reason is UploadFault.GONE


async def test_what_a_crash_left_of_a_deleted_asset_is_swept(
    database: Database, storage: Storage, ada: UUID, tmp_path: Path
) -> None:
    asset = await sent(database, storage, ada, tmp_path)
    await age(database, asset, deleted_at=utc_now() - timedelta(hours=2))
    await assets.sweep(database, storage)
    assert (await rows(database), await storage.list_prefix("assets")) == ([], [])


async def test_bytes_that_come_when_the_asset_is_gone_are_not_kept(
    database: Database, storage: Storage, ada: UUID, tmp_path: Path
) -> None:
    asset = await assets.create(database, ada, UploadRequest("a.png", "image/png", 4), max_bytes=10)

    async def deleted_meanwhile() -> AsyncIterator[bytes]:
        yield b"by"
        await assets.delete(database, storage, ada, asset.id)
        yield b"te"

    with pytest.raises(UploadRefused) as refused:
        await assets.receive(database, storage, asset, deleted_meanwhile(), scratch=tmp_path / "scratch")
    assert refused.value.reason is UploadFault.GONE
    assert await storage.list_prefix("assets") == []
    assert list((tmp_path / "scratch").iterdir()) == []


async def test_a_preview_is_swept_after_a_day(database: Database, storage: Storage, tmp_path: Path) -> None:
    await assets.sweep(database, storage)
    for name in ("old", "new"):
        await storage.put_file(f"previews/{name}.m4a", io.BytesIO(b"sound"))
    long_ago = (utc_now() - DAY - timedelta(minutes=1)).timestamp()
    os.utime(tmp_path / "files" / "previews" / "old.m4a", (long_ago, long_ago))
    await assets.sweep(database, storage)
    assert await storage.list_prefix("previews") == ["previews/new.m4a"]


async def test_what_a_crash_left_of_a_photo_avatar_is_swept_and_its_name_kept(
    database: Database, storage: Storage, ada: UUID
) -> None:
    def avatar(number: int, hours: int | None) -> PhotoAvatar:
        gone_at = None if hours is None else utc_now() - timedelta(hours=hours)
        return PhotoAvatar(
            owner_id=ada,
            avatar_id=f"photo-{number}",
            name=f"Ada {number}",
            consent_given_at=utc_now(),
            files_prefix=f"photo-avatars/{number}",
            deleted_at=gone_at,
        )

    async with database.transaction() as session:
        session.add_all([avatar(1, 2), avatar(2, 0), avatar(3, None)])
    for number in (1, 2, 3):
        await storage.put_file(f"photo-avatars/{number}/rig", io.BytesIO(b"rig"))

    await assets.sweep(database, storage)

    # The second may be in the making still.
    assert await storage.list_prefix("photo-avatars") == ["photo-avatars/2/rig", "photo-avatars/3/rig"]
    names = await assets.avatars.by_avatar_ids(database, ada, ["photo-1", "photo-2", "photo-3"])
    assert {one.name: one.files_prefix for one in names.values()} == {
        "Ada 1": None,
        "Ada 2": "photo-avatars/2",
        "Ada 3": "photo-avatars/3",
    }
