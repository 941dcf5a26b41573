"""Directories that belong to a process for as long as it lives, however it ends.

A lock of flock(2) goes with the process that holds it, so what a dead one left behind can be told from
what is in use.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heygen_graphql.errors import BadSettings

_LOCK_NAME = "lock"
_LEAST_FREE_BYTES = 64 * 1024**2
"""Of a disk that has less, a render would most likely see the end."""


@contextmanager
def held_data_directory(directory: Path) -> Iterator[None]:
    """Make sure that one server alone uses the directory while the block runs.

    Raises:
        BadSettings: another one does, or it cannot be written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BadSettings(
            f"DATA_DIR {directory} cannot be used: {error.strerror}; "
            "let this user write there, or name another folder"
        ) from error
    try:
        if not _lock(descriptor):
            raise BadSettings(
                f"another server uses DATA_DIR {directory}; stop it, or give this one a DATA_DIR of its own"
            )
        yield
    finally:
        os.close(descriptor)


def has_room(work: Path) -> bool:
    """Whether a render could have a directory in `work`.

    Who has no room must claim nothing: it could only lose it, and being idle would be the first to try.
    """
    try:
        with scratch_directory(work):
            return shutil.disk_usage(work).free >= _LEAST_FREE_BYTES
    except OSError:
        return False


@contextmanager
def scratch_directory(work: Path) -> Iterator[Path]:
    """An empty directory in `work` that nobody else removes before the block ends; then it is gone."""
    while True:
        directory = Path(tempfile.mkdtemp(dir=work))
        try:
            descriptor = os.open(directory / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        # Another process's sweep may have come by before the lock was taken.
        if _lock(descriptor) and _still_has_its_name(descriptor, directory / _LOCK_NAME):
            break
        os.close(descriptor)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(descriptor)


def remove_leftovers(work: Path) -> None:
    """Remove the scratch directories of processes that are gone."""
    for directory in work.iterdir():
        try:
            descriptor = os.open(directory / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except (FileNotFoundError, NotADirectoryError):
            continue
        try:
            if _lock(descriptor):
                shutil.rmtree(directory, ignore_errors=True)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _still_has_its_name(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
