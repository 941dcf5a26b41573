"""One look at the database for all who watch videos in this process.

A change that the hub tells of is read once for all watchers of the video, and several that come in a moment
by one query; every `POLL_SECONDS` one query finds what the hub lost. Who may see a row is not known here: a
watcher begins with one that it has read as its viewer.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import UUID

import structlog

from heygen_graphql import tables, videos
from heygen_graphql.database import Database, is_passing_fault
from heygen_graphql.events import Hub, Subscription

POLL_SECONDS = 2.0
_READ_AT_ONCE = 500
"""Videos that one query looks at."""
_WOKEN_AT_ONCE = 50
"""Watchers that have their turn before everything else has one; each takes some 50 microseconds."""

log = structlog.stdlib.get_logger(__name__)


class Watched:
    """A video, for those who watch it."""

    def __init__(self, watch: "Watch", video_id: UUID) -> None:
        self.video_id = video_id
        self.watchers = 0
        self.version = 0
        """The newest known."""
        self.row: tables.Video | None = None
        """Of `version`, until the next look: who reads slowly must not keep it here."""
        self._watch = watch
        self._is_gone = False
        self._waiting: set[asyncio.Future[None]] = set()

    def note(self, row: tables.Video) -> None:
        """A watcher has read it by itself, and may be ahead of the others."""
        if row.version > self.version:
            self.version = row.version
            if self._waiting:
                self._watch.want(self.video_id)

    async def newer(self, than: int) -> tables.Video | None:
        """The newest row as soon as its version is greater; None when the video has been deleted."""
        while not self._is_gone:
            if self.version > than:
                if self.row is not None:
                    return self.row
                self._watch.want(self.video_id)
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)
        return None

    def tell(self, row: tables.Video | None) -> None:
        """What has been read; None when it is not there any more."""
        if row is None:
            self._is_gone = True
        elif row.version >= self.version:
            self.version, self.row = row.version, row
        waiting, self._waiting = list(self._waiting), set()
        self._wake(waiting)

    def _wake(self, waiting: list[asyncio.Future[None]]) -> None:
        for future in waiting[:_WOKEN_AT_ONCE]:
            if not future.done():
                future.set_result(None)
        if len(waiting) > _WOKEN_AT_ONCE:
            asyncio.get_running_loop().call_soon(self._wake, waiting[_WOKEN_AT_ONCE:])


class Watch:
    """Belongs to the event loop that it was made in."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._videos: dict[UUID, Watched] = {}
        self._due: set[UUID] = set()
        """Of which the row is to be read."""
        self._has_work = asyncio.Event()
        self._look_at = time.monotonic() + POLL_SECONDS

    @contextmanager
    def video(self, video_id: UUID) -> Iterator[Watched]:
        """Watch it: no change passes between this and a row that is read afterwards."""
        watched = self._videos.setdefault(video_id, Watched(self, video_id))
        watched.watchers += 1
        try:
            yield watched
        finally:
            watched.watchers -= 1
            if not watched.watchers:
                del self._videos[video_id]

    def want(self, video_id: UUID) -> None:
        """Read it and tell its watchers."""
        self._due.add(video_id)
        self._has_work.set()

    async def listen(self, changes: Subscription) -> None:
        """For ever."""
        while True:
            some = await changes.some(POLL_SECONDS)
            if some is None:
                self._look_at = time.monotonic()
                self._has_work.set()
            for change in some or ():
                watched = self._videos.get(change.video_id)
                if watched is not None and watched.version < change.version:
                    self.want(change.video_id)

    async def work(self) -> None:
        """For ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._look_at - time.monotonic())):
                    await self._has_work.wait()
            self._has_work.clear()
            try:
                if time.monotonic() >= self._look_at:
                    self._look_at = time.monotonic() + POLL_SECONDS
                    await self._look()
                await self._read()
            except Exception as error:
                # Every watcher here depends on this task; what was due is read with the next look.
                if is_passing_fault(error):
                    log.warning("videos_not_read", error=str(error))
                else:
                    log.exception("videos_not_watched")
                await asyncio.sleep(max(0.0, self._look_at - time.monotonic()))

    async def _look(self) -> None:
        """Find what has changed unheard."""
        for watched in self._videos.values():
            watched.row = None
        for ids in _batches(self._videos):
            versions = await videos.versions(self._database, ids)
            self._due.update(
                video_id
                for video_id in ids
                if video_id in self._videos and self._videos[video_id].version != versions.get(video_id)
            )

    async def _read(self) -> None:
        due, self._due = self._due, set()
        for ids in _batches(due & self._videos.keys()):
            try:
                await self._tell(ids)
            except Exception as error:
                if is_passing_fault(error):
                    self._due |= due
                    raise
                # One row that cannot be read must not keep the others from their watchers.
                for video_id in ids:
                    try:
                        await self._tell([video_id])
                    except Exception as error:
                        if is_passing_fault(error):
                            self._due |= due
                            raise
                        log.exception("video_not_read", video_id=str(video_id))

    async def _tell(self, ids: list[UUID]) -> None:
        rows = await videos.of_anybody(self._database, ids)
        for video_id in ids:
            if video_id in self._videos:
                self._videos[video_id].tell(rows.get(video_id))


@asynccontextmanager
async def open_watch(database: Database, hub: Hub) -> AsyncIterator[Watch]:
    watch = Watch(database)
    async with hub.subscribe() as changes:
        tasks = [
            asyncio.create_task(watch.listen(changes), name="watch: listening"),
            asyncio.create_task(watch.work(), name="watch: reading"),
        ]
        try:
            yield watch
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _batches(ids: Iterable[UUID]) -> list[list[UUID]]:
    left = list(ids)
    return [left[start : start + _READ_AT_ONCE] for start in range(0, len(left), _READ_AT_ONCE)]
