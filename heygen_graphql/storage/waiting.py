"""Work that cannot be called off, and whoever waits for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

_LATE_SECONDS = 3.0
"""A process that is told to stop has little more."""


async def to_the_end(work: Coroutine[Any, Any, object]) -> None:
    """Wait for the work; one who is cancelled meanwhile leaves when it has ended, or some seconds later.

    A file that is being stored would else appear after whoever was cancelled has tidied up; one that takes
    so long is left to those who sweep.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=_LATE_SECONDS)
        raise
