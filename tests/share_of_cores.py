"""Each of several processes that run tests at the same time keeps to its own share of the cores.

Threads of one computation wait for each other awake, so those of two test processes on the same cores would hold each
other up. What a test process starts keeps to its share too. Import this before NumPy, whose own threads are counted
when it is imported; outside of pytest-xdist nothing happens.
"""

import os

MOST = 4  # processes: each of them compiles or loads the same kernels first


def cores() -> list[int]:
    """The cores that this process may use, as far as the system says which."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [*range(os.cpu_count() or 1)]


def processes() -> int:
    """How many processes share the whole test suite."""
    return min(len(cores()), MOST)


if "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "sched_setaffinity"):
    number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    share = cores()[number :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]
    if share:  # none where more processes were asked for than there are cores
        os.sched_setaffinity(0, share)
