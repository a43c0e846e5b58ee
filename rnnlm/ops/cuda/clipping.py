"""The length of all gradients together, and clipping: one launch or two, however many parameters there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from ..arrays import Array
from ..gradients import Dense, Gradient, OuterProduct, RowSparse
from .kernels import C_TYPE
from .outer_product import OuterProducts
from .runs import SHARED, Runs, address

EACH = 4096  # numbers of a block: fixed, because the order in which squares are summed depends on it
SUMS = 33 * 8  # bytes of shared memory: the sums of 32 warps, and a block's run


class Clipping(OuterProducts):
    """Sums of squares are float64, and their order depends only on the gradients' shapes."""

    def square_sum(self, array: Array) -> Array:
        """`Reference.square_sum` in one launch, in float64."""
        return Lengths(self, [Dense(self.contiguous(array), None)]).number(0)

    def span_square_sum(self, array: Array, spans: np.ndarray) -> Array:
        """`Reference.span_square_sum` in one launch for all spans, in float64."""
        return Lengths(self, [Dense(self.contiguous(array), spans)]).number(0)

    def gradient_norm(self, gradients: list[Gradient]) -> Array:
        """`Reference.gradient_norm` in one launch, and one for each product of two factors."""
        return Lengths(self, gradients).number(1)

    def clip_norm(self, gradients: list[Gradient], limit: float) -> Array:
        """`Reference.clip_norm` in one launch more than `gradient_norm`."""
        lengths = Lengths(self, gradients, limit)
        runs = lengths.runs
        arguments = (lengths.table, runs.count, lengths.numbers[2:])
        self.launch("clipping_scale", runs.blocks, 256, *arguments, shared=SHARED, REAL=lengths.real)
        return lengths.number(1)

    def clip_value(self, gradients: list[Dense | RowSparse], limit: float) -> None:
        """`Reference.clip_value` in one launch for all gradients."""
        runs, dtype = Runs(), number_type(gradients)
        for gradient in gradients:
            add_gradient(runs, gradient, dtype)
        if runs.count:
            arguments = (self.asarray(runs.packed()), runs.count, dtype.type(limit))
            self.launch("clipping_values", runs.blocks, 256, *arguments, shared=SHARED, REAL=C_TYPE[dtype])


class Lengths:
    """`numbers` on the GPU: the sum of the squares of gradients, its root, and the factor that brings that to a limit.

    `runs` are those of all gradients, and `table` is the same for the kernels, on the GPU.
    """

    def __init__(self, ops: Clipping, gradients: list[Gradient], limit: float = math.inf) -> None:
        dtype = number_type(gradients)
        self.real, self.runs = C_TYPE[dtype], Runs()
        outers = []
        for gradient in gradients:
            if isinstance(gradient, OuterProduct):
                outers.append(gradient)
            else:
                add_gradient(self.runs, gradient, dtype)
        blocks = self.runs.blocks  # of these the squares; the others are still two factors
        count = self.runs.count if blocks else 0
        for outer in outers:
            self.runs.add(address(outer.d, dtype), 0, outer.d.size, EACH)
        self.table = ops.asarray(self.runs.packed((), [0]))  # and how many blocks have done their part
        *begins, end = accumulate(map(ops.outer_product_square_parts, outers), initial=blocks)
        parts = ops.xp.empty(end, np.float64)
        for outer, begin in zip(outers, begins, strict=True):
            ops.outer_product_squares_into(outer, parts, begin)
        self.numbers = ops.xp.empty(3, np.float64)
        arguments = (self.table, count, self.table[-1:], parts, parts.size, np.float64(limit), self.numbers)
        ops.launch("clipping_squares", max(blocks, 1), 256, *arguments, shared=SUMS, REAL=self.real)

    def number(self, which: int) -> Array:
        """One of the numbers, as an array of no dimensions."""
        return self.numbers[which : which + 1].reshape(())


def number_type(gradients: Sequence[Gradient]) -> np.dtype:
    """float32 or float64, whichever they are all in; where there are none it does not matter."""
    for gradient in gradients:
        return (gradient.array if isinstance(gradient, Dense) else gradient.rows).dtype
    return np.dtype(np.float32)


def add_gradient(runs: Runs, gradient: Dense | RowSparse, dtype: np.dtype) -> None:
    """What a gradient has, in pieces of `EACH` numbers."""
    if isinstance(gradient, RowSparse):
        runs.add(address(gradient.rows, dtype), 0, gradient.rows.size, EACH)
    elif gradient.spans is None:
        runs.add(address(gradient.array, dtype), 0, gradient.array.size, EACH)
    else:
        runs.add_spans(address(gradient.array, dtype), gradient.spans, math.prod(gradient.array.shape[1:]), EACH)
