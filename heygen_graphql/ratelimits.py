"""How often somebody may do something, and how much: counts and leaky buckets, here or in Redis.

With Redis away every process keeps its own counts: limits grow with the number of processes, and none
of them is ever lifted.
"""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from typing import Protocol

from heygen_graphql.errors import RateLimited
from heygen_graphql.outages import SharedRedis

WINDOW_SECONDS = 60
MAX_KEPT = 50_000
"""Callers that one process remembers, of each kind; beyond that the longest silent one is forgotten."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A leaky bucket after a caller took from it, or was refused."""

    limit: int
    """Points that a full bucket holds."""
    remaining: int
    reset_at: datetime
    """When it is full again."""
    retry_after: int
    """Seconds until it holds what was asked for; 0 when that was taken."""

    @classmethod
    def of(cls, used: float, cost: int, capacity: int, per_second: float, now: float) -> "Bucket":
        """`used` counts what was taken now; when that overflows the bucket, nothing was."""
        excess = used - capacity
        if excess > 0:
            used -= cost
        return cls(
            limit=capacity,
            remaining=max(0, math.floor(capacity - used)),
            reset_at=datetime.fromtimestamp(now + max(0.0, used) / per_second, UTC),
            retry_after=max(1, math.ceil(excess / per_second)) if excess > 0 else 0,
        )


class RateLimits(Protocol):
    async def check(self, what: str, key: str, limit: int) -> None:
        """Count one more `what` (a plural: "videos") by `key`. One that is refused does not count.

        Raises:
            RateLimited: there were `limit` of them within the last minute.
        """
        ...

    async def take(self, key: str, cost: int, capacity: int, per_second: float) -> Bucket:
        """Take `cost` points of `key`'s bucket, all or nothing; it fills by `per_second` up to `capacity`."""
        ...


class LocalRateLimits:
    """Counts of this process alone."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._calls: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def check(self, what: str, key: str, limit: int) -> None:
        now = self._clock()
        calls = self._calls.setdefault((what, key), deque())
        self._calls.move_to_end((what, key))
        while calls and not 0 <= now - calls[0] < WINDOW_SECONDS:
            calls.popleft()
        if len(calls) >= limit:
            raise _rate_limited(what, limit, calls[-limit], now)
        calls.append(now)
        if len(self._calls) > MAX_KEPT:
            self._calls.popitem(last=False)

    async def take(self, key: str, cost: int, capacity: int, per_second: float) -> Bucket:
        now = self._clock()
        used, at = self._used.get(key, (0.0, now))
        used = max(0.0, used - max(0.0, now - at) * per_second)
        bucket = Bucket.of(used + cost, cost, capacity, per_second, now)
        self._used[key] = (used if bucket.retry_after else used + cost, now)
        self._used.move_to_end(key)
        if len(self._used) > MAX_KEPT:
            self._used.popitem(last=False)
        return bucket


# Both read Redis's own clock: those of the processes differ.
_NOW = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
"""
_CHECK = f"""{_NOW}
local limit = tonumber(ARGV[1])
local first = redis.call('LINDEX', KEYS[1], -limit)
if first and now - tonumber(first) < {WINDOW_SECONDS} then
  return {{first, string.format('%.6f', now)}}
end
redis.call('RPUSH', KEYS[1], string.format('%.6f', now))
redis.call('LTRIM', KEYS[1], -limit, -1)
redis.call('EXPIRE', KEYS[1], {WINDOW_SECONDS})
return {{}}
"""
_TAKE = f"""{_NOW}
local cost, capacity, per_second = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'used', 'at')
local used, at = tonumber(kept[1] or '0'), tonumber(kept[2] or now)
used = math.max(0, used - math.max(0, now - at) * per_second)
if used + cost <= capacity then
  redis.call('HSET', KEYS[1], 'used', string.format('%.6f', used + cost), 'at', string.format('%.6f', now))
  redis.call('PEXPIRE', KEYS[1], math.ceil((used + cost) / per_second * 1000) + 1000)
end
return {{string.format('%.6f', used + cost), string.format('%.6f', now)}}
"""


class RedisRateLimits:
    """Counts that processes share. `clock` is that of the counts kept here while Redis is away."""

    def __init__(self, redis: SharedRedis, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._local = LocalRateLimits(clock)
        self._check = redis.client.register_script(_CHECK)
        self._take = redis.client.register_script(_TAKE)

    async def check(self, what: str, key: str, limit: int) -> None:
        answer = await self._asked(self._check, f"heygen:calls:{what}:{key}", limit)
        if answer is None:
            await self._local.check(what, key, limit)
        elif answer:
            first, now = answer
            raise _rate_limited(what, limit, first, now)

    async def take(self, key: str, cost: int, capacity: int, per_second: float) -> Bucket:
        answer = await self._asked(self._take, f"heygen:points:{key}", cost, capacity, per_second)
        if answer is None:
            return await self._local.take(key, cost, capacity, per_second)
        used, now = answer
        return Bucket.of(used, cost, capacity, per_second, now)

    async def _asked(self, script: "_Script", key: str, *arguments: float) -> list[float] | None:
        """The script's answer; None while Redis is away."""
        answer = await self._redis.asked(lambda _: script(keys=[key], args=list(arguments)))
        return None if answer is None else [float(part) for part in answer]


class _Script(Protocol):
    async def __call__(self, *, keys: list[str], args: list[float]) -> list[bytes]: ...


def address_key(address: str) -> str:
    """Whom an address stands for: an IPv6 network of 64 bits is one customer's, and IPv4 may come mapped."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)


def _rate_limited(what: str, limit: int, first: float, now: float) -> RateLimited:
    return RateLimited(what, limit, max(1, math.ceil(first + WINDOW_SECONDS - now)))


def rate_limits(redis: SharedRedis | None) -> RateLimits:
    return LocalRateLimits() if redis is None else RedisRateLimits(redis)
