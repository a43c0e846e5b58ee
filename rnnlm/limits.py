"""How many cores and how much memory this process may use: of the machine, or of the container or job that it is in."""

from __future__ import annotations

import math
import os
import sys
from contextlib import suppress
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")  # where Linux shows the limits of containers and batch jobs
_OWN = Path("/proc/self/cgroup")  # to which of these groups this process belongs
UNKNOWN_MEMORY = 4e9  # bytes, where the system does not say how much there is


def cores() -> int:
    """Return how many cores this process may use, at least 1: those it is bound to, and no more than its CPU quota."""
    try:
        count = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not on this system
        count = os.cpu_count() or 1
    return max(1, math.ceil(min(count, _quota())))


def memory(unknown: float = UNKNOWN_MEMORY) -> float:
    """Return the bytes of memory that this process may use: the machine's, or the lowest limit that is set for it.

    `unknown` stands for the machine's where the system does not say how much that is.
    """
    try:
        machine = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # not on this system
        machine = unknown
    return min(machine, _address_space(), *map(_number, _settings("memory", "memory.max", "memory.limit_in_bytes")))


def _address_space() -> float:
    """Return the limit that `ulimit -v` sets, infinity where there is none."""
    if sys.platform == "win32":
        return math.inf
    import resource

    with suppress(OSError, ValueError):
        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY and soft > 0:
            return float(soft)
    return math.inf


def _quota() -> float:
    """Return the lowest CPU quota that is set for this process, in cores; infinity where there is none."""
    quotas = [math.inf]
    for line in _settings("cpu", "cpu.max"):  # "150000 100000": microseconds in each period; "max 100000": no limit
        allowed, _, period = line.partition(" ")
        quotas.append(_number(allowed) / (_number(period) or math.inf) if period else math.inf)
    periods = _settings("cpu", "", "cpu.cfs_period_us")
    for allowed, period in zip(_settings("cpu", "", "cpu.cfs_quota_us"), periods, strict=False):  # -1: no limit
        quotas.append(_number(allowed) / _number(period))
    return min(quota for quota in quotas if quota > 0)


def _number(text: str) -> float:
    """Return a positive number as these files have it; infinity for "max", -1, and all that is no limit."""
    with suppress(ValueError):
        if (value := float(text)) > 0:
            return value
    return math.inf


def _settings(controller: str, name: str, old_name: str = "") -> list[str]:
    """Return a setting of this process's groups and of those that they are in, as far as they can be read.

    `name` is that of the setting in version 2 of control groups, `old_name` that of the controller in version 1.
    """
    found = []
    try:
        groups = [line.split(":", 2) for line in _OWN.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:  # not on this system
        return []
    for _, controllers, path in (group for group in groups if len(group) == 3):
        if not controllers:
            top, file = _ROOT, name
        elif controller in controllers.split(","):
            top, file = _ROOT / controllers, old_name
        else:
            continue
        here = top / path.strip("/")
        while file and here.is_relative_to(top):
            with suppress(OSError, ValueError):
                found.append((here / file).read_text(encoding="utf-8").strip())
            if here == top:
                break
            here = here.parent
    return found
