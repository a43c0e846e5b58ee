"""Elman's recurrence over a window."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

import numpy as np

from ..arrays import Array
from ..precision import precision
from . import elman_plan
from .elman_plan import Layout
from .kernels import C_TYPE
from .recurrence import Recurrence
from .sums import Sums


class Elman(Recurrence, Sums):
    """Elman's recurrence over a window: one launch for all T steps, forward or backward.

    Up to 256 hidden units (192 in float64) every block has all weights and products are exact whatever
    `ops.precision()` says, for rounding would save no time there. Beyond, the weights are split over all
    multiprocessors, and the factors of float32 products are rounded as it says. The gradient of the weights is one
    product of matrices.
    """

    @cached_property
    def _split(self) -> Callable[..., Layout]:
        """`elman_plan.split`, with a memory: it takes longer than a launch."""
        return cache(elman_plan.split)

    def _recur(self, name: str, activation: str, arrays: tuple[Array | None, ...], sizes: tuple[int, ...]) -> None:
        """Launches NAME.cu, or NAME_split.cu with counters for its barriers; sizes: T, B, H and what else it takes."""
        dtype, (_, B, H, *_) = arrays[-1].dtype, sizes  # type: ignore[union-attr]  # the last one is a result
        constants: dict[str, Any] = {"REAL": C_TYPE[dtype], "FUNCTION": activation.upper()}
        processors, room = self.multiprocessors, self.shared_memory
        layout = elman_plan.resident(H, B, dtype.itemsize, processors, room)
        together = layout is None
        if layout is None:
            exactness = precision() if dtype == np.float32 else "float64"
            layout = self._split(H, B, exactness, processors, room)
            name, arrays = f"{name}_split", (*arrays, self.xp.zeros(32 * layout.grid[1], np.uint32))
        constants |= layout.constants
        shared = layout.shared
        self.launch(name, layout.grid, layout.threads, *arrays, *sizes, shared=shared, together=together, **constants)

    def elman_forward(self, x: Array, W: Array, b: Array, h0: Array, keep: Array | None, activation: str) -> Array:
        """`Reference.elman_forward` in one launch for all steps."""
        T, B, H = x.shape
        h = self.xp.empty(x.shape, x.dtype)
        arrays = (self.contiguous(x), self._aligned(W), b, self._aligned(h0), self._or_none(keep, x.dtype), h)
        self._recur("elman_forward", activation, arrays, (T, B, H))
        return h

    def elman_backward(
        self,
        dh: Array | None,
        dlast: Array | None,
        h: Array,
        h0: Array,
        W: Array,
        keep: Array | None,
        activation: str,
        stop: int,
    ) -> tuple[Array, Array, Array, Array]:
        """`Reference.elman_backward` in one launch for all steps, and the matrix product after them."""
        T, B, H = h.shape
        if stop == T:  # no step, and so nothing for a kernel to write
            return super().elman_backward(dh, dlast, h, h0, W, keep, activation, stop)
        new, dtype = self.xp.empty, h.dtype
        da, before, dh0, sums = new(h.shape, dtype), new(h.shape, dtype), new(h0.shape, dtype), new(h0.shape, dtype)
        incoming = (self._or_none(dh, dtype), self._or_none(dlast, dtype))
        seen = (self.contiguous(h), self.contiguous(h0), self._aligned(W), self._or_none(keep, dtype))
        self._recur("elman_backward", activation, (*incoming, *seen, da, before, dh0, sums), (T, B, H, stop))
        rows = (T - stop) * B
        dW = self.weight_gradient(before[stop:].reshape(rows, H), da[stop:].reshape(rows, H))
        return da, dh0, dW, self.column_sums(sums)
