"""Assets looked up and listed; only ever an owner's own, and none that is deleted."""

from collections.abc import Iterable
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from heygen_graphql.database import Database
from heygen_graphql.paging import Page, Window, newest_first
from heygen_graphql.tables import Asset, AssetState

_NEWEST_FIRST = newest_first("assets", Asset)


async def by_ids(database: Database, owner_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Asset]:
    """Complete or not."""
    async with database.reading() as session:
        rows = await session.execute(_owned(owner_id).where(col(Asset.id).in_(list(ids))))
        return {asset.id: asset for asset in rows.scalars()}


async def by_keys(database: Database, owner_id: UUID, keys: Iterable[str]) -> dict[str, Asset]:
    """By where their files lie."""
    async with database.reading() as session:
        rows = await session.execute(_owned(owner_id).where(col(Asset.storage_key).in_(list(keys))))
        return {asset.storage_key: asset for asset in rows.scalars() if asset.storage_key is not None}


async def page(database: Database, owner_id: UUID, window: Window) -> Page[Asset]:
    """The complete ones, newest first.

    Raises:
        BadRequest: the cursor is of another list.
    """
    async with database.reading() as session:
        rows = (await session.scalars(_NEWEST_FIRST.within(_complete(owner_id), window))).all()
    return _NEWEST_FIRST.page(rows, window)


async def count(database: Database, owner_id: UUID) -> int:
    async with database.reading() as session:
        counted = select(func.count()).select_from(_complete(owner_id).subquery())
        return (await session.execute(counted)).scalar_one()


def _owned(owner_id: UUID) -> SelectOfScalar[Asset]:
    return select(Asset).where(Asset.owner_id == owner_id, col(Asset.deleted_at).is_(None))


def _complete(owner_id: UUID) -> SelectOfScalar[Asset]:
    return _owned(owner_id).where(Asset.state == AssetState.COMPLETE)
