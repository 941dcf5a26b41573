"""Assets looked up and listed; only ever an owner's own, and none that is deleted."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from heygen_graphql.database import Database
from heygen_graphql.paging import (
    Page,
    Window,
    decode_cursor,
    decode_instant,
    decode_uuid,
    encode_cursor,
    page_of,
)
from heygen_graphql.tables import Asset, AssetState

_ORDER = "assets"


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
    query = _complete(owner_id)
    # Going backward through a descending list is reading it ascending.
    is_descending = not window.is_backward
    created_at, id_ = col(Asset.created_at), col(Asset.id)
    if window.cursor is not None:
        instant_part, id_part = decode_cursor(window.cursor, _ORDER, 2)
        instant, asset_id = decode_instant(instant_part), decode_uuid(id_part)
        beyond = created_at < instant if is_descending else created_at > instant
        beyond_id = id_ < asset_id if is_descending else id_ > asset_id
        query = query.where(or_(beyond, and_(created_at == instant, beyond_id)))
    order = (created_at.desc(), id_.desc()) if is_descending else (created_at.asc(), id_.asc())
    async with database.reading() as session:
        rows = list((await session.execute(query.order_by(*order).limit(window.size + 1))).scalars())
    cursors = [encode_cursor(_ORDER, asset.created_at.isoformat(), str(asset.id)) for asset in rows]
    return page_of(rows, cursors, window)


async def count(database: Database, owner_id: UUID) -> int:
    async with database.reading() as session:
        counted = select(func.count()).select_from(_complete(owner_id).subquery())
        return (await session.execute(counted)).scalar_one()


def _owned(owner_id: UUID) -> SelectOfScalar[Asset]:
    return select(Asset).where(Asset.owner_id == owner_id, col(Asset.deleted_at).is_(None))


def _complete(owner_id: UUID) -> SelectOfScalar[Asset]:
    return _owned(owner_id).where(Asset.state == AssetState.COMPLETE)
