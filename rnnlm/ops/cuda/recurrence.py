"""What the recurrences over a window share."""

from __future__ import annotations

from typing import Any

from ..arrays import Array
from .kernels import C_TYPE, Kernels, blocks_for


class Recurrence(Kernels):
    """The states that the steps saw, and arrays as the kernels want them."""

    def previous(self, h: Array, h0: Array, keep: Array | None) -> Array:
        """`Reference.previous` in one launch."""
        T, B, n = h.shape
        out = self.xp.empty(h.shape, h.dtype)
        arrays = (self.contiguous(h), self.contiguous(h0), self._or_none(keep, h.dtype), out)
        grid = min(blocks_for(out.size, 256), 32 * self.multiprocessors)
        self.launch("recurrence_previous", grid, 256, *arrays, T, B, n, REAL=C_TYPE[h.dtype])
        return out

    def _or_none(self, array: Array | None, dtype: Any) -> Array | None:
        return None if array is None else self.contiguous(array, dtype)

    def _aligned(self, array: Array) -> Array:
        """The array in one piece that begins at a multiple of 16 bytes, since kernels read four numbers at once."""
        array = self.contiguous(array)
        return array if array.data.ptr % 16 == 0 else array.copy()
