"""Batched look-ups, so that a list of fifty costs as many queries as a list of one."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar
from uuid import UUID

from aiodataloader import DataLoader

from heygen_graphql import accounts, videos
from heygen_graphql.database import Database
from heygen_graphql.tables import User, Video

Key = TypeVar("Key")
Found = TypeVar("Found")


class OwnedId(NamedTuple):
    owner_id: UUID
    video_id: UUID


class Loaders:
    """What is looked up by id. Each answer is kept, so an instance must not outlive its operation."""

    def __init__(self, database: Database) -> None:
        self.users: DataLoader[UUID, User | None] = _loader(database, accounts.users_by_ids)
        self.videos: DataLoader[OwnedId, Video | None] = _loader(database, _owned_videos)
        self.video_counts: DataLoader[UUID, int | None] = _loader(database, accounts.video_counts)
        self.queue_positions: DataLoader[UUID, int | None] = _loader(database, videos.queue_positions)


def _loader(
    database: Database, find: Callable[[Database, Iterable[Key]], Awaitable[Mapping[Key, Found]]]
) -> DataLoader[Key, Found | None]:
    async def batch(keys: list[Key]) -> list[Found | None]:
        found = await find(database, keys)
        return [found.get(key) for key in keys]

    # Bounded, because every key is a bound variable of one statement.
    return DataLoader(batch, max_batch_size=500)


async def _owned_videos(database: Database, keys: Iterable[OwnedId]) -> dict[OwnedId, Video]:
    wanted: dict[UUID, list[UUID]] = {}
    for key in keys:
        wanted.setdefault(key.owner_id, []).append(key.video_id)
    return {
        OwnedId(owner_id, video_id): video
        for owner_id, video_ids in wanted.items()
        for video_id, video in (await videos.by_ids(database, owner_id, video_ids)).items()
    }
