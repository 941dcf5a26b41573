"""What this process may use of the machine that it runs on."""

import os
from contextlib import suppress
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Microseconds of processor time and the period in which they may be spent, or "max" (Linux, cgroup-v2)."""


def usable_cores() -> int:
    """At least 1. A container often sees all of the machine's cores and may use the time of a few."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = map(int, _QUOTA.read_text().split())
        cores = min(cores, quota // period)
    return max(1, cores)
