"""The C library's heap, where pictures and sound lie while they are made.

A render takes a scene's sound, the encoder's pictures and parts of presenters in turn, in sizes that seldom
fit the gaps left before: unless the heap is kept in order, it grows with every scene.
Both functions ask the GNU C library (mallopt(3), malloc_trim(3)) and do nothing where there is another.
"""

import ctypes
import sys

_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1 << 20
"""Sentences and the encoder's pictures take more; what each frame makes anew takes less."""


def set_large_blocks_apart() -> None:
    """Have them mapped one by one, so that each goes back to the system when it is freed.

    By itself the library puts them into the heap once the first of their size has been freed.
    """
    _call("mallopt", _M_MMAP_THRESHOLD, _LARGE_BYTES)


def give_back() -> None:
    """Give free memory back to the system, also from between pieces in use."""
    _call("malloc_trim", 0)


def _call(name: str, *numbers: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*numbers)
