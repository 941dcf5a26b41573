"""A server that renders with the stand-in, in this process, and what it stores."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from heygen_graphql.database import Database
from heygen_graphql.events import LocalHub
from heygen_graphql.jobs import Queue, embedded
from heygen_graphql.settings import Settings
from heygen_graphql.storage import Storage
from tests.jobs.conftest import FAKE_CHILD


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
