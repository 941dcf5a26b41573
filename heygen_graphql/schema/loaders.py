"""Batched look-ups, so that a list of fifty costs as many queries as a list of one."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from aiodataloader import DataLoader

from heygen_graphql import accounts, assets, videos, webhooks
from heygen_graphql.database import Database
from heygen_graphql.tables import ApiKey, Asset, PhotoAvatar, Template, User, Video, Webhook, WebhookDelivery
from heygen_graphql.videos import Quotas, templates

Key = TypeVar("Key")
Found = TypeVar("Found")


class Owned(NamedTuple, Generic[Key]):
    """Something by what tells it apart, among its owner's alone."""

    owner_id: UUID
    key: Key


class Loaders:
    """What is looked up by id. Each answer is kept, so an instance must not outlive its operation."""

    def __init__(self, database: Database, quotas: Quotas) -> None:
        self.users: DataLoader[UUID, User | None] = _loader(database, accounts.users_by_ids)
        self.videos: DataLoader[Owned[UUID], Video | None] = _owned_loader(database, videos.by_ids)
        self.assets: DataLoader[Owned[UUID], Asset | None] = _owned_loader(database, assets.by_ids)
        self.assets_by_key: DataLoader[Owned[str], Asset | None] = _owned_loader(database, assets.by_keys)
        self.photo_avatars: DataLoader[Owned[str], PhotoAvatar | None] = _owned_loader(
            database, assets.avatars.by_avatar_ids
        )
        self.templates: DataLoader[Owned[UUID], Template | None] = _owned_loader(database, templates.by_ids)
        self.api_keys: DataLoader[Owned[UUID], ApiKey | None] = _owned_loader(
            database, accounts.api_keys.by_ids
        )
        self.webhooks: DataLoader[Owned[UUID], Webhook | None] = _owned_loader(database, webhooks.by_ids)
        self.webhook_deliveries: DataLoader[Owned[UUID], WebhookDelivery | None] = _owned_loader(
            database, webhooks.deliveries_by_ids
        )
        self.video_counts: DataLoader[UUID, int | None] = _loader(database, accounts.video_counts)
        self.queue_positions: DataLoader[UUID, int | None] = _loader(
            database, partial(videos.queue_positions, quotas=quotas)
        )


def _loader(
    database: Database, find: Callable[[Database, Iterable[Key]], Awaitable[Mapping[Key, Found]]]
) -> DataLoader[Key, Found | None]:
    async def batch(keys: list[Key]) -> list[Found | None]:
        found = await find(database, keys)
        return [found.get(key) for key in keys]

    # Bounded, because every key is a bound variable of one statement.
    return DataLoader(batch, max_batch_size=500)


def _owned_loader(
    database: Database, find: Callable[[Database, UUID, Iterable[Key]], Awaitable[Mapping[Key, Found]]]
) -> DataLoader[Owned[Key], Found | None]:
    async def find_all(database: Database, keys: Iterable[Owned[Key]]) -> dict[Owned[Key], Found]:
        wanted: dict[UUID, list[Key]] = {}
        for owned in keys:
            wanted.setdefault(owned.owner_id, []).append(owned.key)
        return {
            Owned(owner_id, key): found
            for owner_id, some in wanted.items()
            for key, found in (await find(database, owner_id, some)).items()
        }

    return _loader(database, find_all)
