"""How often somebody may do something: counts in windows of one minute, here or in Redis.

Fixed windows let a burst at a window's edge through twice; for a limit meant to stop floods, that is
worth the one counter it costs.
"""

import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from heygen_graphql.errors import RateLimited

WINDOW_SECONDS = 60
# Windows that are over are dropped when this many counters have gathered.
_SWEEP_AT = 10_000

log = structlog.stdlib.get_logger(__name__)


class RateLimits(Protocol):
    async def check(self, what: str, key: str, limit: int) -> None:
        """Count one more `what` (a plural: "videos") by `key`.

        Raises:
            RateLimited: it was the one too many.
        """
        ...


class LocalRateLimits:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._counts: dict[tuple[str, str, int], int] = {}

    async def check(self, what: str, key: str, limit: int) -> None:
        now = self._clock()
        window = int(now // WINDOW_SECONDS)
        if len(self._counts) >= _SWEEP_AT:
            self._counts = {place: n for place, n in self._counts.items() if place[2] >= window}
        place = (what, key, window)
        count = self._counts.get(place, 0)
        if count >= limit:
            raise RateLimited(what, limit, _seconds_left(now))
        self._counts[place] = count + 1


class RedisRateLimits:
    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock

    async def check(self, what: str, key: str, limit: int) -> None:
        now = self._clock()
        name = f"heygen:limit:{what}:{key}:{int(now // WINDOW_SECONDS)}"
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.incr(name)
                pipeline.expire(name, 2 * WINDOW_SECONDS)
                count, _ = await pipeline.execute()
        except (RedisError, OSError) as error:
            # Redis away is no reason to refuse people: the limit protects the queue, not the data.
            log.warning("rate_limit_unchecked", what=what, error=str(error))
            return
        if count > limit:
            raise RateLimited(what, limit, _seconds_left(now))


def _seconds_left(now: float) -> int:
    return max(1, math.ceil(WINDOW_SECONDS - now % WINDOW_SECONDS))


@asynccontextmanager
async def open_rate_limits(redis_url: str | None) -> AsyncIterator[RateLimits]:
    if redis_url is None:
        yield LocalRateLimits()
        return
    redis = Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2)
    try:
        yield RedisRateLimits(redis)
    finally:
        await redis.aclose()
