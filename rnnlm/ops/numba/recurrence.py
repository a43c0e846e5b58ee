"""What the time loops of recurrent layers share.

Equations and shapes: `reference/elman.py` and `reference/jordan.py`. Streams do not see each other, so each part of
them is a loop of its own, without a meeting of threads at every step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..reference.elementwise import CLIP
from .affine import Affine
from .elementwise import NUMBER, activate
from .jit import kernel
from .product import product
from .threaded import MIN_WORK_PER_THREAD, Parts, contiguous


@kernel
def masked(state, start, keep, k, count, n, out):
    """The rows of a state, cleared where a sentence starts: out (count, n) = state[start…] · keep[k…]."""
    for s in range(count):
        before, after, factor = state[start + s * n : start + (s + 1) * n], out[s * n : (s + 1) * n], keep[k + s]
        for j in range(n):
            after[j] = before[j] * factor


@kernel
def forward_step(before, start, W, n, b, x, row, h, out, count, H, function, ceiling):
    """h[out…] = f(x[row…] + before[start…] W + b) for `count` streams; W (n, H) flat."""
    for s in range(count):
        a, arriving = h[out + s * H : out + (s + 1) * H], x[row + s * H : row + (s + 1) * H]
        for j in range(H):
            a[j] = arriving[j] + b[j]
    product(before, start, n, 1, W, 0, H, h, out, H, count, H, n, 1)
    activate(function, h[out : out + count * H], ceiling)


class Recurrence(Affine):
    """Parts of the streams for the threads."""

    def _streams(self, shape: tuple[int, ...], n: int) -> Parts:
        """The streams of a window (T, B, H) whose recurrent weights are (n, H), in parts."""
        T, B, H = shape
        return self._parts(B, max(4, MIN_WORK_PER_THREAD // (T * H * n)), 4)


def empty_or_contiguous(array: Array | None, dtype: Any, ndim: int = 2) -> Array:
    """The array in one piece; an empty one stands for None, which kernels do not take."""
    return np.empty((0,) * ndim, dtype) if array is None else contiguous(array, dtype)


def activation_arguments(activation: str) -> tuple[int, float]:
    """The number of an activation, and the ceiling of the clipped ReLU, as kernels take them."""
    return NUMBER[activation], CLIP


def gradient_buffer(like: Array, stop: int, time: int = 0) -> Array:
    """Room for a gradient of every step, zero before the step `stop` of the axis `time`."""
    room = np.empty_like(like)
    room[(slice(None),) * time + (slice(stop),)] = 0
    return room
