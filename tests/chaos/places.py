"""Where the files of a run lie, and how that place is made to refuse."""

import asyncio
import ctypes
import hashlib
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from heygen_graphql.settings import Settings
from heygen_graphql.storage import Storage, open_storage
from tests.servers import S3

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class Place(Protocol):
    @property
    def environment(self) -> dict[str, str]:
        """What has a server keep its files there."""

    def refusing(self, dice: float) -> AbstractContextManager[None]:
        """Have nothing stored, read or removed meanwhile, whoever asks."""

    async def keys(self) -> list[str]:
        """Of all that lies there, also of what is there in part alone."""

    async def digest(self, key: str) -> str:
        """Its SHA-256."""


class Folder:
    def __init__(self, root: Path) -> None:
        root.mkdir()
        self._root = root

    @property
    def environment(self) -> dict[str, str]:
        return {"STORAGE_URL": self._root.as_uri()}

    @contextmanager
    def refusing(self, _dice: float) -> Iterator[None]:
        # No mode of a folder refuses root anything: a file takes its place.
        aside = self._root.with_name(f"{self._root.name}.aside")
        aside.touch()
        _exchange(self._root, aside)
        try:
            yield
        finally:
            _exchange(self._root, aside)
            aside.unlink()

    async def keys(self) -> list[str]:
        # Whatever is there: the server's own listing leaves out files that were not finished.
        found = (path for path in self._root.rglob("*") if path.is_file())
        return sorted(path.relative_to(self._root).as_posix() for path in found)

    async def digest(self, key: str) -> str:
        return hashlib.sha256((self._root / key).read_bytes()).hexdigest()


class Bucket:
    def __init__(self, server: S3) -> None:
        self._server = server
        self._name = server.new_bucket()

    @property
    def environment(self) -> dict[str, str]:
        return self._server.environment(self._name)

    @contextmanager
    def refusing(self, dice: float) -> Iterator[None]:
        if dice < 0.5:
            with self._server.guarded():
                yield
            return
        self._server.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._server.process.send_signal(signal.SIGCONT)

    async def keys(self) -> list[str]:
        stored = await self._storage().list_prefix("videos")
        begun = await asyncio.to_thread(self._server.uploads_in, self._name)
        return [*stored, *(f"{key}#begun" for key in begun)]

    async def digest(self, key: str) -> str:
        with tempfile.TemporaryDirectory() as directory:
            film = Path(directory) / "film"
            await self._storage().get_file(key, film)
            return hashlib.sha256(film.read_bytes()).hexdigest()

    def _storage(self) -> Storage:
        named = {name.lower(): value for name, value in self.environment.items()}
        return open_storage(Settings(_env_file=None, **named))  # type: ignore[arg-type]


def _exchange(one: Path, other: Path) -> None:
    # In one step: whoever stores a file would make a folder anew that is missing for a moment.
    renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), str(one))
