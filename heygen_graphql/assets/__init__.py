"""What owners bring along: files, and presenters made of portraits."""

from heygen_graphql.assets import avatars
from heygen_graphql.assets.reading import by_ids, by_keys, count, page
from heygen_graphql.assets.sweeping import delete_all, sweep
from heygen_graphql.assets.uploads import (
    UploadRequest,
    awaited,
    complete,
    create,
    delete,
    receive,
    staging_key,
)

__all__ = [
    "UploadRequest",
    "avatars",
    "awaited",
    "by_ids",
    "by_keys",
    "complete",
    "count",
    "create",
    "delete",
    "delete_all",
    "page",
    "receive",
    "staging_key",
    "sweep",
]
