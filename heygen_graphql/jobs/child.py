"""The parent's side of a render process: start it, hear it, and see that nothing of it stays."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from heygen_graphql.jobs.protocol import (
    MAX_LINE_BYTES,
    RENDER_CRASHED,
    TIMED_OUT,
    Failure,
    Progress,
    Rendered,
    decode,
)

RENDER_CHILD = (sys.executable, "-m", "heygen_graphql.jobs.render_child")

_LOG_NAME = "child.log"
_LOG_TAIL_BYTES = 4000
_LOOK_SECONDS = 0.5
_LAST_WORDS_SECONDS = 2.0
_DEATH_SECONDS = 5.0

_log = structlog.get_logger(__name__)


async def render_in_child(
    command: Sequence[str],
    storyboard: str,
    directory: Path,
    *,
    soft_limit_seconds: float,
    hard_limit_seconds: float,
    on_progress: Callable[[Progress], None],
) -> Rendered | Failure:
    """Render the storyboard, a line of JSON, into the directory.

    When this returns, raises or is cancelled, the process and all it has started are dead.
    """
    with (directory / _LOG_NAME).open("wb") as log:
        # A session of its own, hence a process group: what the child starts can be killed with it.
        process = await asyncio.create_subprocess_exec(
            *command,
            str(directory),
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
            start_new_session=True,
            limit=MAX_LINE_BYTES,
        )
    try:
        await _tell(process, storyboard)
        outcome = await _outcome_in_time(process, soft_limit_seconds, hard_limit_seconds, on_progress)
    finally:
        # A child that has told its outcome is not waited for: it has nothing left to do.
        _kill(process)
        with suppress(TimeoutError):
            async with asyncio.timeout(_DEATH_SECONDS):
                await process.wait()
    if isinstance(outcome, Failure):
        _log.warning(
            "render_failed",
            code=outcome.code,
            exit_code=process.returncode,
            log_tail=_tail(directory / _LOG_NAME),
        )
    return outcome


async def _tell(process: Process, storyboard: str) -> None:
    assert process.stdin is not None
    process.stdin.write(storyboard.encode() + b"\n")
    # A child that is dead already is found out when it is listened to.
    with suppress(ConnectionError):
        await process.stdin.drain()


async def _outcome_in_time(
    process: Process, soft_seconds: float, hard_seconds: float, on_progress: Callable[[Progress], None]
) -> Rendered | Failure:
    with suppress(TimeoutError):
        async with asyncio.timeout(soft_seconds):
            return await _outcome(process, on_progress) or await _crash(process)
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(hard_seconds - soft_seconds):
            outcome = await _outcome(process, on_progress)
            if isinstance(outcome, Rendered):
                return outcome
    return TIMED_OUT


async def _outcome(process: Process, on_progress: Callable[[Progress], None]) -> Rendered | Failure | None:
    """The child's last word; None when it ended without one."""
    listening = asyncio.create_task(_listen(process, on_progress))
    try:
        while not (await asyncio.wait({listening}, timeout=_LOOK_SECONDS))[0]:
            if process.returncode is not None:
                # Dead, but something that it started holds the pipe open.
                _kill(process)
        return listening.result()
    finally:
        listening.cancel()
        # A stream has one reader at a time, and there may be another after this one.
        await asyncio.wait({listening})


async def _listen(process: Process, on_progress: Callable[[Progress], None]) -> Rendered | Failure | None:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        try:
            message = decode(line)
        except ValueError as error:
            _log.warning("render_child_said_nonsense", error=str(error))
            continue
        if not isinstance(message, Progress):
            return message
        on_progress(message)
    return None


async def _crash(process: Process) -> Failure:
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORDS_SECONDS):
            await process.wait()
    code = process.returncode
    if code == -signal.SIGKILL:
        what = "The render was killed, perhaps because the server ran out of memory."
    elif code is not None and code < 0:
        what = f"The render crashed ({signal.Signals(-code).name})."
    else:
        what = "The render ended without a video."
    return Failure(RENDER_CRASHED, f"{what} Retry the video.", is_retryable=True)


def _kill(process: Process) -> None:
    # The group outlives its leader while any member lives, and keeps the number from being given anew.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
        return file.read().decode("utf-8", "replace")
