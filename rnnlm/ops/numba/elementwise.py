"""Activation functions, their slopes and dropout over flat arrays, in place or into another.

The loops run over whole arrays from 0 on: with an index that might be negative, which counts from the end, the compiler
could not work on vectors. Callers pass slices.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Array
from ..reference.elementwise import CLIP, LEAK, dropout_threshold, mix_key
from .exponential import expm1_32, logistic32, tanh32
from .jit import kernel
from .threaded import MIN_NUMBERS_PER_THREAD, ThreadedBackend, contiguous

NUMBER = {"tanh": 0, "logistic": 1, "relu": 2, "clipped_relu": 3, "elu": 4, "leaky_relu": 5}
TANH, LOGISTIC, RELU, CLIPPED, ELU, LEAKY = range(6)


@kernel
def activate(function, a, ceiling):
    """a = f(a) in place; `ceiling` is that of the clipped ReLU."""
    single = a.itemsize == 4
    if function == TANH:
        if single:
            for i in range(a.size):
                a[i] = tanh32(a[i])
        else:
            for i in range(a.size):
                a[i] = math.tanh(a[i])
    elif function == LOGISTIC:
        if single:
            for i in range(a.size):
                a[i] = logistic32(a[i])
        else:
            for i in range(a.size):
                a[i] = 0.5 + 0.5 * math.tanh(0.5 * a[i])
    elif function == RELU:
        for i in range(a.size):
            a[i] = 0 if a[i] < 0 else a[i]
    elif function == CLIPPED:
        for i in range(a.size):
            low = 0 if a[i] < 0 else a[i]
            a[i] = ceiling if low > ceiling else low
    elif function == LEAKY:
        leak = a.dtype.type(LEAK)
        for i in range(a.size):
            a[i] = leak * a[i] if a[i] < 0 else a[i]
    elif single:
        for i in range(a.size):
            low, high = a[i] if a[i] < 0 else np.float32(0), np.float32(0) if a[i] < 0 else a[i]
            a[i] = expm1_32(low) + high
    else:
        for i in range(a.size):
            a[i] = math.expm1(a[i]) if a[i] < 0 else a[i]


@kernel
def activate_backward(function, dy, y, da, ceiling):
    """da = dy · f'(a), the slope written in terms of y."""
    one, zero = y.dtype.type(1), y.dtype.type(0)
    if function == TANH:
        for i in range(y.size):
            da[i] = dy[i] * (one - y[i] * y[i])
    elif function == LOGISTIC:
        for i in range(y.size):
            da[i] = dy[i] * (y[i] * (one - y[i]))
    elif function == RELU:
        for i in range(y.size):
            da[i] = dy[i] * (one if y[i] > zero else zero)
    elif function == CLIPPED:
        for i in range(y.size):
            da[i] = dy[i] * (one if y[i] > zero and y[i] < ceiling else zero)
    elif function == LEAKY:
        leak = y.dtype.type(LEAK)
        for i in range(y.size):
            da[i] = dy[i] * (one if y[i] > zero else leak)
    else:
        for i in range(y.size):
            da[i] = dy[i] * ((y[i] if y[i] < zero else zero) + one)


@kernel
def activate_part(function, a, first, last, ceiling):
    """`activate` on a[first:last]."""
    activate(function, a[first:last], ceiling)


@kernel
def dropout(x, y, first, last, key1, key2, threshold, scale):
    """y[i] = x[i] · m_i for first ≤ i < last, m_i = 0 or `scale`: see `Reference.dropout_mask` for the hash."""
    c1, c2, s16, s13 = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35), np.uint32(16), np.uint32(13)
    zero, begin = x.dtype.type(0), np.uint32(first)
    part, out = x[first:last], y[first:last]
    for i in range(part.size):
        z = np.uint32(np.uint32(i) + begin) ^ key1
        z = np.uint32(z ^ (z >> s16))
        z = np.uint32(z * c1)
        z = np.uint32(z ^ (z >> s13))
        z = np.uint32(z * c2)
        z = np.uint32(z ^ (z >> s16)) ^ key2
        z = np.uint32(z ^ (z >> s16))
        z = np.uint32(z * c1)
        z = np.uint32(z ^ (z >> s13))
        z = np.uint32(z * c2)
        z = np.uint32(z ^ (z >> s16))
        out[i] = part[i] * (scale if z >= threshold else zero)


class Elementwise(ThreadedBackend):
    """Activations and dropout, each array in one pass over memory."""

    def activate(self, name: str, a: Array) -> Array:
        """`Reference.activate` on a copy of a."""
        y = np.array(a, order="C")
        parts = self._parts(y.size, MIN_NUMBERS_PER_THREAD)
        self._run(activate_part, parts, NUMBER[name], y.reshape(-1), after=(CLIP,))
        return y

    def dropout(self, x: Array, rate: float, key: tuple[int, int]) -> Array:
        """`Reference.dropout`; the mask is never written to memory."""
        flat = contiguous(x).reshape(-1)
        y = np.empty_like(flat)
        key1, key2 = (np.uint32(mix_key(word)) for word in key)
        after = (key1, key2, np.uint32(dropout_threshold(rate)), x.dtype.type(1 / (1 - rate)))
        self._run(dropout, self._parts(flat.size, MIN_NUMBERS_PER_THREAD), flat, y, after=after)
        return y.reshape(x.shape)
