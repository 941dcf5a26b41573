"""Answers kept to be given again, in this process or in Redis.

Whoever keeps one puts all that it depends on into its key (`schema.answers`), so nothing here has to be
thrown away when data changes: what is not asked for any more makes room or runs out.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from heygen_graphql.outages import SharedRedis
from heygen_graphql.settings import Settings

MAX_ANSWER_BYTES = 256 * 1024
"""A longer one is not kept: there is room for many, whatever one asks for."""
# What an entry takes besides its key and its answer, roughly.
_ENTRY_BYTES = 300


class Answers(Protocol):
    async def get(self, key: str) -> bytes | None:
        """What was kept; None when nothing was, or not any more."""
        ...

    async def keep(self, key: str, answer: bytes, seconds: int) -> None:
        """For no longer than `seconds`; perhaps not at all."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: bytes
    until: float


class LocalAnswers:
    """Those asked for last, up to `max_bytes` of them."""

    def __init__(self, max_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._bytes = 0
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= self._clock():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.answer

    async def keep(self, key: str, answer: bytes, seconds: int) -> None:
        if key in self._kept:
            self._drop(key)
        if len(answer) > MAX_ANSWER_BYTES:
            return
        self._kept[key] = _Kept(answer, self._clock() + seconds)
        self._bytes += len(key) + len(answer) + _ENTRY_BYTES
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        self._bytes -= len(key) + len(self._kept.pop(key).answer) + _ENTRY_BYTES


class RedisAnswers:
    """Between processes. While Redis is away there is nothing kept, and nobody waits for it."""

    def __init__(self, redis: SharedRedis) -> None:
        self._redis = redis

    async def get(self, key: str) -> bytes | None:
        answer = await self._redis.asked(lambda redis: redis.get(_NAME.format(key)))
        return answer if isinstance(answer, bytes) else None

    async def keep(self, key: str, answer: bytes, seconds: int) -> None:
        if len(answer) <= MAX_ANSWER_BYTES:
            await self._redis.asked(lambda redis: redis.set(_NAME.format(key), answer, ex=seconds))


_NAME = "heygen:answer:{}"


def kept_answers(settings: Settings, redis: SharedRedis | None) -> Answers | None:
    """None when the settings switch it off."""
    if settings.answer_cache_bytes == 0:
        return None
    return LocalAnswers(settings.answer_cache_bytes) if redis is None else RedisAnswers(redis)
