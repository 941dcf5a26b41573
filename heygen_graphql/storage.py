"""Where finished files lie, and the links by which clients fetch them."""

import asyncio
import errno
import hashlib
import hmac
import json
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import GenericError
from obstore.store import LocalStore

from heygen_graphql.errors import BadSettings

MEDIA_PATH = "/media/"
UPLOADS_PREFIX = "uploads"
"""Nothing is stored under it: a link to a name below it takes bytes in."""
PREVIEWS_PREFIX = "previews"
"""Where files lie that no row tells of ..."""
PREVIEWS_LAST = timedelta(days=1)
"""... and after how long each is removed."""
_KEY_SEGMENT_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


class BadKey(ValueError):
    """A name that no file of ours could have."""


def _checked(key: str) -> str:
    """
    Raises:
        BadKey: it is empty, or could lead out of the storage's root.
    """
    for segment in key.split("/"):
        # No name of ours begins with a dot, so "." and ".." need no rule of their own.
        if not segment or segment.startswith(".") or not _KEY_SEGMENT_LETTERS.issuperset(segment):
            raise BadKey(f"not a storage key: {key!r}")
    return key


class Storage:
    """A folder. Keys are relative paths of plain ASCII names.

    May be used from any event loop.
    """

    def __init__(self, root: Path) -> None:
        self._store = LocalStore(root)
        self._root = root.resolve()

    @classmethod
    def open(cls, url: str) -> "Storage":
        """
        Raises:
            BadSettings: the URL is not a folder's, or the folder cannot be made.
        """
        parts = urlsplit(url)
        if parts.scheme != "file":
            raise BadSettings(f"STORAGE_URL: {url!r} is not a folder; write file:///path")
        root = Path(url2pathname(parts.path))
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSettings(f"STORAGE_URL: the folder {root} cannot be made: {error.strerror}") from error
        return cls(root)

    async def put_file(self, key: str, file: Path | IO[bytes]) -> None:
        """Store a copy of the file, whole or not at all; its key's suffix tells what it is.

        One that is open is read from where it stands.

        Raises:
            OSError: ENOSPC when there is no room for it.
        """
        putting = asyncio.ensure_future(obstore.put_async(self._store, _checked(key), file))
        try:
            await asyncio.shield(putting)
        except asyncio.CancelledError:
            # The copy goes on in its thread: waited for, lest the file appear after whoever cancelled us
            # has tidied up.
            await asyncio.wait({putting})
            raise
        except GenericError as error:
            # It tells by its text alone.
            if os.strerror(errno.ENOSPC) not in str(error):
                raise
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), key) from error

    async def get_file(self, key: str, path: Path) -> None:
        """Have the stored file at `path`, too, where nothing is yet. Its bytes are to be read only.

        It stays there when the stored one is deleted.

        Raises:
            FileNotFoundError: nothing is stored under the key.
        """
        await asyncio.to_thread(_link_or_copy, self._root / _checked(key), path)

    async def delete_file(self, key: str) -> None:
        """Does nothing when nothing is stored under the key."""
        await asyncio.to_thread((self._root / _checked(key)).unlink, missing_ok=True)

    async def delete_prefix(self, prefix: str) -> None:
        """Remove every file under the folder `prefix`; does nothing when there is none."""
        # The folder itself goes too, and with it the part of a file that was being written in a crash.
        await asyncio.to_thread(shutil.rmtree, self._root / _checked(prefix), ignore_errors=True)

    async def list_prefix(self, prefix: str) -> list[str]:
        """The keys of every file under the folder `prefix`, sorted."""
        found = await obstore.list(self._store, _checked(prefix)).collect_async()
        return sorted(entry["path"] for entry in found)

    async def list_older(self, prefix: str, before: datetime) -> list[str]:
        """The keys of the files under the folder `prefix` that were stored before then."""
        found = await obstore.list(self._store, _checked(prefix)).collect_async()
        return sorted(entry["path"] for entry in found if entry["last_modified"] < before)

    def local_path(self, key: str) -> Path | None:
        """The file on this machine's disk; None when there is none.

        Whatever the key says, the path lies within the storage's folder.
        """
        try:
            path = (self._root / _checked(key)).resolve()
        except BadKey:
            return None
        # A link somebody put into the folder may lead anywhere.
        return path if path.is_relative_to(self._root) and path.is_file() else None


def _link_or_copy(stored: Path, path: Path) -> None:
    try:
        # Costs nothing, whatever the size; what is stored is never written to again, only replaced.
        os.link(stored, path)
    except FileNotFoundError:
        raise
    except OSError:
        # Another file system, or one without links.
        shutil.copyfile(stored, path)


class Links:
    """Links to files that show they come from us, and until when they hold."""

    def __init__(self, key: bytes) -> None:
        # A key of its own: a signature made here means nothing where else the secret is used.
        self._key = hmac.digest(key, b"heygen_graphql media links", "sha256")

    def sign(self, key: str, expires_at: datetime, *, filename: str | None = None) -> str:
        """The path and query of a link; `filename` is the name under which a browser saves the file."""
        expires = str(int(expires_at.timestamp()))
        query = {"expires": expires, "signature": self._signature(key, expires, filename)}
        if filename is not None:
            query["filename"] = filename
        return f"{MEDIA_PATH}{quote(key)}?{urlencode(query)}"

    def verify(
        self, key: str, expires: str, signature: str, now: datetime, *, filename: str | None = None
    ) -> bool:
        """Whether the parts of a link are as they were signed, and its time has not passed."""
        expected = self._signature(key, expires, filename)
        # Compared as bytes: text that is not ASCII would raise.
        is_ours = hmac.compare_digest(expected.encode(), signature.encode())
        # Ours means that `expires` was written by `sign`, so it is a number.
        return is_ours and now.timestamp() < int(expires)

    def _signature(self, key: str, expires: str, filename: str | None) -> str:
        # JSON parts the fields: run together, "a" + "1" and "a1" + "" would be signed alike.
        signed = json.dumps([key, expires, filename]).encode()
        return hmac.new(self._key, signed, hashlib.sha256).hexdigest()
