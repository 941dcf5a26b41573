"""What a process does that renders: it takes work, does it, and gives back what it cannot end."""

import asyncio
import concurrent.futures
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import dramatiq
import redis
import structlog
from dramatiq.worker import Worker
from sqlmodel import col, select

from heygen_graphql.database import is_passing_fault
from heygen_graphql.jobs import attempt, choosing, scenes
from heygen_graphql.jobs.attempt import Workplace
from heygen_graphql.jobs.broker import BrokerQueue, Queue, declare_actor
from heygen_graphql.jobs.deciding import Terms
from heygen_graphql.jobs.directories import has_room
from heygen_graphql.jobs.sweep import Steadiness, clear_canceled, purge, sweep_forever
from heygen_graphql.tables import Video, VideoStatus

_IDLE_MS = 100
"""How long Dramatiq's threads sleep between looks: at a Redis queue, and at whether they should stop."""

_STOP_MS = 600
_PREVIEWS_FIRST = 3
"""Of four videos; the fourth is whose turn it is without regard to previews, so that none waits for ever."""

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def working(
    place: Workplace,
    broker: dramatiq.Broker,
    *,
    grace_seconds: float = 0.0,
    hurry: asyncio.Event | None = None,
) -> AsyncIterator[None]:
    """Render what there is to render, and sweep, until the block ends.

    Then nothing is begun any more. What runs may end within `grace_seconds`, unless there is a `hurry`; the
    rest is given back, and other processes are told.
    """
    loop = asyncio.get_running_loop()
    crew = _Crew(place, BrokerQueue(broker))

    def heed_in_loop(video_id: UUID) -> None:
        # The thread is held as long as the slot: a busy process takes no message from one that is idle.
        try:
            asyncio.run_coroutine_threadsafe(crew.heed(video_id), loop).result()
        except concurrent.futures.CancelledError:
            return

    declare_actor(broker, heed_in_loop)
    worker = Worker(broker, worker_threads=place.settings.workers, worker_timeout=_IDLE_MS)
    # No message waits inside a busy process while another is idle. In-progress ones are counted in.
    worker.queue_prefetch = place.settings.workers
    worker.start()
    sweeping = asyncio.create_task(sweep_forever(place, crew.steadiness, crew.look), name="sweep")
    try:
        yield
    finally:
        sweeping.cancel()
        crew.take_no_more()
        stopping = asyncio.create_task(asyncio.to_thread(_stop, worker))
        await crew.end(grace_seconds, hurry or asyncio.Event())
        await asyncio.wait({sweeping, stopping})
        await crew.pass_on()


class _Crew:
    """The slots of one process, each of which does one piece of work after the other until there is none."""

    def __init__(self, place: Workplace, queue: Queue) -> None:
        self.steadiness = Steadiness()
        self._place = place
        self._queue = queue
        self._terms = Terms.of(place.settings)
        self._free = asyncio.Semaphore(place.settings.workers)
        self._taken = 0
        self._working: dict[asyncio.Task[Any], UUID | None] = {}
        self._heeding: set[asyncio.Task[Any]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._to_pass_on: set[UUID] = set()

    async def heed(self, video_id: UUID) -> None:
        """Look at a video that a message tells of, and do what there is to do then."""
        task = _current_task()
        self._heeding.add(task)
        try:
            async with self._free:
                if self._place.closing.is_set():
                    self._to_pass_on.add(video_id)
                else:
                    await self._guarded(self._tidy_up_after(video_id))
                    await self._guarded(self._work())
        finally:
            self._heeding.discard(task)

    def look(self) -> None:
        """Have a slot that is free look for work."""
        is_looking = self._looking is not None and not self._looking.done()
        if not (self._place.closing.is_set() or self._free.locked() or is_looking):
            self._looking = asyncio.create_task(self._look(), name="look")

    def take_no_more(self) -> None:
        self._place.closing.set()

    async def end(self, grace_seconds: float, hurry: asyncio.Event) -> None:
        if self._working and grace_seconds > 0:
            reasons = (
                asyncio.create_task(asyncio.wait(list(self._working))),
                asyncio.create_task(hurry.wait()),
            )
            await asyncio.wait(reasons, timeout=grace_seconds, return_when=asyncio.FIRST_COMPLETED)
            for reason in reasons:
                reason.cancel()
        given_back = dict(self._working)
        for task in given_back:
            task.cancel()
        if left := {*given_back, *self._heeding}:
            await asyncio.wait(left)
        self._to_pass_on |= {video_id for video_id in given_back.values() if video_id is not None}

    async def pass_on(self) -> None:
        """Tell others of what was given back, and of what came in while this process was stopping."""
        for video_id in self._to_pass_on:
            await self._queue.hint(video_id)

    async def _look(self) -> None:
        async with self._free:
            # From here on this slot works, and another may look.
            self._looking = None
            await self._guarded(self._work())

    async def _guarded(self, doing: Coroutine[Any, Any, None]) -> None:
        """Outlive what goes wrong; the next message or sweep leads here again."""
        task = _current_task()
        self._working[task] = None
        try:
            await doing
        except Exception as error:
            if not is_passing_fault(error):
                _log.exception("work_failed")
            else:
                _log.warning("database_away", error=str(error))
        finally:
            del self._working[task]

    async def _work(self) -> None:
        task = _current_task()
        while not self._place.closing.is_set():
            if not await asyncio.to_thread(has_room, self._place.work):
                _log.error("no_room_to_render", folder=str(self._place.work))
                return
            claim = await choosing.claim_next(
                self._place.database,
                self._terms,
                previews_first=self._taken % (_PREVIEWS_FIRST + 1) < _PREVIEWS_FIRST,
                may_take_over=self.steadiness.has_lasted(self._terms.lease_seconds),
            )
            if claim is not None:
                self._taken += 1
                self._working[task] = claim.video_id
                # Where there was one there may be more than one message told of.
                self.look()
                await attempt.render_claimed(self._place, claim, self._queue)
            else:
                scene = await scenes.claim_any(
                    self._place.database,
                    lease_seconds=self._terms.lease_seconds,
                    max_losses=self._terms.max_losses,
                    may_take_over=self.steadiness.has_lasted(self._terms.lease_seconds),
                    but_not_of=self._place.strangers,
                )
                if scene is None:
                    return
                self._working[task] = scene.video.video_id
                self.look()
                await attempt.help(self._place, scene, self._queue)
            self._working[task] = None

    async def _tidy_up_after(self, video_id: UUID) -> None:
        """A message may also say that it was deleted or canceled."""
        async with self._place.database.reading() as session:
            found = await session.execute(
                select(Video.status, Video.deleted_at).where(col(Video.id) == video_id)
            )
            row = found.one_or_none()
        if row is not None and row.deleted_at is not None:
            await purge(self._place, video_id)
        elif row is not None and row.status is VideoStatus.CANCELED:
            await clear_canceled(self._place, video_id)


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _stop(worker: Worker) -> None:
    try:
        worker.stop(timeout=_STOP_MS)
    except (redis.RedisError, OSError) as error:
        # Messages that were fetched and not begun stay with the broker; the sweeps look without any.
        _log.warning("broker_away", error=str(error))
