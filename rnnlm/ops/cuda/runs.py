"""Work on many arrays in one launch: the table, sent to the GPU in one piece, that says which blocks do what."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array

SHARED = 4  # bytes of shared memory, for the number of a block's run


class Runs:
    """Runs of neighbouring blocks, as runs.cuh reads them. What a block does depends on nothing but the arrays."""

    COLUMNS = 5

    def __init__(self) -> None:
        self.count = self.blocks = 0
        self.parts: list[Any] = []  # lists and arrays of whole numbers, to be put one after the other

    def add(self, what: int, first: int, count: int, each: int) -> None:
        """A run about `what`: its numbers or rows from `first` on, `each` of them a block."""
        if count:
            if not self.parts or type(self.parts[-1]) is not list:
                self.parts.append([])
            self.parts[-1] += self.blocks, what, first, count, each
            self.count += 1
            self.blocks -= -count // each

    def add_spans(self, what: int, spans: np.ndarray, unit: int, each: int) -> None:
        """A run for each span (start, end) of rows that count as `unit` each."""
        if len(spans) < 2:
            for start, end in spans.tolist():
                self.add(what, start * unit, (end - start) * unit, each)
            return
        runs = np.empty((len(spans), self.COLUMNS), np.int64)
        runs[:, 1], runs[:, 4] = what, each
        runs[:, 2] = spans[:, 0] * unit
        runs[:, 3] = (spans[:, 1] - spans[:, 0]) * unit
        ends = np.cumsum(-(-runs[:, 3] // each))
        runs[0, 0], runs[1:, 0] = self.blocks, self.blocks + ends[:-1]  # an empty one has no block
        self.parts.append(runs.reshape(-1))
        self.count += len(spans)
        self.blocks += int(ends[-1])

    def packed(self, before: Any = (), *after: Any) -> np.ndarray:
        """The runs, flat, between other whole numbers."""
        return np.concatenate([before, *self.parts, *after], dtype=np.int64, casting="unsafe")


def address(array: Array, dtype: Any) -> int:
    """The address of an array, for a table: TypeError unless it is in one piece and of the kernel's number type."""
    if array.dtype != dtype or not array.flags.c_contiguous:
        raise TypeError(
            f"an array of {array.dtype} with the strides {array.strides} where a kernel takes {dtype} in one piece"
        )
    return array.data.ptr
