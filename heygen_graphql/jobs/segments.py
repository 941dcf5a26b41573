"""The rendered scenes of a video, kept in storage: a render begins with what earlier ones finished.

A segment's name says all that shapes it, so whoever stores one stores the same picture and sound: attempts
need not be kept apart, and what one of them loses costs no more than its rendering.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import structlog

from heygen_graphql.jobs.claiming import all_files_prefix
from heygen_graphql.jobs.protocol import SegmentStored
from heygen_graphql.storage import Storage

_log = structlog.get_logger(__name__)


def segments_prefix(video_id: UUID) -> str:
    return f"{all_files_prefix(video_id)}/segments"


async def names(storage: Storage, video_id: UUID) -> frozenset[str]:
    """Of the video's segments."""
    return frozenset(key.rpartition("/")[2] for key in await storage.list_prefix(segments_prefix(video_id)))


async def fetch(storage: Storage, video_id: UUID, folder: Path) -> frozenset[str]:
    """Have the video's segments in the folder, where some may be already; their names."""
    fetched = []
    for name in await names(storage, video_id):
        if not (folder / name).exists():
            try:
                await storage.get_file(f"{segments_prefix(video_id)}/{name}", folder / name)
            except FileNotFoundError:
                # Another attempt has just done without it.
                continue
        fetched.append(name)
    return frozenset(fetched)


async def store(storage: Storage, video_id: UUID, folder: Path, name: str) -> None:
    """Keep the segment that lies in the folder."""
    await storage.put_file(f"{segments_prefix(video_id)}/{name}", folder / name)


@asynccontextmanager
async def stored_on_the_way(
    storage: Storage, video_id: UUID, folder: Path, *, may_store: Callable[[], Awaitable[bool]]
) -> AsyncIterator[Callable[[SegmentStored], None]]:
    """What takes word of a new segment in the folder; each is stored at once, or by the end of the block.

    `may_store` is asked before each.
    """
    names: asyncio.Queue[str | None] = asyncio.Queue()

    async def follow() -> None:
        while (name := await names.get()) is not None:
            try:
                if await may_store():
                    await store(storage, video_id, folder, name)
            except Exception:
                # The film does not depend on it.
                _log.warning("segment_not_stored", name=name, exc_info=True)

    storing = asyncio.create_task(follow())
    try:
        yield lambda segment: names.put_nowait(segment.name)
        names.put_nowait(None)
        await storing
    finally:
        storing.cancel()
        await asyncio.wait({storing})


async def forget(storage: Storage, video_id: UUID, names: frozenset[str]) -> None:
    for name in names:
        await storage.delete_file(f"{segments_prefix(video_id)}/{name}")


async def forget_all(storage: Storage, video_id: UUID) -> None:
    await storage.delete_prefix(segments_prefix(video_id))
