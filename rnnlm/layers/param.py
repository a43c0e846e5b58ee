"""A learnt array, its gradient, and which rows of it the gradient touches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np  # host-side bookkeeping: which rows were touched

from ..ops import ops_for
from ..ops.arrays import Array

Rows = slice | np.ndarray


class Param:
    """A value, its gradient of the same shape, and the rows that the gradient touches since the last `zero()`.

    An update that touches 160 words of 10,000 must not cost 10,000 rows: optimizers, clipping and zeroing go over
    `touched()` only, and every other row of `grad` is zero.
    """

    def __init__(self, value: Array) -> None:
        self.set(value)

    def set(self, value: Array) -> None:
        """Take another value, perhaps on another machine; the gradient is cleared and lives where the value lives."""
        self.value = value
        self.grad = ops_for(value).xp.zeros_like(value)
        self._all = False
        self._ids: list[np.ndarray] = []
        self._ranges: list[tuple[int, int]] = []

    def add(self, g: Array) -> None:
        """Add a gradient of the whole array."""
        self.grad += g
        self.touch()

    def add_rows(self, ids: np.ndarray, g: Array) -> None:
        """Add g[i] to the gradient of row ids[i]: ids (N,) on the host, g (N, …); an id of -1 adds nothing."""
        ops_for(self.grad).add_rows(self.grad, ids, g)
        if len(ids):
            self._ids.append(np.unique(ids[ids >= 0]))

    def touch(self, ranges: list[tuple[int, int]] | None = None) -> None:
        """Say that an operation wrote into `grad` itself: everywhere, or in these ranges of rows [(start, end), …]."""
        if ranges is None:
            self._all = True
        else:
            self._ranges += ranges

    @property
    def rows(self) -> np.ndarray | None:
        """The ids of the touched rows in rising order; None means all."""
        if self._all:
            return None
        pieces = [*self._ids, *(np.arange(start, end) for start, end in self._ranges)]
        return np.unique(np.concatenate(pieces)) if pieces else np.empty(0, dtype=np.int64)

    def touched(self) -> Iterator[Any]:
        """Index objects that together select every touched row once: slices where rows are contiguous, else ids."""
        if self._all:
            yield slice(None)
        elif not self._ids:
            yield from _merged(self._ranges)
        else:
            ids = self.rows
            if ids is not None and len(ids):
                yield ops_for(self.grad).asarray(ids)

    def zero(self) -> None:
        """Clear the gradient; costs only the touched rows."""
        for rows in self.touched():
            self.grad[rows] = 0
        self._all, self._ids, self._ranges = False, [], []


def _merged(ranges: list[tuple[int, int]]) -> Iterator[slice]:
    """The union of the ranges as few slices: neighbouring and overlapping ones become one."""
    start = end = 0
    for first, last in sorted(ranges):
        if first > end:
            if end > start:
                yield slice(start, end)
            start = first
        end = max(end, last)
    if end > start:
        yield slice(start, end)
