"""Dramatiq as a carrier of hints: "something has become of this video, and there may be work".

Everything Dramatiq could do beyond that stays switched off. Its retries, time limits and age limits would
be a second opinion on what the row says, and its redelivery after a crash may take minutes; a worker that is
idle looks by itself every few seconds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import UUID

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import DramatiqError

from heygen_graphql.errors import BadSettings
from heygen_graphql.outages import ANSWER_SECONDS, Outages, open_blocking_redis
from heygen_graphql.settings import Settings

_QUEUE_NAME = "renders"
_ACTOR_NAME = "render_video"
_CONSUMER_SECONDS = 2.0
"""How long a worker, which has nothing else to do meanwhile, waits for Redis to give it messages."""

_log = structlog.get_logger(__name__)


class Queue(Protocol):
    async def hint(self, video_id: UUID) -> None:
        """Have some worker look for work, soon. Never raises because the broker is away: workers look by
        themselves, a little later."""
        ...


class BrokerQueue:
    def __init__(self, broker: dramatiq.Broker) -> None:
        self._broker = broker
        self._outages = Outages("queue")

    async def hint(self, video_id: UUID) -> None:
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=_QUEUE_NAME, actor_name=_ACTOR_NAME, args=(str(video_id),), kwargs={}, options={}
        )
        try:
            await self._outages.asked(lambda: asyncio.to_thread(self._broker.enqueue, message))
        except DramatiqError as error:
            _log.warning("hint_not_sent", video_id=str(video_id), error=str(error))


def stub_broker() -> StubBroker:
    """A queue within this process."""
    broker = StubBroker(middleware=[])
    broker.declare_queue(_QUEUE_NAME)
    return broker


def redis_broker(settings: Settings, *, answer_seconds: float = _CONSUMER_SECONDS) -> RedisBroker:
    """
    Raises:
        BadSettings: REDIS_URL is missing or no URL of a Redis.
    """
    if settings.redis_url is None:
        raise BadSettings(
            "REDIS_URL is not set; without it one process is the whole server: heygen-graphql serve"
        )
    try:
        client = open_blocking_redis(settings.redis_url, answer_seconds=answer_seconds)
    except ValueError as error:
        raise BadSettings(f"REDIS_URL: {error}") from error
    namespace = f"{settings.project_name}.queue"
    return RedisBroker(client=client, namespace=namespace, middleware=[])  # type: ignore[no-untyped-call]


def declare_actor(broker: dramatiq.Broker, render: Callable[[UUID], None]) -> None:
    """Have the broker's workers call `render`, in one of their threads, for every hint."""

    def render_video(video_id: str) -> None:
        render(UUID(video_id))

    dramatiq.Actor(
        render_video, broker=broker, actor_name=_ACTOR_NAME, queue_name=_QUEUE_NAME, priority=0, options={}
    )


@asynccontextmanager
async def remote_queue(settings: Settings) -> AsyncIterator[Queue]:
    """The queue as a process sees it that renders nothing itself.

    Raises:
        BadSettings: REDIS_URL is missing or no URL of a Redis.
    """
    broker = redis_broker(settings, answer_seconds=ANSWER_SECONDS)
    try:
        yield BrokerQueue(broker)
    finally:
        await asyncio.to_thread(broker.client.close)
