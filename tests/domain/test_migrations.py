"""The way to the newest schema and back, over rows that are there already."""

import asyncio

import alembic.command
from sqlalchemy import inspect
from sqlmodel import SQLModel, select

from heygen_graphql.database import Database, alembic_config, migrate
from heygen_graphql.tables import Asset, PhotoAvatar, User, Video, VideoEvent, utc_now


def test_assets_come_and_go_without_a_row_lost(database_url: str) -> None:
    config = alembic_config(database_url)
    alembic.command.downgrade(config, "0001")
    assert "assets" not in tables_of(database_url)
    user = User(email="ada@example.com", email_key="ada@example.com", password_hash="-")
    video = Video(
        owner_id=user.id,
        request={"script": "Hello."},
        storyboard={},
        script="Hello.",
        voice_id="heart",
        avatar_id="maya",
        language="en",
        quality="LOW",
        aspect_ratio="LANDSCAPE",
        caption_style="NONE",
    )
    add(database_url, user)
    add(database_url, video)
    add(database_url, VideoEvent(video_id=video.id, version=1, fence=0, status=video.status))

    migrate(database_url)
    asset = Asset(owner_id=user.id, filename="a.png", content_type="image/png", size_bytes=3_000_000_000)
    avatar = PhotoAvatar(
        owner_id=user.id, avatar_id="photo-1", name="Ada", consent_given_at=utc_now(), files_prefix="x"
    )
    add(database_url, asset)
    add(database_url, avatar)
    assert ids_of(database_url, Asset) == [asset.id]
    alembic.command.downgrade(config, "0001")
    migrate(database_url)

    assert ids_of(database_url, User) == [user.id]
    assert ids_of(database_url, Video) == [video.id]
    assert len(ids_of(database_url, VideoEvent)) == 1
    assert ids_of(database_url, Asset) == []
    assert ids_of(database_url, PhotoAvatar) == []


def tables_of(url: str) -> list[str]:
    async def look() -> list[str]:
        database = Database(url)
        try:
            async with database.engine.connect() as connection:
                return await connection.run_sync(lambda one: inspect(one).get_table_names())
        finally:
            await database.close()

    return asyncio.run(look())


def add(url: str, row: SQLModel) -> None:
    async def write() -> None:
        database = Database(url)
        try:
            async with database.transaction() as session:
                session.add(row)
        finally:
            await database.close()

    asyncio.run(write())


def ids_of(
    url: str, table: type[User] | type[Video] | type[VideoEvent] | type[Asset] | type[PhotoAvatar]
) -> list[object]:
    async def read() -> list[object]:
        database = Database(url)
        try:
            async with database.reading() as session:
                return list((await session.execute(select(table.id))).scalars())
        finally:
            await database.close()

    return asyncio.run(read())
