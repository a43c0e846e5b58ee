"""Activations, gates and dropout, one pass over memory each, and the sum of a few numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..elementwise import ACTIVATIONS, _mix, _threshold
from .kernels import NUMBER, blocks_for
from .tables import Tables

FEW = 1 << 16  # numbers that one block sums up while a launch of more would not have begun


class Elementwise(Tables):
    """Activations, gates and dropout."""

    def total(self, array: Array) -> Array:
        if array.size > FEW or array.dtype not in NUMBER:
            return super().total(array)
        out = self.xp.empty((), np.float64)
        self.launch("total", 1, 1024, self.whole(array), array.size, out, shared=32 * 8, REAL=NUMBER[array.dtype])
        return out

    def activate(self, name: str, a: Array) -> Array:
        return self._activation(name, a, None)

    def activate_backward(self, name: str, dy: Array, y: Array) -> Array:
        return self._activation(name, y, dy)

    def _activation(self, name: str, x: Array, dy: Array | None) -> Array:
        out = self.xp.empty(x.shape, x.dtype)
        given = self.whole(x), None if dy is None else self.whole(dy)
        self._fill(out, "activation", *given, after=(list(ACTIVATIONS).index(name),))
        return out

    def dropout(self, x: Array, rate: float, key: tuple[int, int]) -> Array:
        return self._masked(x, x.shape, rate, key, x.dtype)

    def dropout_mask(self, shape: tuple[int, ...], rate: float, key: tuple[int, int], dtype: Any) -> Array:
        return self._masked(None, shape, rate, key, dtype)

    def _masked(self, x: Array | None, shape: tuple[int, ...], rate: float, key: tuple[int, int], dtype: Any) -> Array:
        out = self.xp.empty(shape, dtype)
        words = [np.uint32(_mix(word)) for word in key]
        after = (*words, np.uint32(_threshold(rate)), out.dtype.type(1 / (1 - rate)))
        self._fill(out, "dropout", None if x is None else self.whole(x), after=after)
        return out

    def gate(self, x: Array) -> tuple[Array, Array]:
        h, opened = (self.xp.empty((*x.shape[:-1], x.shape[-1] // 2), x.dtype) for _ in range(2))
        self._each_unit("gate", h, self.whole(x), h, opened)
        return h, opened

    def gate_backward(self, dh: Array, x: Array, opened: Array) -> Array:
        dx = self.xp.empty(x.shape, x.dtype)
        self._each_unit("gate_backward", dh, *map(self.whole, (dh, x, opened)), dx)
        return dx

    def _each_unit(self, kernel: str, like: Array, *given: Array) -> None:
        """Launch a kernel that has a thread for each number of an array like this one."""
        H = like.shape[-1]
        grid = min(blocks_for(like.size, 256), 32 * self.multiprocessors)
        self.launch(kernel, grid, 256, *given, like.size // max(H, 1), H, REAL=NUMBER[like.dtype])

    def _fill(self, out: Array, kernel: str, *given: Array | None, after: tuple[Any, ...]) -> None:
        """Let the kernel make `out` of arrays that are as large, element by element."""
        wide = self.at_once(out.size, *(array for array in given if array is not None))
        grid = min(blocks_for(out.size, 256 * wide), 32 * self.multiprocessors)
        self.launch(kernel, grid, 256, *given, out, out.size, *after, WIDE=wide, REAL=NUMBER[out.dtype])
