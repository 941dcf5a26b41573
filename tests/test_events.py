import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from heygen_graphql.events import MAX_PENDING, Hub, VideoChanged, open_hub
from tests.servers import SLACK, Valkey

OWNER = uuid4()


@pytest.fixture(params=["local", "redis"])
def hub_url(request: pytest.FixtureRequest) -> str | None:
    url: str | None = request.getfixturevalue("redis_url") if request.param == "redis" else None
    return url


@pytest.fixture
async def hub(hub_url: str | None) -> AsyncIterator[Hub]:
    async with open_hub(hub_url) as hub:
        yield hub


def changed(video_id: UUID | None = None, version: int = 1) -> VideoChanged:
    return VideoChanged(video_id or uuid4(), OWNER, version)


async def test_subscribers_hear_of_their_video_or_their_owners_videos_and_no_others(hub: Hub) -> None:
    video_id = uuid4()
    async with (
        hub.subscribe(video_id=video_id) as of_video,
        hub.subscribe(owner_id=OWNER) as of_owner,
        hub.subscribe(video_id=uuid4()) as of_another,
    ):
        await hub.publish(changed(video_id))
        assert await of_video.next(10) == changed(video_id)
        assert await of_owner.next(10) == changed(video_id)
        assert await of_another.next(0.1) is None


async def test_a_slow_subscriber_gets_the_newest_change_of_each_video(hub: Hub) -> None:
    first, second = uuid4(), uuid4()
    async with hub.subscribe(owner_id=OWNER) as subscription, hub.subscribe(video_id=second) as quick:
        for version in range(1, 6):
            await hub.publish(changed(first, version))
            await hub.publish(changed(second, version))
        # What another has heard has come to this one, too.
        while await quick.next(10) != changed(second, 5):
            continue
        assert await subscription.next(1) == changed(first, 5)
        assert await subscription.next(1) == changed(second, 5)
        assert await subscription.next(0.1) is None


async def test_a_subscriber_that_stopped_reading_holds_little_and_is_told_to_look_again() -> None:
    async with open_hub(None) as hub, hub.subscribe(owner_id=OWNER) as subscription:
        for _ in range(MAX_PENDING * 4):
            await hub.publish(changed())
        await asyncio.sleep(0)
        assert await subscription.next(0) is None
        heard = 0
        while await subscription.next(0) is not None:
            heard += 1
        assert heard == MAX_PENDING


async def test_changes_reach_subscribers_from_other_threads_and_loops() -> None:
    async with open_hub(None) as hub, hub.subscribe(owner_id=OWNER) as subscription:
        change = changed()
        thread = threading.Thread(target=lambda: asyncio.run(hub.publish(change)))
        thread.start()
        assert await subscription.next(10) == change
        thread.join()


async def test_a_hundred_subscribers_who_come_at_any_time_all_see_the_end(hub: Hub) -> None:
    """Each subscribes, looks, and then follows, as videoStatus does."""
    row = {"version": 1}
    video_id, last = uuid4(), 40

    async def follow() -> int:
        await asyncio.sleep(random.uniform(0, 0.8))
        async with hub.subscribe(video_id=video_id) as subscription:
            while row["version"] < last:
                # With no poll to fall back on: an event that was missed would take this long.
                began = time.monotonic()
                await subscription.next(30)
                assert time.monotonic() - began < 15
            return row["version"]

    async def render() -> None:
        while row["version"] < last:
            await asyncio.sleep(0.02)
            row["version"] += 1
            await hub.publish(changed(video_id, row["version"]))

    *seen, _ = await asyncio.gather(*(follow() for _ in range(100)), render())
    assert seen == [last] * 100


async def test_when_redis_comes_back_everyone_is_told_to_look_again(valkey: Valkey) -> None:
    async with open_hub(valkey.url) as hub, hub.subscribe(owner_id=OWNER) as subscription:
        await subscription.next(0.1)
        # When Redis goes away, publishing is no error
        valkey.kill()
        began = time.monotonic()
        await hub.publish(changed())
        assert time.monotonic() - began < 1 * SLACK

        # Then a subscriber looks again as soon as it is back, and hears what comes after
        valkey.start()
        began = time.monotonic()
        assert await subscription.next(30) is None
        assert time.monotonic() - began < 15
        change = changed()
        await hub.publish(change)
        assert await subscription.next(10) == change


async def test_two_processes_hear_each_other(redis_url: str) -> None:
    async with (
        open_hub(redis_url) as one,
        open_hub(redis_url) as other,
        other.subscribe(owner_id=OWNER) as subscription,
    ):
        await subscription.next(0.1)
        change = changed()
        await one.publish(change)
        assert await subscription.next(10) == change


async def test_a_hub_opens_while_redis_is_away(valkey: Valkey) -> None:
    valkey.kill()
    async with open_hub(valkey.url) as hub, hub.subscribe(owner_id=OWNER) as subscription:
        await hub.publish(changed())
        valkey.start()
        # Told to look again when it is there: from then on it hears of changes.
        began = time.monotonic()
        assert await subscription.next(30) is None
        assert time.monotonic() - began < 15
        change = changed()
        await hub.publish(change)
        assert await subscription.next(10) == change
