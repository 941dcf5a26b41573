"""Files in a folder of this machine's, or of one that all machines share."""

import asyncio
import errno
import io
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore

from heygen_graphql.errors import BadSettings, StorageAway
from heygen_graphql.observability import STORAGE_ERRORS
from heygen_graphql.storage.keys import BadKey, checked
from heygen_graphql.storage.protocol import Storage, StoredFile
from heygen_graphql.storage.waiting import to_the_end

Result = TypeVar("Result")

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

_log = structlog.stdlib.get_logger(__name__)


class FolderStorage(Storage):
    def __init__(self, root: Path) -> None:
        """`root`: a folder that is there."""
        self._store = LocalStore(root)
        self._root = root.resolve()

    async def put_file(self, key: str, file: Path | IO[bytes]) -> None:
        key = checked(key)
        # It would be made anew, on the wrong disk: a share that is not mounted.
        await asyncio.to_thread(self._require_root)
        with _told():
            await to_the_end(obstore.put_async(self._store, key, file))

    async def get_file(self, key: str, path: Path) -> None:
        stored = self._root / checked(key)
        await self._in_thread(lambda: _link_or_copy(stored, path))

    async def find(self, key: str) -> StoredFile | None:
        def look() -> StoredFile | None:
            path = self.local_path(key)
            if path is None:
                self._require_root()
                return None
            stat = path.stat()
            return StoredFile(key, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))

        try:
            return await self._in_thread(look)
        except FileNotFoundError:
            # Deleted between the two looks.
            return None

    async def delete_file(self, key: str) -> None:
        path = self._root / checked(key)
        try:
            await self._in_thread(path.unlink)
        except FileNotFoundError:
            return

    async def delete_prefix(self, prefix: str) -> None:
        # The folder itself goes too, and with it the part of a file that was being written in a crash.
        folder = self._root / checked(prefix)

        def remove() -> None:
            self._require_root()
            shutil.rmtree(folder, onerror=_unless_gone)

        await self._in_thread(remove)

    async def list_prefix(self, prefix: str) -> list[str]:
        return sorted(file.key for file in await self._list(prefix))

    async def list_older(self, prefix: str, before: datetime) -> list[str]:
        return sorted(file.key for file in await self._list(prefix) if file.stored_at < before)

    async def list_folders(self, prefix: str, *, after: str, limit: int) -> list[str]:
        folder = self._root / checked(prefix)

        def scan() -> list[str]:
            with os.scandir(folder) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir() and entry.name > after)

        try:
            return (await self._in_thread(scan))[:limit]
        except FileNotFoundError:
            return []

    def local_path(self, key: str) -> Path | None:
        try:
            path = (self._root / checked(key)).resolve()
        except BadKey:
            return None
        # A link somebody put into the folder may lead anywhere.
        return path if path.is_relative_to(self._root) and path.is_file() else None

    def link(
        self, key: str, expires_at: datetime, *, method: str = "GET", filename: str | None = None
    ) -> None:
        return None

    def upload_link(self, key: str, expires_at: datetime, *, content_type: str, size_bytes: int) -> None:
        return None

    async def check(self) -> None:
        if await asyncio.to_thread(self._root.is_dir) and not os.access(self._root, os.W_OK | os.X_OK):
            raise BadSettings(f"STORAGE_URL: this user may not write to the folder {self._root}")
        key = f"checks/{secrets.token_hex(8)}"
        await self.put_file(key, io.BytesIO(b"heygen_graphql"))
        if await self.find(key) is None:
            raise BadSettings(f"STORAGE_URL: what is written to the folder {self._root} is not there then")
        await self.delete_file(key)

    async def _list(self, prefix: str) -> list[StoredFile]:
        prefix = checked(prefix)
        await asyncio.to_thread(self._require_root)
        with _told():
            found = await obstore.list(self._store, prefix).collect_async()
        return [StoredFile(one["path"], one["size"], one["last_modified"]) for one in found]

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        """
        Raises:
            FileNotFoundError: what is looked for is not in the folder, which is there.
        """

        def run() -> Result:
            with _told():
                try:
                    return work()
                except (FileNotFoundError, NotADirectoryError):
                    self._require_root()
                    raise

        return await asyncio.to_thread(run)

    def _require_root(self) -> None:
        """
        Raises:
            StorageAway: the folder is not there just now.
        """
        if not self._root.is_dir():
            raise StorageAway("the folder is not there")


@contextmanager
def _told() -> Iterator[None]:
    """
    Raises:
        FileNotFoundError: as it came.
        OSError: ENOSPC, however it was told.
        StorageAway: every other fault of the folder's.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except (NotADirectoryError, IsADirectoryError) as error:
        # A key that goes on where a file is, or ends where a folder is.
        raise FileNotFoundError(*error.args) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        _count(reason)
        if error.errno in _DISK_FULL:
            raise
        raise StorageAway(reason) from error
    except BaseError as error:
        # It tells by its text alone.
        for code in _DISK_FULL:
            if os.strerror(code) in str(error):
                _count(os.strerror(code))
                raise OSError(code, os.strerror(code)) from error
        reason = type(error).__name__
        _count(reason)
        raise StorageAway(reason) from error


def _count(reason: str) -> None:
    _log.warning("storage_away", reason=reason)
    STORAGE_ERRORS.inc()


def _unless_gone(
    _function: object, _path: str, info: tuple[type[BaseException], BaseException, TracebackType]
) -> None:
    # Two may be removing the same, and a third be writing into it: a later sweep comes by again.
    error = info[1]
    if not isinstance(error, FileNotFoundError | NotADirectoryError) and (
        not isinstance(error, OSError) or error.errno != errno.ENOTEMPTY
    ):
        raise error


def _link_or_copy(stored: Path, path: Path) -> None:
    try:
        # Costs nothing, whatever the size; what is stored is never written to again, only replaced.
        os.link(stored, path)
    except FileNotFoundError:
        raise
    except OSError:
        # Another file system, or one without links.
        shutil.copyfile(stored, path)
