"""The storage that the settings name."""

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from heygen_graphql.errors import BadSettings
from heygen_graphql.settings import Settings
from heygen_graphql.storage.folder import FolderStorage
from heygen_graphql.storage.protocol import Storage


def open_storage(where: Settings | str) -> Storage:
    """Of the settings, or at a URL. Asks no network; a folder is made.

    Raises:
        BadSettings: the URL is of no kind that is known, or the folder cannot be made.
    """
    url = where if isinstance(where, str) else where.resolved_storage_url
    parts = urlsplit(url)
    if parts.scheme != "file":
        raise BadSettings(f"STORAGE_URL: {url!r} is not a folder; write file:///path")
    root = Path(url2pathname(parts.path))
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettings(f"STORAGE_URL: the folder {root} cannot be made: {error.strerror}") from error
    return FolderStorage(root)
