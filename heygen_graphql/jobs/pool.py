"""Render processes that stay warm: models, presenters and typefaces are loaded once, not once per film.

A process is lent to one film at a time. It goes when it has been idle for long, to give its memory back,
and after anything that may have harmed it: a cancel, a limit, a crash, a failure that is not the owner's to
mend, or growth beyond a bound. The next film then starts a fresh one.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

import structlog

from heygen_graphql.jobs.child import Limits, Listener, RenderProcess
from heygen_graphql.jobs.protocol import Ending, Equipment, Job
from heygen_graphql.observability import bound

_IDLE_SECONDS = 300.0
_MAX_RESIDENT_BYTES = 1024**3
"""Several times what a process holds after films of every size."""

_log = structlog.get_logger(__name__)


class RenderPool:
    """Belongs to one event loop, whose thread must live as long: its processes die with it.

    There are never more processes than films were rendered at once.
    """

    def __init__(
        self,
        command: Sequence[str],
        equipment: Equipment,
        work: Path,
        *,
        idle_seconds: float = _IDLE_SECONDS,
        max_resident_bytes: int = _MAX_RESIDENT_BYTES,
    ) -> None:
        self._command = command
        self._equipment = equipment
        self._work = work
        self._idle_seconds = idle_seconds
        self._max_resident_bytes = max_resident_bytes
        self._numbers = count(1)
        self._idle: dict[RenderProcess, asyncio.Task[None]] = {}
        """Each with what ends it when its time has come; the one lent last comes last."""
        self._ends: set[asyncio.Task[None]] = set()

    async def render(
        self,
        storyboard: str,
        directory: Path,
        *,
        segments: Path,
        materials: dict[str, str],
        limits: Limits,
        listener: Listener,
        only: list[str] | None = None,
    ) -> Ending:
        """Render the storyboard into the directory, or those of its scenes whose keys are named.

        When this returns, raises or is cancelled, nothing works on the film any more.
        """
        job = Job(next(self._numbers), storyboard, str(directory), str(segments), materials, only, bound())
        process = await self._take()
        may_stay = False
        try:
            ending = await process.render(job, limits, listener)
            may_stay = await self._may_stay(process)
            return ending
        finally:
            if may_stay:
                self._keep(process)
            else:
                await process.kill()

    async def close(self) -> None:
        """End the processes that are idle."""
        while self._idle:
            process, end = self._idle.popitem()
            end.cancel()
            await process.kill()
        await asyncio.gather(*self._ends, return_exceptions=True)

    async def _take(self) -> RenderProcess:
        while self._idle:
            process, end = self._idle.popitem()
            end.cancel()
            if process.is_fit:
                return process
            await process.kill()
        return await RenderProcess.start(self._command, self._equipment, self._work)

    async def _may_stay(self, process: RenderProcess) -> bool:
        if not process.is_fit:
            return False
        resident_bytes = await asyncio.to_thread(process.resident_bytes)
        if resident_bytes > self._max_resident_bytes:
            _log.info("render_process_grew", resident_bytes=resident_bytes)
            return False
        return True

    def _keep(self, process: RenderProcess) -> None:
        end = asyncio.create_task(self._end_when_idle(process))
        self._idle[process] = end
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)

    async def _end_when_idle(self, process: RenderProcess) -> None:
        # Should it die by itself, that is seen at once: the number of a process long dead may be another's.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._idle_seconds):
                await process.wait()
        # Unless it was lent just now.
        if self._idle.pop(process, None) is not None:
            await process.kill()
