"""The counts and buckets themselves: in one process, in Redis, and while Redis is away."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from heygen_graphql.errors import RateLimited
from heygen_graphql.outages import ASK_AGAIN_SECONDS, SharedRedis
from heygen_graphql.ratelimits import (
    MAX_KEPT,
    Bucket,
    LocalRateLimits,
    RateLimits,
    RedisRateLimits,
    address_key,
)
from tests.servers import Valkey

START = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["local", "redis"])
async def limits(request: pytest.FixtureRequest) -> AsyncIterator[RateLimits]:
    """By either way of counting; time goes on as it does."""
    if request.param == "local":
        yield LocalRateLimits()
        return
    async with Redis.from_url(request.getfixturevalue("redis_url")) as redis:
        yield RedisRateLimits(SharedRedis(redis))


async def test_a_bucket_gives_what_it_holds_and_no_more(limits: RateLimits) -> None:
    first = await limits.take("ada", 60, 100, 0.5)
    refused = await limits.take("ada", 60, 100, 0.5)
    fitting = await limits.take("ada", 40, 100, 0.5)

    assert (first.limit, first.remaining, first.retry_after) == (100, 40, 0)
    assert (refused.remaining, refused.retry_after) == (40, 40)
    assert (fitting.remaining, fitting.retry_after) == (0, 0)
    assert 198 < (fitting.reset_at - datetime.now(UTC)).total_seconds() <= 201
    assert (await limits.take("ben", 60, 100, 0.5)).remaining == 40


async def test_a_bucket_fills_steadily(limits: RateLimits) -> None:
    assert (await limits.take("ada", 100, 100, 500)).remaining <= 1
    await asyncio.sleep(0.1)
    half_full = await limits.take("ada", 0, 100, 500)
    await asyncio.sleep(0.3)
    full = await limits.take("ada", 0, 100, 500)

    assert 45 <= half_full.remaining <= 100
    assert full.remaining == 100


async def test_many_at_once_take_no_more_than_there_is(limits: RateLimits) -> None:
    buckets = await asyncio.gather(*(limits.take("ada", 10, 100, 0.01) for _ in range(40)))

    assert sum(not bucket.retry_after for bucket in buckets) == 10


async def test_calls_are_counted_over_the_last_minute_whenever_it_began() -> None:
    # Given two of three calls just before a full minute
    clock = Clock()
    limits = LocalRateLimits(clock)
    for clock.now in (START + 55, START + 56, START + 61):
        await limits.check("videos", "ada", 3)

    # Then the new minute is not a new allowance
    clock.now = START + 62
    with pytest.raises(RateLimited) as refused:
        await limits.check("videos", "ada", 3)
    assert refused.value.retry_after_seconds == 53

    # And each call makes room for one more when it is a minute old, those that were refused counting nothing
    clock.now = START + 115
    await limits.check("videos", "ada", 3)
    with pytest.raises(RateLimited):
        await limits.check("videos", "ada", 3)


async def test_a_call_too_many_is_refused(limits: RateLimits) -> None:
    for _ in range(3):
        await limits.check("videos", "ada", 3)

    with pytest.raises(RateLimited, match="More than 3 videos in a minute") as refused:
        await limits.check("videos", "ada", 3)

    assert 59 <= refused.value.retry_after_seconds <= 60
    await limits.check("videos", "ben", 3)
    await limits.check("uploads", "ada", 3)


async def test_limits_hold_while_redis_is_away_and_are_shared_again_when_it_is_back(
    valkey: Valkey,
) -> None:
    # Given two processes
    async with Redis.from_url(valkey.url) as here, Redis.from_url(valkey.url) as there:
        one, other = RedisRateLimits(SharedRedis(here)), RedisRateLimits(SharedRedis(there))
        assert (await one.take("ada", 60, 100, 0.01)).remaining == 40

        # When Redis dies
        valkey.kill()
        with capture_logs() as logged:
            buckets = [await one.take("ada", 60, 100, 0.01) for _ in range(20)]
            for _ in range(3):
                await one.check("videos", "ada", 3)
            with pytest.raises(RateLimited):
                await one.check("videos", "ada", 3)

        # Then each process refuses by its own counts, and says so once
        assert sum(not bucket.retry_after for bucket in buckets) == 1
        assert [line["event"] for line in logged] == ["redis_away"]

        # And when it is back they share what they count
        valkey.start()
        await asyncio.sleep(ASK_AGAIN_SECONDS)
        with capture_logs() as logged:
            assert (await one.take("ben", 60, 100, 0.01)).remaining == 40
        assert [line["event"] for line in logged] == ["redis_back"]
        assert (await other.take("ben", 60, 100, 0.01)).retry_after > 0


async def test_what_a_process_remembers_is_bounded() -> None:
    limits = LocalRateLimits()
    for number in range(MAX_KEPT + 10):
        await limits.take(f"address:{number}", 10, 10, 0.01)
        await limits.check("sign-ins", f"address:{number}", 1)

    assert (len(limits._used), len(limits._calls)) == (MAX_KEPT, MAX_KEPT)
    # Those who were seen last are known.
    assert (await limits.take(f"address:{MAX_KEPT}", 10, 10, 0.01)).retry_after


async def test_redis_forgets_a_bucket_that_is_full_again(valkey: Valkey) -> None:
    async with Redis.from_url(valkey.url) as redis:
        limits = RedisRateLimits(SharedRedis(redis))
        await limits.take("ada", 100, 100, 10)
        await limits.check("videos", "ada", 3)

        lives = {key: await redis.pttl(key) for key in await redis.keys()}

    assert 10_000 < lives[b"heygen:points:ada"] <= 11_000
    assert 59_000 < lives[b"heygen:calls:videos:ada"] <= 60_000


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_an_ipv6_network_of_64_bits_is_one_caller(address: str, key: str) -> None:
    assert address_key(address) == key


def test_what_overflows_a_bucket_leaves_it_as_it_was() -> None:
    bucket = Bucket.of(used=130, cost=50, capacity=100, per_second=7, now=START)

    assert (bucket.remaining, bucket.retry_after) == (20, 5)
