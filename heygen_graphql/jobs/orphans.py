"""Files that no row tells of: of a worker that slept while its video was deleted, or died amid tidying up."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from sqlmodel import col, select

from heygen_graphql.jobs import claiming
from heygen_graphql.jobs.attempt import Workplace
from heygen_graphql.jobs.ending import remove_files_before
from heygen_graphql.tables import Asset, Video, VideoStatus

_BATCH = 50
"""Folders looked at by one sweep, from a place taken by chance: in time all are, however many there are."""
_OLD = timedelta(hours=1)
"""Longer than anybody takes from storing a file to writing its row."""
_ENDED = (VideoStatus.COMPLETED, VideoStatus.FAILED, VideoStatus.CANCELED)

_log = structlog.get_logger(__name__)


async def sweep_orphans(place: Workplace) -> None:
    """Remove some of what nobody owns. Safe to repeat, and for many to do at once."""
    await _sweep_videos(place)
    for asset_id in await _some_ids(place, "assets"):
        async with place.database.reading() as session:
            is_owned = await session.scalar(select(col(Asset.id)).where(col(Asset.id) == asset_id))
        if is_owned is None:
            await _remove(place, f"assets/{asset_id}")


async def _sweep_videos(place: Workplace) -> None:
    ids = await _some_ids(place, "videos")
    async with place.database.reading() as session:
        now = await place.database.now(session)
        rows = await session.scalars(select(Video).where(col(Video.id).in_(ids)))
        videos = {video.id: video for video in rows}
    for video_id in ids:
        video = videos.get(video_id)
        if video is None:
            await _remove(place, claiming.all_files_prefix(video_id))
        elif video.status in _ENDED and video.updated_at < now - _OLD:
            # Should its owner have it made anew just now, the next attempt has a greater fence.
            prefix = video.files_prefix
            kept = video.fence + 1 if prefix is None else int(prefix.rpartition("/")[2])
            await remove_files_before(place.storage, video_id, kept)


async def _some_ids(place: Workplace, prefix: str) -> list[UUID]:
    names = await place.storage.list_folders(prefix, after=str(uuid4()), limit=_BATCH)
    if len(names) < _BATCH:
        # From the beginning again; when there are few, these are all.
        names = [*names, *await place.storage.list_folders(prefix, after="", limit=_BATCH - len(names))]
    return [
        UUID(name)
        for name in dict.fromkeys(names)
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", name)
    ]


async def _remove(place: Workplace, prefix: str) -> None:
    async with place.database.reading() as session:
        now = await place.database.now(session)
    keys = await place.storage.list_prefix(prefix)
    if len(await place.storage.list_older(prefix, now - _OLD)) == len(keys):
        await place.storage.delete_prefix(prefix)
        _log.info("orphans_removed", prefix=prefix, files=len(keys))
