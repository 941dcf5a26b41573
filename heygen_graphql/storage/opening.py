"""The storage that the settings name."""

import asyncio
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import structlog

from heygen_graphql.errors import BadSettings, StorageAway
from heygen_graphql.settings import Settings
from heygen_graphql.storage.folder import FolderStorage
from heygen_graphql.storage.keys import BadKey, checked
from heygen_graphql.storage.protocol import Storage
from heygen_graphql.storage.s3 import Bucket, S3Storage
from heygen_graphql.storage.signing import Keys

# Amazon S3 User Guide, "General purpose bucket naming rules".
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

log = structlog.stdlib.get_logger(__name__)


def open_storage(settings: Settings) -> Storage:
    """Asks no network; a folder is made.

    Raises:
        BadSettings: the URL is of no kind that is known, a key is missing, or the folder cannot be made.
    """
    url = settings.resolved_storage_url
    parts = urlsplit(url)
    match parts.scheme:
        case "file" if not parts.netloc:
            return _folder(Path(url2pathname(parts.path)))
        case "s3":
            return S3Storage(bucket_of(settings))
    raise BadSettings("STORAGE_URL: neither a folder nor a bucket; write file:///path or s3://bucket/prefix")


async def ready_storage(settings: Settings) -> Storage:
    """As `open_storage`, and tried; one that is away just now is waited for by whoever needs it.

    Raises:
        BadSettings: as `open_storage` and `Storage.check`.
    """
    storage = await asyncio.to_thread(open_storage, settings)
    try:
        await storage.check()
    except StorageAway as error:
        log.warning("storage_not_reached_at_start", reason=error.reason)
    except OSError as error:
        log.error("storage_full_at_start", reason=error.strerror)
    return storage


def _folder(root: Path) -> FolderStorage:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettings(f"STORAGE_URL: the folder {root} cannot be made: {error.strerror}") from error
    return FolderStorage(root)


def bucket_of(settings: Settings) -> Bucket:
    """
    Raises:
        BadSettings: as `open_storage`.
    """
    parts = urlsplit(settings.resolved_storage_url)
    name, prefix = parts.netloc, parts.path.strip("/")
    if not _BUCKET.fullmatch(name):
        raise BadSettings(
            "STORAGE_URL: what follows s3:// is no bucket's name; write s3://bucket or s3://bucket/prefix, "
            "and the server's address as AWS_ENDPOINT_URL"
        )
    if prefix:
        try:
            checked(prefix)
        except BadKey:
            message = "STORAGE_URL: the prefix may have letters, digits, '-', '_', '.' and '/' alone"
            raise BadSettings(message) from None
    key_id, secret = settings.aws_access_key_id, settings.aws_secret_access_key
    if key_id is None or secret is None:
        missing = "AWS_ACCESS_KEY_ID" if key_id is None else "AWS_SECRET_ACCESS_KEY"
        raise BadSettings(f"{missing} is not set; STORAGE_URL names a bucket, whose links are signed with it")
    token = settings.aws_session_token
    return Bucket(
        name,
        prefix,
        Keys(
            key_id.get_secret_value(),
            secret.get_secret_value(),
            None if token is None else token.get_secret_value(),
        ),
        settings.aws_region,
        settings.aws_endpoint_url,
        settings.storage_public_url,
    )
