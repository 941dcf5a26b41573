"""What closed accounts leave behind goes the way that deleted things go anyhow, and then so do they.

Every step looks at the rows first: any number of processes may do this at once, and be killed at it.
"""

from contextlib import suppress
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlmodel import col

from heygen_graphql import assets, videos
from heygen_graphql.accounts import leaving
from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput
from heygen_graphql.jobs.attempt import Workplace
from heygen_graphql.tables import Video

_log = structlog.get_logger(__name__)


async def clear_closed_accounts(place: Workplace) -> None:
    """Delete closed accounts' videos, assets and avatars, and the accounts themselves that have none left."""
    for user_id in await leaving.closed(place.database):
        await _delete_videos(place.database, user_id)
        await assets.delete_all(place.database, user_id)
        if await leaving.remove(place.database, user_id):
            _log.info("account_removed", user_id=str(user_id))


async def _delete_videos(database: Database, owner_id: UUID) -> None:
    async with database.reading() as session:
        shown = select(col(Video.id)).where(col(Video.owner_id) == owner_id, col(Video.deleted_at).is_(None))
        video_ids = list(await session.scalars(shown))
    for video_id in video_ids:
        # Another process may have come first.
        with suppress(InvalidInput):
            await videos.delete(database, owner_id, video_id)
