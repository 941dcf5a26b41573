"""What a process does that renders: it takes work, does it, and gives back what it cannot end."""

import asyncio
import concurrent.futures
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import dramatiq
import redis
import structlog
from dramatiq.worker import Worker

from heygen_graphql.database import is_passing_fault
from heygen_graphql.jobs.attempt import Workplace, render_video
from heygen_graphql.jobs.broker import BrokerQueue, declare_actor
from heygen_graphql.jobs.sweep import clear_canceled, hint_held_back, purge, sweep_forever

_IDLE_MS = 100
"""How long Dramatiq's threads sleep between looks: at a Redis queue, and at whether they should stop."""

_STOP_MS = 600

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def working(place: Workplace, broker: dramatiq.Broker) -> AsyncIterator[None]:
    """Render what the broker hints at, and sweep, until the block ends; then give back what runs."""
    loop = asyncio.get_running_loop()
    queue = BrokerQueue(broker)
    running: dict[asyncio.Task[None], UUID] = {}
    is_stopping = False

    async def render(video_id: UUID) -> None:
        if is_stopping:
            return
        task = asyncio.current_task()
        assert task is not None
        running[task] = video_id
        try:
            if await render_video(place, video_id, queue):
                # Its owner may have others that waited for no more than its end.
                await hint_held_back(place, queue, video_id)
            else:
                # A hint may also say that it was deleted or canceled.
                await purge(place, video_id)
                await clear_canceled(place, video_id)
        except Exception as error:
            # The claim did not come to pass. The sweep will hint at the video again.
            if not is_passing_fault(error):
                _log.exception("claim_failed", video_id=str(video_id))
            else:
                _log.warning("database_away", video_id=str(video_id), error=str(error))
        finally:
            del running[task]

    def render_in_loop(video_id: UUID) -> None:
        try:
            asyncio.run_coroutine_threadsafe(render(video_id), loop).result()
        except concurrent.futures.CancelledError:
            return

    declare_actor(broker, render_in_loop)
    worker = Worker(broker, worker_threads=place.settings.workers, worker_timeout=_IDLE_MS)
    # No message waits inside a busy process while another is idle. In-progress ones are counted in.
    worker.queue_prefetch = place.settings.workers
    worker.start()
    sweeping = asyncio.create_task(sweep_forever(place, queue), name="sweep")
    try:
        yield
    finally:
        is_stopping = True
        sweeping.cancel()
        stopping = asyncio.create_task(asyncio.to_thread(_stop, worker))
        given_back = dict(running)
        for task in given_back:
            task.cancel()
        await asyncio.wait({sweeping, stopping, *given_back})
        for video_id in given_back.values():
            await queue.hint(video_id)


def _stop(worker: Worker) -> None:
    try:
        worker.stop(timeout=_STOP_MS)
    except (redis.RedisError, OSError) as error:
        # Messages that were fetched and not begun stay with the broker; the sweeps send their own.
        _log.warning("broker_away", error=str(error))
