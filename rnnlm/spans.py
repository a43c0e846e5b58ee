"""Looking at a long array piece by piece, in several threads: NumPy and zlib compute without Python's lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from . import limits

Result = TypeVar("Result")

SPAN = 1 << 18  # elements that are looked at at a time, while they are in the processor's cache
_MOST_THREADS = 4  # beyond these the memory is the limit, not the processor


def over_spans(look: Callable[[int, int], Result], length: int, start: int = 0, span: int = SPAN) -> list[Result]:
    """Return look(begin, end) for each piece of the places from `start` to `length`, in their order.

    Short arrays are looked at in the calling thread.
    """
    begins = range(start, length, span)
    ends = [min(begin + span, length) for begin in begins]
    if len(begins) < 4:
        return list(map(look, begins, ends))
    with ThreadPoolExecutor(min(_MOST_THREADS, limits.cores())) as threads:
        return list(threads.map(look, begins, ends))
