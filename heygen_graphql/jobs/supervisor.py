"""The parent of worker processes: it starts them, starts anew those that die, and ends with all of them.

It does nothing else and loads none of what they work with, so that there is little it could die of.
Should it be killed all the same, they end by `lifeline`.
"""

import asyncio
import os
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from heygen_graphql.errors import HeygenError
from heygen_graphql.jobs.lifeline import READY

_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 30.0
_STEADY_SECONDS = 60.0
"""A process that lived as long did not die of how it was started: the next one need not wait."""

_LATE_SECONDS = 8.0
"""How long after their grace period processes may take to hand back what they were rendering."""

_log = structlog.get_logger(__name__)


class WorkerFailed(HeygenError):
    """No process came so far as to work; `exit_code` is the first one's, which has said why if it could."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def supervise(
    command: Sequence[str],
    *,
    processes: int,
    grace_seconds: float,
    environment: Mapping[str, str],
    late_seconds: float = _LATE_SECONDS,
    on_end: Callable[[int], None] = lambda _process_id: None,
) -> bool:
    """Keep so many processes of the command at work until SIGTERM or SIGINT, which they are told of.

    They keep to the grace period themselves; a second signal, which they are told of as well, cuts it
    short. One that runs on for `late_seconds` is killed. `environment` is added to this process's, and
    `on_end` told the id of each that has ended. True when all of them ended by themselves and well. None is
    alive when this returns.

    Raises:
        WorkerFailed: the first of them ended before it had begun to work, as it does when it is badly
            configured. Once one has worked, whatever dies is started anew.
    """
    supervisor = _Supervisor(command, {**os.environ, **environment}, grace_seconds, late_seconds, on_end)
    return asyncio.run(supervisor.run(processes))


class _Supervisor:
    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        grace_seconds: float,
        late_seconds: float,
        on_end: Callable[[int], None],
    ) -> None:
        self._command = command
        self._environment = environment
        self._grace_seconds = grace_seconds
        self._late_seconds = late_seconds
        self._on_end = on_end
        self._running: set[Process] = set()
        self._stop = asyncio.Event()
        self._ends = asyncio.Timeout(None)
        """When whoever still runs is killed; never, until all are told to stop."""
        self._ended_well = True

    async def run(self, processes: int) -> bool:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._tell_to_stop)
        try:
            async with self._ends:
                # One by itself: what keeps it from working would keep the others, and is to be told once.
                first = await self._start()
                await self._see_it_ready(first)
                others = (self._keep(None) for _ in range(processes - 1))
                await asyncio.gather(self._keep(first), *others)
        except TimeoutError:
            _log.warning("workers_killed", pids=[process.pid for process in self._running])
            self._ended_well = False
        finally:
            for process in self._running:
                with suppress(ProcessLookupError):
                    process.kill()
            await asyncio.gather(*(process.wait() for process in self._running))
        return self._ended_well

    def _tell_to_stop(self) -> None:
        is_second = self._stop.is_set()
        _log.info("workers_stopping", at_once=is_second)
        self._stop.set()
        grace_seconds = 0 if is_second else self._grace_seconds
        self._ends.reschedule(asyncio.get_running_loop().time() + grace_seconds + self._late_seconds)
        for process in self._running:
            with suppress(ProcessLookupError):
                process.terminate()

    async def _start(self) -> Process:
        # A session of its own: Ctrl-C and what else is sent to the whole group reaches the supervisor alone,
        # which tells each of them once.
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, env=self._environment, start_new_session=True
        )
        self._running.add(process)
        if self._stop.is_set():
            process.terminate()
        return process

    async def _see_it_ready(self, process: Process) -> None:
        """
        Raises:
            WorkerFailed: it has ended without having been told to.
        """
        assert process.stdout is not None
        while line := await process.stdout.readline():
            if line == READY:
                _log.info("workers_ready", pid=process.pid)
                return
        exit_code = await process.wait()
        if not self._stop.is_set():
            what = f"was ended by {signal.Signals(-exit_code).name}" if exit_code < 0 else "ended"
            raise WorkerFailed(f"the worker process {what} before it had begun to work", exit_code)

    async def _keep(self, process: Process | None) -> None:
        """Have one process run, another when it has died, until all are told to stop."""
        delay = _FIRST_DELAY_SECONDS
        while process is not None or not self._stop.is_set():
            began = time.monotonic()
            exit_code = await self._end_of(process)
            process = None
            if self._stop.is_set():
                # By the signal itself when it was too young to know better.
                self._ended_well &= exit_code in (0, -signal.SIGTERM)
                return
            if time.monotonic() - began >= _STEADY_SECONDS:
                delay = _FIRST_DELAY_SECONDS
            _log.warning("worker_process_died", exit_code=exit_code, starts_anew_in_seconds=delay)
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stop.wait()
            delay = min(2 * delay, _LONGEST_DELAY_SECONDS)

    async def _end_of(self, process: Process | None) -> int | None:
        """Its exit code, or that of a new one; None when none could be started."""
        try:
            process = process or await self._start()
        except OSError as error:
            # The machine has no room for one more just now.
            _log.warning("worker_process_not_started", error=str(error))
            return None
        exit_code = await process.wait()
        self._running.remove(process)
        self._on_end(process.pid)
        return exit_code
