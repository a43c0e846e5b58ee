"""Sums of few numbers, and of the columns of a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from .kernels import C_TYPE, Kernels, blocks_for

FEW = 1 << 16  # numbers that one block sums up while a launch of more would not have begun
COLUMN_THREADS = 1024  # of a block of sums_columns.cu, which has 32 columns


class Sums(Kernels):
    """Sums in an order that does not depend on how blocks are scheduled."""

    def total(self, array: Array) -> Array:
        """`Reference.total` of few numbers by one block, which takes the host less to launch than a reduction."""
        if array.size > FEW or array.dtype not in C_TYPE:
            return super().total(array)
        out = self.xp.empty((), np.float64)
        arguments, real = (self.contiguous(array), array.size, out), C_TYPE[array.dtype]
        self.launch("sums_total", 1, 1024, *arguments, shared=32 * 8, REAL=real)
        return out

    def column_sums(self, x: Array, out: Array | None = None, *, add: bool = False) -> Array:
        """out[j] = Σ_i x[i, j], or += with `add`: x (n, m) -> (m,). An x of uint16 holds bfloat16 numbers."""
        if out is None:
            out = self.xp.empty(x.shape[1], x.dtype)
        constants: dict[str, Any] = {
            "ADD": int(add),
            "BFLOAT16": int(x.dtype == np.uint16),
            "REAL": C_TYPE[out.dtype],
        }
        grid, shared = blocks_for(x.shape[1], 32), COLUMN_THREADS * out.itemsize
        arguments = (self.contiguous(x), *x.shape, out)
        self.launch("sums_columns", grid, COLUMN_THREADS, *arguments, shared=shared, **constants)
        return out
