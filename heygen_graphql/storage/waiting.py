"""Work that cannot be called off, and whoever waits for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def to_the_end(work: Coroutine[Any, Any, object]) -> None:
    """Wait for the work; one who is cancelled meanwhile leaves when it has ended.

    A file that is being stored would else appear after whoever was cancelled has tidied up.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
