"""An answer that is costly to find, given to all who ask within a moment."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Found by one caller at a time, so that many who ask cost no more than one."""

    def __init__(self, find: Callable[[], Awaitable[T]], seconds: float) -> None:
        self._find = find
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._found: tuple[T, float] | None = None

    async def get(self) -> T:
        async with self._lock:
            if self._found is None or time.monotonic() > self._found[1] + self._seconds:
                answer = await self._find()
                self._found = answer, time.monotonic()
            return self._found[0]
