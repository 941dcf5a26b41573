"""What attempts share within a process, and their patience with what is away."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import structlog

from heygen_graphql.database import Database, is_passing_fault
from heygen_graphql.errors import StorageAway
from heygen_graphql.events import Hub
from heygen_graphql.jobs.pool import RenderPool
from heygen_graphql.settings import Settings
from heygen_graphql.storage import Storage

T = TypeVar("T")

_AWAY_SECONDS = 1.0
_STORAGE_PATIENCE_SECONDS = 300.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Workplace:
    """What attempts share within a process; belongs to one event loop."""

    settings: Settings
    database: Database
    hub: Hub
    storage: Storage
    work: Path
    """Where attempts have their directories."""
    pool: RenderPool
    strangers: set[UUID] = field(default_factory=set)
    """Videos whose scenes were planned by a worker that renders otherwise than this one: no help here."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process was told to stop: what is at work may end, and nothing further is begun."""


async def insist(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask however long the database is away, and for some minutes the storage: a render is worth the wait.

    Raises:
        StorageAway: others may be nearer to it.
    """
    give_up_at = time.monotonic() + _STORAGE_PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except StorageAway as error:
            if time.monotonic() > give_up_at:
                raise
            _log.warning("storage_away", reason=error.reason)
        except Exception as error:
            if not is_passing_fault(error):
                raise
            _log.warning("database_away", error=str(error))
        await asyncio.sleep(_AWAY_SECONDS)
