"""The parent's side of a render process: start it, hear it, and see that nothing of it stays."""

import asyncio
import fcntl
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Self

import structlog

from heygen_graphql.jobs import memory
from heygen_graphql.jobs.protocol import (
    MAX_LINE_BYTES,
    OUT_OF_MEMORY,
    RENDER_CRASHED,
    TIMED_OUT,
    Ending,
    Equipment,
    Failure,
    Job,
    Progress,
    Rendered,
    SegmentStored,
    StageOver,
    decode,
    encode_input,
)
from heygen_graphql.observability import tracing
from heygen_graphql.settings import Settings

RENDER_CHILD = (sys.executable, "-m", "heygen_graphql.jobs.render_child")

_LOG_TAIL_BYTES = 4000
_LOOK_SECONDS = 0.5
_LAST_WORDS_SECONDS = 2.0
_DEATH_SECONDS = 5.0

_STOPPED_FROM_OUTSIDE = Failure(
    RENDER_CRASHED, "The render was stopped from outside. Retry the video.", is_retryable=True
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    soft_seconds: float
    """After this long a render is told to stop ..."""
    hard_seconds: float
    """... and after this long it is killed."""
    memory_bytes: int | None = None
    """As soon as the process and those that it started hold more together, they are killed."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            settings.render_soft_limit_seconds,
            settings.render_hard_limit_seconds,
            settings.render_memory_bytes,
        )


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told what happens on the way."""

    on_progress: Callable[[Progress], None]
    on_segment: Callable[[SegmentStored], None]


class RenderProcess:
    """A process that renders one film after another.

    It dies with the thread that started it, so that must be one that stays.
    """

    def __init__(self, process: Process, log: FileIO) -> None:
        self._process = process
        self._log = log
        self._is_harmed = False

    @classmethod
    async def start(cls, command: Sequence[str], equipment: Equipment, work: Path) -> Self:
        """`work` is where its log has its place, which has no name there."""
        log = _nameless_file(work)
        try:
            # A session of its own, hence a process group: what the child starts can be killed with it.
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=log, start_new_session=True, limit=MAX_LINE_BYTES
            )
        except BaseException:
            log.close()
            raise
        assert process.stdin is not None
        # By this way and no other: a key on the command line or in the environment is there for all to see.
        process.stdin.write(encode_input(equipment))
        memory.let_go_first(process.pid)
        return cls(process, log)

    @property
    def is_fit(self) -> bool:
        """Whether another film may be given to it."""
        return self._process.returncode is None and not self._is_harmed

    def resident_bytes(self) -> int:
        """The memory that it or one of those that it started holds; 0 where the system does not tell."""
        return memory.largest_bytes(self._process.pid)

    async def render(self, job: Job, limits: Limits, listener: Listener) -> Ending:
        """Render a film; cancelled, it leaves the process in the middle of it."""
        # What was said of the film before is not this one's.
        self._log.truncate(0)
        # Until it ends well: cut off anywhere on the way it is in the middle of a film.
        self._is_harmed = True
        ending = await self._ending_in_time(job, limits, listener)
        if isinstance(ending, Failure):
            _log.warning(
                "render_failed",
                code=ending.code,
                exit_code=self._process.returncode,
                log_tail=self._log_tail(),
            )
        return ending

    async def wait(self) -> None:
        await self._process.wait()

    async def kill(self) -> None:
        """When this returns, the process and all it has started are dead. To be called once, at the end."""
        try:
            _kill(self._process)
            with suppress(TimeoutError):
                async with asyncio.timeout(_DEATH_SECONDS):
                    await self._process.wait()
        finally:
            self._log.close()

    async def _tell(self, job: Job) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(encode_input(job))
        # A child that is dead already is found out when it is listened to.
        with suppress(ConnectionError):
            await self._process.stdin.drain()

    async def _ending_in_time(self, job: Job, limits: Limits, listener: Listener) -> Ending:
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.soft_seconds):
                await self._tell(job)
                ending = await self._ending(job, limits, listener) or await self._crash()
                if ending == TIMED_OUT:
                    # Not by us: whoever stops a service may send SIGTERM to all of its processes.
                    ending = _STOPPED_FROM_OUTSIDE
                # What ended otherwise may have broken something that the next film would need.
                self._is_harmed = isinstance(ending, Failure) and ending.is_retryable
                return ending
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.hard_seconds - limits.soft_seconds):
                late = await self._ending(job, limits, listener)
                if isinstance(late, Rendered) or late == OUT_OF_MEMORY:
                    return late
        return TIMED_OUT

    async def _ending(self, job: Job, limits: Limits, listener: Listener) -> Ending | None:
        """The child's last word on the job; None when it ended without one."""
        listening = asyncio.create_task(self._listen(job, listener))
        try:
            while not (await asyncio.wait({listening}, timeout=_LOOK_SECONDS))[0]:
                if self._process.returncode is not None:
                    # Dead, but something that it started holds the pipe open.
                    _kill(self._process)
                elif await self._holds_too_much(limits):
                    _kill(self._process)
                    return OUT_OF_MEMORY
            return listening.result()
        finally:
            listening.cancel()
            # A stream has one reader at a time, and there may be another after this one.
            await asyncio.wait({listening})

    async def _holds_too_much(self, limits: Limits) -> bool:
        if limits.memory_bytes is None:
            return False
        return await asyncio.to_thread(memory.holds_more_than, self._process.pid, limits.memory_bytes)

    async def _listen(self, job: Job, listener: Listener) -> Ending | None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            try:
                job_number, message = decode(line)
            except ValueError as error:
                _log.warning("render_child_said_nonsense", error=str(error))
                continue
            if job_number != job.number:
                continue
            match message:
                case Progress():
                    listener.on_progress(message)
                case SegmentStored():
                    listener.on_segment(message)
                case StageOver(stage, began_at, ended_at):
                    seconds = round(ended_at - began_at, 3)
                    _log.info("render_stage_over", stage=stage, seconds=seconds)
                    tracing.past_step(f"render {stage.lower()}", began_at=began_at, ended_at=ended_at)
                case _:
                    return message
        return None

    async def _crash(self) -> Failure:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await self._process.wait()
        code = self._process.returncode
        if code == -signal.SIGKILL:
            what = "The render was killed, perhaps because the server ran out of memory."
        elif code is not None and code < 0:
            what = f"The render crashed ({signal.Signals(-code).name})."
        else:
            what = "The render ended without a video."
        return Failure(RENDER_CRASHED, f"{what} Retry the video.", is_retryable=True)

    def _log_tail(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _LOG_TAIL_BYTES))
        return self._log.read(_LOG_TAIL_BYTES).decode("utf-8", "replace")


def _nameless_file(directory: Path) -> FileIO:
    """An empty file that is gone when nobody has it open.

    All who write to it write behind one another, also after it was emptied.
    """
    # Closed by whoever it is for.
    file = tempfile.TemporaryFile(buffering=0, dir=directory)  # noqa: SIM115
    fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)
    return file


def _kill(process: Process) -> None:
    # The group outlives its leader while any member lives, and keeps the number from being given anew.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
