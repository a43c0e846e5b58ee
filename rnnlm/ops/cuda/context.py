"""The last inputs of every step side by side: one launch forward, one backward."""

from __future__ import annotations

from typing import Any

from ..arrays import Array
from .kernels import C_TYPE, Kernels, blocks_for

WARPS = 8  # of a block, each with a row of numbers, as in context.cuh


class Context(Kernels):
    """A window of the last n steps."""

    def context_forward(self, x: Array, before: Array, keep: Array | None, n: int) -> Array:
        """`Reference.context_forward` in one launch."""
        T, B, E = x.shape
        y = self.xp.empty((T, B, n * E), x.dtype)
        mask = None if keep is None else self.contiguous(keep, x.dtype)
        arrays = self.contiguous(x), self.contiguous(before), mask, y
        self._rows("context_forward", x.dtype, T * B * n, *arrays, *(T, B, E, n))
        return y

    def context_backward(
        self, dy: Array | None, dlast: Array | None, like: Array, keep: Array | None, n: int, stop: int
    ) -> tuple[Array, Array]:
        """`Reference.context_backward` in one launch."""
        (T, B, E), dtype = like.shape, like.dtype
        dx, dbefore = self.xp.empty(like.shape, dtype), self.xp.empty((B, (n - 1) * E), dtype)
        arrays = [None if a is None else self.contiguous(a, dtype) for a in (dy, dlast, keep)]
        self._rows("context_backward", dtype, (T + n - 1) * B, *arrays, dx, dbefore, *(T, B, E, n, stop))
        return dx, dbefore

    def _rows(self, name: str, dtype: Any, rows: int, *arguments: Array | int | None) -> None:
        """Launch a kernel that gives each row of its results to a warp."""
        grid = min(blocks_for(rows, WARPS), 32 * self.multiprocessors)
        self.launch(name, grid, 32 * WARPS, *arguments, REAL=C_TYPE[dtype])
