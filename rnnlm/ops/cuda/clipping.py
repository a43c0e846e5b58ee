"""The length of all gradients together, and clipping: one launch or two, however many parameters there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from ..arrays import Array
from ..gradients import Gradient, Outer, Some, Whole
from .kernels import NUMBER
from .outer import Outers
from .runs import SHARED, Runs, place

EACH = 4096  # numbers of a block: fixed, because the order in which squares are summed depends on it
SUMS = 33 * 8  # bytes of shared memory: the sums of 32 warps, and a block's run


class Clipping(Outers):
    """Sums of squares are float64, and their order depends only on the gradients' shapes."""

    def square_sum(self, array: Array) -> Array:
        return Lengths(self, [Whole(self.whole(array), None)]).found(0)

    def span_square_sum(self, array: Array, spans: np.ndarray) -> Array:
        return Lengths(self, [Whole(self.whole(array), spans)]).found(0)

    def gradient_norm(self, gradients: list[Gradient]) -> Array:
        return Lengths(self, gradients).found(1)

    def clip_norm(self, gradients: list[Gradient], limit: float) -> Array:
        lengths = Lengths(self, gradients, limit)
        runs = lengths.runs
        self.launch(
            "scale", runs.blocks, 256, lengths.table, runs.count, lengths.numbers[2:], shared=SHARED, REAL=lengths.real
        )
        return lengths.found(1)

    def clip_value(self, gradients: list[Whole | Some], limit: float) -> None:
        runs, dtype = Runs(), number_type(gradients)
        for gradient in gradients:
            add(runs, gradient, dtype)
        if runs.count:
            table = self.asarray(runs.packed())
            real = NUMBER[dtype]
            self.launch("clip_values", runs.blocks, 256, table, runs.count, dtype.type(limit), shared=SHARED, REAL=real)


class Lengths:
    """The sum of the squares of gradients, its root, and the factor that brings that to a limit: on the GPU, `numbers`.

    `runs` are those of all gradients, and `table` is what tells the kernels of them.
    """

    def __init__(self, ops: Clipping, gradients: list[Gradient], limit: float = math.inf) -> None:
        dtype = number_type(gradients)
        self.real, self.runs = NUMBER[dtype], Runs()
        outers = []
        for gradient in gradients:
            if isinstance(gradient, Outer):
                outers.append(gradient)
            else:
                add(self.runs, gradient, dtype)
        blocks = self.runs.blocks  # of these the squares; the others are still two factors
        count = self.runs.count if blocks else 0
        for outer in outers:
            self.runs.add(place(outer.d, dtype), 0, outer.d.size, EACH)
        self.table = ops.asarray(self.runs.packed((), [0]))  # and how many blocks have done their part
        *begins, end = accumulate(map(ops.outer_square_parts, outers), initial=blocks)
        parts = ops.xp.empty(end, np.float64)
        for outer, begin in zip(outers, begins, strict=True):
            ops.outer_squares_into(outer, parts, begin)
        self.numbers = ops.xp.empty(3, np.float64)
        given = (self.table, count, self.table[-1:], parts, parts.size, np.float64(limit), self.numbers)
        ops.launch("squares", max(blocks, 1), 256, *given, shared=SUMS, REAL=self.real)

    def found(self, place: int) -> Array:
        """One of the numbers, as an array of no dimensions."""
        return self.numbers[place : place + 1].reshape(())


def number_type(gradients: Sequence[Gradient]) -> np.dtype:
    """float32 or float64, whichever they are all in; where there are none it does not matter."""
    for gradient in gradients:
        return (gradient.array if isinstance(gradient, Whole) else gradient.rows).dtype
    return np.dtype(np.float32)


def add(runs: Runs, gradient: Whole | Some, dtype: np.dtype) -> None:
    """What a gradient has, in pieces of `EACH` numbers."""
    if isinstance(gradient, Some):
        runs.add(place(gradient.rows, dtype), 0, gradient.rows.size, EACH)
    elif gradient.spans is None:
        runs.add(place(gradient.array, dtype), 0, gradient.array.size, EACH)
    else:
        runs.add_spans(place(gradient.array, dtype), gradient.spans, math.prod(gradient.array.shape[1:]), EACH)
