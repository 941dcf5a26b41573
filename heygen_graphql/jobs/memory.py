"""What a process group holds of the machine's memory, as proc(5) tells; 0 where there is no /proc."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_FIRST_TO_GO = "1000"


def largest_bytes(group: int) -> int:
    """The resident set of the largest process of the group."""
    return max(map(_resident_bytes, _members(group)), default=0)


def holds_more_than(group: int, limit_bytes: int) -> bool:
    """Whether the group's processes together hold more, a page that several share counted once."""
    members = list(_members(group))
    # The resident sets count such a page several times, and cost next to nothing.
    if sum(map(_resident_bytes, members)) <= limit_bytes:
        return False
    return sum(map(_proportional_bytes, members)) > limit_bytes


def let_go_first(pid: int) -> None:
    """Have the kernel take this process, or one that it starts, when memory runs out, and not its parent."""
    with suppress(OSError):
        (_PROC / str(pid) / "oom_score_adj").write_text(_FIRST_TO_GO)


def _members(group: int) -> Iterator[Path]:
    for folder in _PROC.glob("[0-9]*"):
        # Any may end while it is looked at.
        with suppress(OSError):
            # After the name, which is in parentheses and may hold anything: state, parent, process group.
            _state, _parent, its_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group:
                yield folder


def _resident_bytes(folder: Path) -> int:
    with suppress(OSError):
        # The second number is the resident set, in pages.
        return int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _proportional_bytes(folder: Path) -> int:
    """Of its resident set, a page that n processes share counted as its nth part."""
    try:
        lines = (folder / "smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except ProcessLookupError:
        return 0
    except (OSError, StopIteration):
        # Not every kernel tells.
        return _resident_bytes(folder)
