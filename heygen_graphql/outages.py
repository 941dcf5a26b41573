"""Going on while Redis is away: it is opened here alone, and nobody waits for it longer than it is worth."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import redis
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError
from redis.retry import Retry as BlockingRetry

ANSWER_SECONDS = 0.5
"""How long a Redis is waited for that may have gone without a word; it answers in a thousandth of that."""
ASK_AGAIN_SECONDS = 1.0
"""How long a Redis that did not answer is left alone."""

Answer = TypeVar("Answer")

log = structlog.stdlib.get_logger(__name__)


def open_redis(url: str, **options: Any) -> Redis:
    """Nothing is connected yet.

    The client's own three retries with pauses between them would take seconds. One that is made at once
    finds out whether only the connection had died; a Redis that is silent is not asked twice.
    """
    return Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,)),
        **options,
    )


def open_blocking_redis(url: str, *, answer_seconds: float = ANSWER_SECONDS) -> redis.Redis:
    """As `open_redis`, for threads.

    Raises:
        ValueError: it is no URL of a Redis.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=answer_seconds,
        socket_connect_timeout=answer_seconds,
        retry=BlockingRetry(NoBackoff(), 1, supported_errors=(ConnectionLost,)),
    )


class Outages:
    """Of one Redis, as one part of the server sees them. Each is logged once, when it begins and when it is
    over."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._is_away = False
        self._ask_again_at = 0.0

    async def asked(self, question: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Redis's answer; None while it is away."""
        if self._is_away and time.monotonic() < self._ask_again_at:
            return None
        # One caller finds out whether it is back; the others do not wait for it meanwhile.
        self._ask_again_at = time.monotonic() + ASK_AGAIN_SECONDS
        try:
            answer = await question()
        except (RedisError, OSError) as error:
            if not self._is_away:
                log.warning("redis_away", part=self._part, error=str(error))
            self._is_away = True
            self._ask_again_at = time.monotonic() + ASK_AGAIN_SECONDS
            return None
        self.is_over()
        return answer

    def is_over(self) -> None:
        """Redis answers, as whoever calls has found out."""
        if self._is_away:
            log.info("redis_back", part=self._part)
        self._is_away = False


class SharedRedis:
    """What processes share and can do without: counts, answers, documents. An outage that one of these finds
    is known to the others."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self._outages = Outages("cache")

    async def asked(self, question: Callable[[Redis], Awaitable[Answer]]) -> Answer | None:
        """Redis's answer; None while it is away."""
        return await self._outages.asked(lambda: question(self.client))


@asynccontextmanager
async def open_shared(redis_url: str | None) -> AsyncIterator[SharedRedis | None]:
    """None where this process is the whole server."""
    if redis_url is None:
        yield None
        return
    async with open_redis(redis_url) as client:
        yield SharedRedis(client)
