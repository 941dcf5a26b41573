"""A server that renders with the stand-in, in this process; what it starts and what it stores."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from heygen_graphql.database import Database
from heygen_graphql.events import LocalHub
from heygen_graphql.jobs import Queue, embedded
from heygen_graphql.settings import Settings
from heygen_graphql.storage import Storage
from tests.jobs.conftest import FAKE_CHILD
from tests.servers import alive


@asynccontextmanager
async def server(settings: Settings, database: Database, hub: LocalHub | None = None) -> AsyncIterator[Queue]:
    storage = Storage.open(settings.resolved_storage_url)
    async with embedded(settings, database, hub or LocalHub(), storage, child_command=FAKE_CHILD) as queue:
        yield queue


def files(settings: Settings) -> list[str]:
    root = settings.data_dir / "files"
    # Not rglob, which fails when the sweep removes a folder under its feet.
    return sorted(
        str(Path(folder, name).relative_to(root)) for folder, _, names in os.walk(root) for name in names
    )


def children() -> list[psutil.Process]:
    """The render processes of this one."""
    return alive([child for child in psutil.Process().children() if _is_render(child)])


def _is_render(process: psutil.Process) -> bool:
    # One that ends meanwhile has no command line any more.
    with suppress(psutil.NoSuchProcess):
        return "tests.jobs.fake_child" in process.cmdline()
    return False
