"""Work on strangers' input, or work that holds the interpreter: done by a niced child within bounds.

`python -m heygen_graphql.processes PARENT_PID MEGABYTES MODULE [ARGUMENT...]` is the child: it binds itself
and then runs the module as `python -m` would.
"""

import asyncio
import ctypes
import os
import resource
import runpy
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from heygen_graphql.errors import Unavailable
from heygen_graphql.settings import Settings

_NICENESS = 10
"""The API and the renders come first."""
_DEATH_SECONDS = 5.0
_BUSY_SECONDS = 10
"""After which whoever finds no room to wait should come again."""
_LOG_TAIL_CHARACTERS = 2000
# prctl(2): a signal for this process when the thread that started it ends.
_PR_SET_PDEATHSIG = 1
# Whatever takes such a child over finds no key, password or address of ours in its environment.
_SETTINGS = frozenset(Settings.model_fields)
# Each library's own pool of threads would reserve address space, of which there is little.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

_log = structlog.get_logger(__name__)


class ProcessFailed(Exception):
    """The child ended without a result; `is_out_of_time` when it was killed for its slowness."""

    def __init__(self, message: str, *, is_out_of_time: bool = False) -> None:
        super().__init__(message)
        self.is_out_of_time = is_out_of_time


class Processes:
    """A bound on how many children work at once, and on how many callers wait for a place.

    Belongs to one event loop.
    """

    def __init__(self, at_once: int, *, waiting: int = 16) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._most_waiting = waiting
        self._waiting = 0

    async def run(
        self, module: str, *arguments: str, seconds: float, megabytes: int, said: bytes = b""
    ) -> bytes:
        """What the module writes to standard output, when it is told `said` on standard input.

        `seconds` are counted from its start, `megabytes` of address space. When this returns, raises or
        is cancelled, the child and all that it has started are dead.

        Raises:
            Unavailable: as many callers wait already as may.
            ProcessFailed: it did not end in time, or with another status than 0.
        """
        async with self._place():
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", __name__, str(os.getpid()), str(megabytes), module, *arguments),
                stdin=PIPE if said else DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                env=_environment(),
                # A process group of its own: what the child starts can be killed with it.
                start_new_session=True,
            )
            try:
                async with asyncio.timeout(seconds):
                    output, errors = await process.communicate(said or None)
            except TimeoutError:
                raise ProcessFailed(f"{module} took more than {seconds:g} s", is_out_of_time=True) from None
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_DEATH_SECONDS):
                        await process.wait()
        if process.returncode != 0:
            tail = errors.decode(errors="replace")[-_LOG_TAIL_CHARACTERS:]
            _log.warning("process_failed", module=module, status=process.returncode, log_tail=tail)
            raise ProcessFailed(f"{module} ended with status {process.returncode}")
        return output

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._places.locked() and self._waiting >= self._most_waiting:
            # A queue without an end would keep everybody waiting for one caller's flood.
            raise Unavailable("The server is busy with such work. Try again in some seconds.", _BUSY_SECONDS)
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()


def _environment() -> dict[str, str]:
    told = {name: value for name, value in os.environ.items() if name.lower() not in _SETTINGS}
    return told | _ONE_THREAD


def main(parent: int, megabytes: int, module: str, arguments: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It died before the signal was asked for.
        sys.exit(1)
    os.nice(_NICENESS)
    limit = megabytes * 1024**2
    if sys.platform == "linux":
        # macOS reserves more for every process than it then lets anybody set.
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
