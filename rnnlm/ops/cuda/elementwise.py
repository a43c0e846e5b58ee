"""Activations and dropout, one pass over memory each."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..reference.elementwise import ACTIVATIONS, dropout_threshold, mix_key
from .kernels import C_TYPE, Kernels, blocks_for


class Elementwise(Kernels):
    """Activations and dropout."""

    def activate(self, name: str, a: Array) -> Array:
        """`Reference.activate` in one launch."""
        return self._activation(name, a, None)

    def activate_backward(self, name: str, dy: Array, y: Array) -> Array:
        """`Reference.activate_backward` in one launch."""
        return self._activation(name, y, dy)

    def _activation(self, name: str, x: Array, dy: Array | None) -> Array:
        out = self.xp.empty(x.shape, x.dtype)
        arrays = self.contiguous(x), None if dy is None else self.contiguous(dy)
        self._fill(out, "elementwise_activation", *arrays, after=(list(ACTIVATIONS).index(name),))
        return out

    def dropout(self, x: Array, rate: float, key: tuple[int, int]) -> Array:
        """`Reference.dropout` in one launch; the mask is never written to memory."""
        return self._masked(x, x.shape, rate, key, x.dtype)

    def dropout_mask(self, shape: tuple[int, ...], rate: float, key: tuple[int, int], dtype: Any) -> Array:
        """`Reference.dropout_mask` in one launch."""
        return self._masked(None, shape, rate, key, dtype)

    def _masked(self, x: Array | None, shape: tuple[int, ...], rate: float, key: tuple[int, int], dtype: Any) -> Array:
        out = self.xp.empty(shape, dtype)
        key1, key2 = (np.uint32(mix_key(word)) for word in key)
        after = (key1, key2, np.uint32(dropout_threshold(rate)), out.dtype.type(1 / (1 - rate)))
        self._fill(out, "elementwise_dropout", None if x is None else self.contiguous(x), after=after)
        return out

    def _fill(self, out: Array, kernel: str, *arrays: Array | None, after: tuple[Any, ...]) -> None:
        """Let the kernel make `out` of arrays that are as large, element by element."""
        wide = self.vector_width(out.size, *(array for array in arrays if array is not None))
        grid = min(blocks_for(out.size, 256 * wide), 32 * self.multiprocessors)
        self.launch(kernel, grid, 256, *arrays, out, out.size, *after, WIDE=wide, REAL=C_TYPE[out.dtype])
