"""Who is told when a video changes.

An event is a wake-up, never the truth: whoever gets one reads the row. So events may be merged, doubled
or lost, and a subscriber looks by itself from time to time.
"""

import asyncio
import contextlib
import json
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from heygen_graphql.observability import EVENTS_DROPPED
from heygen_graphql.outages import Outages, open_redis

MAX_PENDING = 256
"""Videos that may wait for one slow subscriber; beyond that it is told to look at everything again."""

_CHANNEL = "heygen_graphql.videos"
_RECONNECT_SECONDS = 0.5
_FIRST_CONNECT_SECONDS = 2.0
# A connection whose other end vanished without a word is found out by a ping.
_PING_SECONDS = 10

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class VideoChanged:
    video_id: UUID
    owner_id: UUID
    version: int


class Subscription(Protocol):
    async def next(self, timeout_seconds: float) -> VideoChanged | None:
        """The newest unseen change of some video; None when the time has passed or one should look again."""
        ...

    async def some(self, timeout_seconds: float) -> list[VideoChanged] | None:
        """All unseen changes, the newest of each video, as soon as there is one; none when the time has
        passed, and None when one should look at everything."""
        ...


class Hub(Protocol):
    async def publish(self, change: VideoChanged) -> None:
        """Tell every subscriber, soon. Never raises because the way to them is cut: that is logged."""
        ...

    def subscribe(
        self, *, video_id: UUID | None = None, owner_id: UUID | None = None
    ) -> AbstractAsyncContextManager[Subscription]:
        """Changes of one video, of all of one owner's or, with neither, of all there are; from now on."""
        ...


class _LocalSubscription:
    """Belongs to the event loop it was made in; changes may come from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pending: OrderedDict[UUID, VideoChanged] = OrderedDict()
        self._must_look = False
        self._woken = asyncio.Event()

    async def next(self, timeout_seconds: float) -> VideoChanged | None:
        await self._something(timeout_seconds)
        if self._must_look or not self._pending:
            self._must_look = False
            return None
        return self._pending.popitem(last=False)[1]

    async def some(self, timeout_seconds: float) -> list[VideoChanged] | None:
        await self._something(timeout_seconds)
        changes = list(self._pending.values())
        self._pending.clear()
        if self._must_look:
            self._must_look = False
            return None
        return changes

    async def _something(self, timeout_seconds: float) -> None:
        if not self._pending and not self._must_look:
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await self._woken.wait()

    def tell(self, change: VideoChanged | None) -> None:
        # The subscriber's loop may have closed between our finding it and telling it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._note, change)

    def _note(self, change: VideoChanged | None) -> None:
        if change is None:
            self._must_look = True
        else:
            waiting = self._pending.get(change.video_id)
            if waiting is None or waiting.version < change.version:
                self._pending[change.video_id] = change
            if len(self._pending) > MAX_PENDING:
                self._pending.popitem(last=False)
                self._must_look = True
                EVENTS_DROPPED.inc()
        self._woken.set()


class LocalHub:
    """Within one process. `publish` and `tell_all_to_look` may be called from any thread and loop."""

    def __init__(self) -> None:
        self._subscriptions: dict[UUID | None, set[_LocalSubscription]] = {}
        """By video or owner; None for those who hear of all."""
        self._lock = threading.Lock()

    async def publish(self, change: VideoChanged) -> None:
        self.tell(change)

    def tell(self, change: VideoChanged) -> None:
        for subscription in self._subscribed(change.video_id, change.owner_id, None):
            subscription.tell(change)

    def tell_all_to_look(self) -> None:
        with self._lock:
            everyone = {one for group in self._subscriptions.values() for one in group}
        for subscription in everyone:
            subscription.tell(None)

    def _subscribed(self, *keys: UUID | None) -> set[_LocalSubscription]:
        with self._lock:
            return {one for key in keys for one in self._subscriptions.get(key, ())}

    @asynccontextmanager
    async def subscribe(
        self, *, video_id: UUID | None = None, owner_id: UUID | None = None
    ) -> AsyncIterator[Subscription]:
        key = video_id or owner_id
        subscription = _LocalSubscription()
        with self._lock:
            self._subscriptions.setdefault(key, set()).add(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                self._subscriptions[key].discard(subscription)
                if not self._subscriptions[key]:
                    del self._subscriptions[key]


class RedisHub:
    """Between processes: one connection that listens for all subscribers of this one.

    Belongs to the event loop that runs `listen`.
    """

    def __init__(self, url: str) -> None:
        self._client = open_redis(url, health_check_interval=_PING_SECONDS)
        self._outages = Outages("events")
        self._local = LocalHub()
        self.is_listening = asyncio.Event()

    async def publish(self, change: VideoChanged) -> None:
        if not self.is_listening.is_set():
            # Redis is away. When it is back everyone looks again, so nobody waits for this one, and a
            # render does not wait four times a second for Redis.
            return
        # Nor for one that is silent: its watchers look by themselves.
        await self._outages.asked(lambda: self._client.publish(_CHANNEL, _to_json(change)))

    def subscribe(
        self, *, video_id: UUID | None = None, owner_id: UUID | None = None
    ) -> AbstractAsyncContextManager[Subscription]:
        return self._local.subscribe(video_id=video_id, owner_id=owner_id)

    async def listen(self) -> None:
        """Pass on what others publish, for ever; reconnects, and then tells everyone to look again."""
        is_away = False
        while True:
            try:
                async with self._client.pubsub() as pubsub:
                    await pubsub.subscribe(_CHANNEL)
                    while True:
                        message = await pubsub.get_message(timeout=1.0)
                        if message is None:
                            continue
                        if message["type"] == "subscribe":
                            # Also comes when the client has reconnected by itself: changes may have
                            # passed us by.
                            if is_away:
                                _log.info("events_connected_again")
                            is_away = False
                            self._outages.is_over()
                            self.is_listening.set()
                            self._local.tell_all_to_look()
                        elif message["type"] == "message":
                            self._local.tell(_from_json(message["data"]))
            except (RedisError, OSError) as error:
                if not is_away:
                    # Once for an outage, however many times it is tried.
                    _log.warning("events_disconnected", error=str(error))
                is_away = True
                self.is_listening.clear()
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def close(self) -> None:
        await self._client.aclose()


@asynccontextmanager
async def open_hub(redis_url: str | None) -> AsyncIterator[Hub]:
    """The hub of this process: within it when there is no Redis, else between all that share that Redis.

    Starts, and goes on, while Redis is away.
    """
    if redis_url is None:
        yield LocalHub()
        return
    hub = RedisHub(redis_url)
    listener = asyncio.create_task(hub.listen(), name="events")
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_CONNECT_SECONDS):
                await hub.is_listening.wait()
        yield hub
    finally:
        listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listener
        await hub.close()


def _to_json(change: VideoChanged) -> str:
    return json.dumps([str(change.video_id), str(change.owner_id), change.version])


def _from_json(data: bytes) -> VideoChanged:
    video_id, owner_id, version = json.loads(data)
    return VideoChanged(UUID(video_id), UUID(owner_id), version)
