"""The time loop of Jordan's network over a whole window, for a part of its streams."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..reference.jordan import JordanStates, JordanWeights
from .elementwise import activate, activate_backward
from .jit import kernel
from .product import dots, product
from .recurrence import (
    Recurrence,
    activation_arguments,
    empty_or_contiguous,
    forward_step,
    gradient_buffer,
    masked,
)
from .reductions import add, inner
from .softmax import softmax
from .threaded import contiguous


@kernel
def jordan_forward(x, U, b, deep, deep_b, R, r, z0, keep, hs, z, first, last, function, ceiling):
    """The hidden vectors hs (layers, T, B, H) and z (T, B, n) for the streams first…last; deep (layers - 1, H, H)."""
    T, B, H = x.shape
    n = R.shape[0]
    X, UF, RF, DF, DB = x.reshape(-1), U.reshape(-1), R.reshape(-1), deep.reshape(-1), deep_b.reshape(-1)
    hidden, Z, start, K = hs.reshape(-1), z.reshape(-1), z0.reshape(-1), keep.reshape(-1)
    count = last - first
    kept = np.empty(count * n if K.size else 0, x.dtype)
    for t in range(T):
        before, place = (Z, ((t - 1) * B + first) * n) if t else (start, first * n)
        if K.size:
            masked(before, place, K, t * B + first, count, n, kept)
            before, place = kept, 0
        here = (t * B + first) * H
        forward_step(before, place, UF, n, b, X, here, hidden, here, count, H, function, ceiling)  # 1: hidden
        for layer in range(1, hs.shape[0]):  # 2: hidden layers above it
            up = layer * T * B * H + here
            for s in range(count):
                hidden[up + s * H : up + (s + 1) * H] = DB[(layer - 1) * H : layer * H]
            below = up - T * B * H
            product(hidden, below, H, 1, DF, (layer - 1) * H * H, H, hidden, up, H, count, H, H, 1)
            activate(function, hidden[up : up + count * H], ceiling)
        top = (hs.shape[0] - 1) * T * B * H + here
        out = (t * B + first) * n
        dots(hidden, top, H, RF, 0, H, Z, out, n, count, n, H)  # 3: the output that is fed back
        for s in range(count):
            fed_back = Z[out + s * n : out + (s + 1) * n]
            add(fed_back, r)
            softmax(fed_back)


@kernel
def jordan_backward(dh, dz, hs, z, UT, deepT, R, keep, das, dlogits, first, last, function, ceiling, stop):
    """da of every layer, dlogits, and in dz (B, n) the gradient of the state before step `stop`."""
    layers, T, B, H = hs.shape
    n = R.shape[0]
    D, Y, Z, UF, RF, DF = (
        dh.reshape(-1),
        hs.reshape(-1),
        z.reshape(-1),
        UT.reshape(-1),
        R.reshape(-1),
        deepT.reshape(-1),
    )
    G, out, DL, K = dz.reshape(-1), das.reshape(-1), dlogits.reshape(-1), keep.reshape(-1)
    count = last - first
    d = np.empty(count * H, z.dtype)
    mine = G[first * n : last * n]
    for t in range(T - 1, stop - 1, -1):
        row = (t * B + first) * n
        for s in range(count):  # 3b
            dz_s, z_s = mine[s * n : (s + 1) * n], Z[row + s * n : row + (s + 1) * n]
            dl_s, both = DL[row + s * n : row + (s + 1) * n], inner(z_s, dz_s)
            for j in range(n):
                dl_s[j] = z_s[j] * (dz_s[j] - both)
        product(DL, row, n, 1, RF, 0, H, d, 0, H, count, H, n, 0)
        here = (t * B + first) * H
        if D.size:
            add(d, D[here : here + count * H])
        for layer in range(layers - 1, 0, -1):  # 2b
            up = layer * T * B * H + here
            activate_backward(function, d, Y[up : up + count * H], out[up : up + count * H], ceiling)
            product(out, up, H, 1, DF, (layer - 1) * H * H, H, d, 0, H, count, H, H, 0)
        activate_backward(function, d, Y[here : here + count * H], out[here : here + count * H], ceiling)  # 1b
        product(out, here, H, 1, UF, 0, n, mine, 0, n, count, n, H, 0)
        if K.size:
            masked(mine, 0, K, t * B + first, count, n, mine)


class Jordan(Recurrence):
    """Jordan's recurrence over a window: the threads share the streams."""

    def jordan_forward(
        self, x: Array, weights: JordanWeights, z0: Array, keep: Array | None, activation: str
    ) -> JordanStates:
        """`Reference.jordan_forward` in one call for all steps."""
        U, b, deep, R, r = weights
        hidden = np.empty((1 + len(deep), *x.shape), x.dtype)
        z = np.empty((*x.shape[:2], len(R)), x.dtype)
        A, c = stacked(deep, x.shape[2], x.dtype)
        arguments = (contiguous(x), contiguous(U), b, A, c, contiguous(R), r, contiguous(z0))
        mask, parts = empty_or_contiguous(keep, x.dtype), self._streams(x.shape, 2 * len(R) + len(deep) * x.shape[2])
        self._run(jordan_forward, parts, *arguments, mask, hidden, z, after=activation_arguments(activation))
        return JordanStates(list(hidden), z)

    def jordan_backward(
        self,
        dh: Array | None,
        dlast: Array | None,
        states: JordanStates,
        z0: Array,
        weights: JordanWeights,
        keep: Array | None,
        activation: str,
        stop: int,
    ) -> tuple[list[Array], Array, Array]:
        """`Reference.jordan_backward` in one call for all steps."""
        (layers, z), (U, _, deep, R, _) = states, weights
        H = layers[0].shape[2]
        hidden = np.stack(layers)
        das, dlogits = gradient_buffer(hidden, stop, 1), gradient_buffer(z, stop)
        dz = np.zeros(z0.shape, z.dtype) if dlast is None else np.array(dlast, order="C")
        deepT, _ = stacked([(A.T, c) for A, c in deep], H, z.dtype)
        arguments = (empty_or_contiguous(dh, z.dtype, 3), dz, hidden, z, self._transposed(U), deepT, contiguous(R))
        parts = self._streams(layers[0].shape, 2 * len(R) + len(deep) * H)
        after = (*activation_arguments(activation), stop)
        mask = empty_or_contiguous(keep, z.dtype)
        self._run(jordan_backward, parts, *arguments, mask, das, dlogits, after=after)
        return list(das), dlogits, dz


def stacked(deep: list[tuple[Array, Array]], H: int, dtype: Any) -> tuple[Array, Array]:
    """The weights of all layers above the first as one array (layers - 1, H, H), and their biases (layers - 1, H)."""
    if not deep:
        return np.empty((0, H, H), dtype), np.empty((0, H), dtype)
    return contiguous(np.stack([A for A, _ in deep])), np.stack([c for _, c in deep])
