"""Where finished files lie, and the links by which clients fetch them."""

from heygen_graphql.storage.folder import FolderStorage
from heygen_graphql.storage.keys import PREVIEWS_LAST, PREVIEWS_PREFIX, UPLOADS_PREFIX, BadKey
from heygen_graphql.storage.links import MEDIA_PATH, Links
from heygen_graphql.storage.opening import open_storage
from heygen_graphql.storage.protocol import Storage, StoredFile

__all__ = [
    "MEDIA_PATH",
    "PREVIEWS_LAST",
    "PREVIEWS_PREFIX",
    "UPLOADS_PREFIX",
    "BadKey",
    "FolderStorage",
    "Links",
    "Storage",
    "StoredFile",
    "open_storage",
]
