"""What every storage can do."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol


@dataclass(frozen=True, slots=True)
class StoredFile:
    key: str
    size_bytes: int
    stored_at: datetime


class Storage(Protocol):
    """Files by their keys. May be used from any event loop.

    Every method that touches files may raise StorageAway, once it has tried again for some seconds: none
    of what was asked may be taken for done, and all of it may be asked again.
    """

    @classmethod
    def open(cls, url: str) -> "Storage":
        """As `open_storage`, which is to be called instead."""
        from heygen_graphql.settings import Settings
        from heygen_graphql.storage.opening import open_storage

        return open_storage(Settings(storage_url=url))

    async def put_file(self, key: str, file: Path | IO[bytes]) -> None:
        """Store a copy of the file, whole or not at all; its key's suffix tells what it is.

        One that is open is read from where it stands. Whoever is cancelled meanwhile may tidy up at once:
        nothing appears later.

        Raises:
            OSError: ENOSPC when there is no room for it.
        """

    async def get_file(self, key: str, path: Path) -> None:
        """Have the stored file at `path`, too, where nothing is yet. Its bytes are to be read only.

        It stays there when the stored one is deleted. Nothing is there when this fails.

        Raises:
            FileNotFoundError: nothing is stored under the key.
        """

    async def find(self, key: str) -> StoredFile | None:
        """None when nothing is stored under the key, whatever it says."""

    async def delete_file(self, key: str) -> None:
        """Does nothing when nothing is stored under the key."""

    async def delete_prefix(self, prefix: str) -> None:
        """Remove every file under the folder `prefix`; does nothing when there is none."""

    async def list_prefix(self, prefix: str) -> list[str]:
        """The keys of every file under the folder `prefix`, sorted."""

    async def list_older(self, prefix: str, before: datetime) -> list[str]:
        """The keys of the files under the folder `prefix` that were stored before then, sorted."""

    async def list_folders(self, prefix: str, *, after: str, limit: int) -> list[str]:
        """The names of the folders in the folder `prefix`, sorted, of those that come after `after`."""

    def local_path(self, key: str) -> Path | None:
        """The file on this machine's disk, for reading where it lies; None when there is none.

        Whatever the key says, the path lies within the storage.
        """

    def link(
        self, key: str, expires_at: datetime, *, method: str = "GET", filename: str | None = None
    ) -> str | None:
        """A link by which anybody may read the file from the storage itself until then.

        None when the storage answers nobody but us. `filename`: under which a browser saves it.
        """

    def upload_link(
        self, key: str, expires_at: datetime, *, content_type: str, size_bytes: int
    ) -> str | None:
        """A link to which anybody may PUT the file until then, again and again.

        None when the storage answers nobody but us. It takes no other size or type, where the storage
        holds to what is signed.
        """

    async def check(self) -> None:
        """Store a small file, find it and delete it again.

        Raises:
            BadSettings: it will not be of use before somebody mends a setting, which is named.
        """
