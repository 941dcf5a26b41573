"""The bond between a process and its parent, by which none outlives the other's death.

Two ways lead to the end of a child, since neither is certain alone: a signal of the kernel, which only Linux
sends and only when it was asked for in time, and the end of standard input, whose other end the parent
alone holds.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

READY = b"ready\n"
"""What a worker process says on standard output, once, when it has begun to work."""

# prctl(2): a signal for this process when the thread that started it ends.
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the thread that started this process ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def live_under_supervision() -> Callable[[], None]:
    """End at once when the supervisor does; returns what tells it that work has begun.

    From then on standard output is standard error.
    """
    die_with_parent()
    threading.Thread(target=_end_with_input, name="lifeline", daemon=True).start()

    def tell_ready() -> None:
        os.write(sys.stdout.fileno(), READY)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    return tell_ready


def _end_with_input() -> None:
    # The bare descriptor: a thread inside sys.stdin would hold its lock while the interpreter ends.
    while os.read(0, 4096):
        pass
    # The renders are children of this process and see to their own end.
    os._exit(1)
