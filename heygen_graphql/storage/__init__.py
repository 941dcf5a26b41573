"""Where finished files lie, and the links by which clients fetch them."""

from heygen_graphql.storage.folder import FolderStorage
from heygen_graphql.storage.keys import PREVIEWS_LAST, PREVIEWS_PREFIX, UPLOADS_PREFIX, BadKey, content_type
from heygen_graphql.storage.links import MEDIA_PATH, Links
from heygen_graphql.storage.opening import open_storage, ready_storage
from heygen_graphql.storage.protocol import Storage, StoredFile
from heygen_graphql.storage.s3 import Bucket, S3Storage
from heygen_graphql.storage.signing import Keys

__all__ = [
    "MEDIA_PATH",
    "PREVIEWS_LAST",
    "PREVIEWS_PREFIX",
    "UPLOADS_PREFIX",
    "BadKey",
    "Bucket",
    "FolderStorage",
    "Keys",
    "Links",
    "S3Storage",
    "Storage",
    "StoredFile",
    "content_type",
    "open_storage",
    "ready_storage",
]
