"""What surrounds every compiled kernel: arrays in one piece, and the division into parts for threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from ..arrays import Array
from ..pool import Pool
from ..reference import Reference
from .waiting import signal, spin_wait

# A part with less work than this is not worth another thread's attention.
MIN_WORK_PER_THREAD = 1_000_000  # multiplications
MIN_NUMBERS_PER_THREAD = 40_000  # where each number is only moved or changed

Parts = list[tuple[int, int]]


class ThreadedBackend(Reference):
    """A backend whose kernels work on parts of their rows, one a thread."""

    def __init__(self, threads: int) -> None:
        super().__init__(np)
        self.name = "numba"
        self.threads = threads
        self._pool = Pool(threads, spin_wait, signal)

    def _run(self, kernel: Callable[..., Any], parts: Parts, *arguments: Any, after: tuple = ()) -> list[Any]:
        """kernel(*arguments, first, last, *after) for every part."""
        return self._pool.run(kernel, [(*arguments, first, last, *after) for first, last in parts])

    def _parts(self, count: int, least: int, group: int = 1, at_most: int | None = None) -> Parts:
        """0 … count in a part for each thread, of whole groups, at least `least`; in more where a part is limited."""
        return divided(self.threads, count, least, group, at_most)

    def _by_cost(self, cost: np.ndarray) -> Parts:
        """Neighbours that cost about the same together, a part for each thread; cost (G,) is cumulative."""
        if not len(cost):
            return []
        parts = int(min(self.threads, max(1, cost[-1] // MIN_WORK_PER_THREAD)))
        cuts = np.searchsorted(cost, cost[-1] * np.arange(1, parts) / parts) + 1
        bounds = [0, *cuts.tolist(), len(cost)]
        return [(a, b) for a, b in pairwise(bounds) if b > a]


def contiguous(array: Array, dtype: Any = None) -> Array:
    """The array in one piece and of this type; a copy only where it is not."""
    return np.ascontiguousarray(array, dtype)


@lru_cache(4096)
def divided(threads: int, count: int, least: int, group: int, at_most: int | None) -> Parts:
    """(first, last) of the parts of 0 … count: see `ThreadedBackend._parts`."""
    groups = -(-count // group)
    parts = min(threads, groups, max(1, count // least))
    if at_most is not None:
        parts = max(parts, -(-count // at_most))
    bounds = [min(count, group * (groups * i // max(parts, 1))) for i in range(parts + 1)]
    return [(a, b) for a, b in pairwise(bounds) if b > a]
