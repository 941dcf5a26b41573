"""What is nobody's any more: uploads that were given up, and what a crash left of deleted things.

Any number of processes may sweep at once.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, delete, or_, update
from sqlmodel import col, select

from heygen_graphql.assets.uploads import delete_files
from heygen_graphql.database import Database
from heygen_graphql.storage import PREVIEWS_LAST, PREVIEWS_PREFIX, UPLOADS_PREFIX, Storage
from heygen_graphql.tables import Asset, AssetState, PhotoAvatar

UPLOADS_LAST = timedelta(days=1)

_BATCH = 100
# Longer than whoever deletes or makes something takes to tidy up.
_TIDYING = timedelta(hours=1)


async def sweep(database: Database, storage: Storage) -> None:
    """Safe to repeat, and to leave off anywhere: rows go after their files."""
    await _sweep_assets(database, storage)
    await _sweep_avatars(database, storage)
    async with database.reading() as session:
        now = await database.now(session)
    # A link to send to lives on when its upload is complete or deleted.
    for prefix, lasts in ((PREVIEWS_PREFIX, PREVIEWS_LAST), (UPLOADS_PREFIX, UPLOADS_LAST)):
        for key in await storage.list_older(prefix, now - lasts):
            await storage.delete_file(key)


async def delete_all(database: Database, owner_id: UUID) -> None:
    """Take all of an owner's assets and avatars away; `sweep` removes their files. Safe to repeat."""
    left = {
        table: and_(col(table.owner_id) == owner_id, col(table.deleted_at).is_(None))
        for table in (Asset, PhotoAvatar)
    }
    async with database.reading() as session:
        now = await database.now(session)
        found = [
            (await session.execute(select(table.id).where(one).limit(1))).first()
            for table, one in left.items()
        ]
    if any(found):
        async with database.transaction() as session:
            for table, one in left.items():
                await session.execute(update(table).where(one).values(deleted_at=now))


async def _sweep_assets(database: Database, storage: Storage) -> None:
    async with database.reading() as session:
        now = await database.now(session)
        is_over = or_(
            col(Asset.deleted_at) < now - _TIDYING,
            and_(col(Asset.state) == AssetState.AWAITING_BYTES, col(Asset.created_at) < now - UPLOADS_LAST),
        )
        ids = list((await session.execute(select(Asset.id).where(is_over).limit(_BATCH))).scalars())
    if not ids:
        return
    async with database.transaction() as session:
        # First out of reach: nothing may be sent to one whose files are being removed.
        await session.execute(
            update(Asset)
            .where(col(Asset.id).in_(ids), is_over, col(Asset.deleted_at).is_(None))
            .values(deleted_at=now - _TIDYING)
        )
        # Without those that were completed in the meantime.
        is_gone = and_(col(Asset.id).in_(ids), col(Asset.deleted_at).is_not(None))
        gone = list((await session.execute(select(Asset.id).where(is_gone))).scalars())
    for asset_id in gone:
        await delete_files(storage, asset_id)
    async with database.transaction() as session:
        await session.execute(delete(Asset).where(col(Asset.id).in_(gone)))


async def _sweep_avatars(database: Database, storage: Storage) -> None:
    async with database.reading() as session:
        now = await database.now(session)
        left = select(PhotoAvatar.id, PhotoAvatar.files_prefix).where(
            col(PhotoAvatar.deleted_at) < now - _TIDYING, col(PhotoAvatar.files_prefix).is_not(None)
        )
        rows = (await session.execute(left.limit(_BATCH))).all()
    for _, prefix in rows:
        await storage.delete_prefix(prefix)
    async with database.transaction() as session:
        await session.execute(
            update(PhotoAvatar)
            .where(
                col(PhotoAvatar.id).in_([row[0] for row in rows]), col(PhotoAvatar.deleted_at).is_not(None)
            )
            .values(files_prefix=None)
        )
