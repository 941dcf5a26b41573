"""Batched look-ups, so that a list of fifty costs as many queries as a list of one."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar
from uuid import UUID

from aiodataloader import DataLoader

from heygen_graphql import accounts, videos
from heygen_graphql.database import Database
from heygen_graphql.tables import User

Found = TypeVar("Found")


class Loaders:
    """What is looked up by id. Each answer is kept, so an instance must not outlive its operation."""

    def __init__(self, database: Database) -> None:
        self.users: DataLoader[UUID, User | None] = _loader(database, accounts.users_by_ids)
        self.video_counts: DataLoader[UUID, int | None] = _loader(database, accounts.video_counts)
        self.queue_positions: DataLoader[UUID, int | None] = _loader(database, videos.queue_positions)


def _loader(
    database: Database, find: Callable[[Database, Iterable[UUID]], Awaitable[dict[UUID, Found]]]
) -> DataLoader[UUID, Found | None]:
    async def batch(ids: list[UUID]) -> list[Found | None]:
        found = await find(database, ids)
        return [found.get(one) for one in ids]

    # Bounded, because every id is a bound variable of one statement.
    return DataLoader(batch, max_batch_size=500)
