"""What becomes of an account that its owner deletes."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import SQLModel, col, func, select

from heygen_graphql import accounts
from heygen_graphql.accounts import leaving
from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput
from heygen_graphql.settings import Settings
from heygen_graphql.tables import (
    ApiKey,
    Asset,
    AssetState,
    PhotoAvatar,
    Session,
    User,
    Video,
    VideoStatus,
    Webhook,
    utc_now,
)
from tests.jobs.serving import files, server
from tests.jobs.videos import SLOW, add_video, load, wait_until_it_is

PASSWORD = "correct horse"
TOKENS = accounts.Tokens(key=b"k" * 32, algorithm="HS256", access_minutes=30, refresh_days=30)


async def test_a_deleted_account_leaves_no_file_and_no_row(settings: Settings, database: Database) -> None:
    # Given somebody with a video that is being rendered, one that waits, an asset, an avatar and a webhook
    signed_in = await accounts.sign_up(
        database, TOKENS, email="ada@example.com", password=PASSWORD, full_name="Ada"
    )
    ada = signed_in.user.id
    await accounts.api_keys.create(database, ada, name="CI")
    await add_belongings(database, settings, ada)
    running = await add_video(database, SLOW)
    waiting = await add_video(database, SLOW, queued_at=utc_now() + timedelta(hours=1))
    async with database.transaction() as session:
        await session.execute(update(Video).values(owner_id=ada))

    async with server(settings, database) as queue:
        await queue.hint(running)

        async def is_rendered() -> bool:
            return (await load(database, running)).status is VideoStatus.PROCESSING

        await wait_until_it_is(is_rendered, "beginning the render")
        # When the account is deleted
        await accounts.delete_me(database, ada, password=PASSWORD)
        # Then nothing signs in by it, and its address is free at once
        for table in (Session, ApiKey, Webhook):
            assert await count(database, table) == 0
        await accounts.create_user(database, email="Ada@example.com", password=PASSWORD)

        # And its videos go, while what may still be written to waits for its hour
        async def have_gone() -> bool:
            return await count(database, Video, col(Video.id).in_([running, waiting])) == 0

        await wait_until_it_is(have_gone, "removing the videos")
        assert await count(database, User, col(User.id) == ada) == 1
        assert len(files(settings)) == 2
        an_hour_ago = utc_now() - timedelta(hours=1, seconds=1)
        async with database.transaction() as session:
            await session.execute(update(Asset).values(deleted_at=an_hour_ago))
            await session.execute(update(PhotoAvatar).values(deleted_at=an_hour_ago))

    # And after that the rest, at the next start
    async with server(settings, database):

        async def is_removed() -> bool:
            return await count(database, User, col(User.id) == ada) == 0

        await wait_until_it_is(is_removed, "removing the account")
    assert files(settings) == []
    assert await count(database, PhotoAvatar) == 0


async def test_an_account_stays_while_a_call_that_began_before_leaves_something(
    settings: Settings, sqlite: Database
) -> None:
    # Given a deleted account whose last call has made a video since
    user = await accounts.create_user(sqlite, email="ada@example.com", password=PASSWORD)
    await accounts.delete_me(sqlite, user.id, password=PASSWORD)
    video_id = await add_video(sqlite)
    async with sqlite.transaction() as session:
        await session.execute(update(Video).values(owner_id=user.id))
    # Then it is not removed from under the video
    assert not await leaving.remove(sqlite, user.id)
    assert (await load(sqlite, video_id)).owner_id == user.id
    # Nor is an account that nobody has deleted
    ben = await accounts.create_user(sqlite, email="ben@example.com", password=PASSWORD)
    assert not await leaving.remove(sqlite, ben.id)


@pytest.mark.parametrize("password", ["wrong horse", ""])
async def test_an_account_is_deleted_by_its_password_alone(sqlite: Database, password: str) -> None:
    user = await accounts.create_user(sqlite, email="ada@example.com", password=PASSWORD)
    with pytest.raises(InvalidInput):
        await accounts.delete_me(sqlite, user.id, password=password)
    assert await leaving.closed(sqlite) == []


async def add_belongings(database: Database, settings: Settings, owner_id: UUID) -> None:
    asset = Asset(
        owner_id=owner_id,
        filename="a.png",
        content_type="image/png",
        size_bytes=4,
        sha256="0" * 64,
        state=AssetState.COMPLETE,
    )
    asset.storage_key = f"assets/{asset.id}/a.png"
    avatar = PhotoAvatar(owner_id=owner_id, avatar_id="photo-1", name="Ada", consent_given_at=utc_now())
    avatar.files_prefix = f"photo-avatars/{avatar.id}"
    webhook = Webhook(owner_id=owner_id, url="https://example.com", events=["PING"], secret="whsec_x")
    async with database.transaction() as session:
        session.add_all([asset, avatar, webhook])
    for key in (asset.storage_key, avatar.rig_key):
        path = settings.data_dir / "files" / key
        path.parent.mkdir(parents=True)
        path.write_bytes(b"here")


async def count(database: Database, table: type[SQLModel], *conditions: object) -> int:
    async with database.reading() as session:
        counted = select(func.count()).select_from(table).where(*conditions)  # type: ignore[arg-type]
        return (await session.execute(counted)).scalar_one()
