"""The time loop of Elman's network over a whole window, for a part of its streams."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from .affine import column_sums, weight_gradient_rows
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
from .reductions import add
from .threaded import contiguous

MIN_STEPS_ALONE = 16  # of a single stream, from which on it is worth while to transpose the weights first


@kernel
def elman_forward(x, W, b, h0, keep, h, first, last, function, ceiling):
    """h_t = f(x_t + h_{t-1} W + b) for the streams first…last; keep is empty where no sentence starts."""
    T, B, H = x.shape
    X, V, out, start = x.reshape(-1), W.reshape(-1), h.reshape(-1), h0.reshape(-1)
    K = keep.reshape(-1)
    count = last - first
    kept = np.empty(count * H if K.size else 0, x.dtype)
    for t in range(T):
        here = (t * B + first) * H
        before, place = (out, here - B * H) if t else (start, first * H)
        if K.size:
            masked(before, place, K, t * B + first, count, H, kept)
            before, place = kept, 0
        forward_step(before, place, V, H, b, X, here, out, here, count, H, function, ceiling)


@kernel
def elman_forward_alone(x, WT, b, h0, keep, h, function, ceiling):
    """`elman_forward` for a single stream, with W': a row times a matrix is fastest as one sum a column."""
    T, _, H = x.shape
    X, V, out = x.reshape(-1), WT.reshape(-1), h.reshape(-1)
    before = h0.reshape(-1).copy()
    for t in range(T):
        if keep.size:
            masked(before, 0, keep.reshape(-1), t, 1, H, before)
        mine = out[t * H : (t + 1) * H]
        dots(before, 0, 0, V, 0, H, mine, 0, 0, 1, H, H)
        add(mine, X[t * H : (t + 1) * H])
        add(mine, b)
        activate(function, mine, ceiling)
        before[:] = mine


@kernel
def elman_backward(dh, d, h, WT, keep, da, first, last, function, ceiling, stop):
    """da and, in d (B, H), the gradient of the state before step `stop`; dh is empty where no loss comes in."""
    T, B, H = h.shape
    D, Y, V, out, G = dh.reshape(-1), h.reshape(-1), WT.reshape(-1), da.reshape(-1), d.reshape(-1)
    K = keep.reshape(-1)
    count = last - first
    mine = G[first * H : last * H]
    for t in range(T - 1, stop - 1, -1):
        here, beyond = (t * B + first) * H, (t * B + last) * H
        if D.size:
            add(mine, D[here:beyond])
        activate_backward(function, mine, Y[here:beyond], out[here:beyond], ceiling)
        product(out, here, H, 1, V, 0, H, mine, 0, H, count, H, H, 0)
        if K.size:
            masked(mine, 0, K, t * B + first, count, H, mine)


class Elman(Recurrence):
    """Elman's recurrence over a window: the threads share the streams."""

    def elman_forward(self, x: Array, W: Array, b: Array, h0: Array, keep: Array | None, activation: str) -> Array:
        """`Reference.elman_forward` in one call for all steps."""
        h = np.empty(x.shape, x.dtype)
        x, h0, mask = contiguous(x), contiguous(h0), empty_or_contiguous(keep, x.dtype)
        after = activation_arguments(activation)
        if x.shape[1] == 1 and len(x) >= MIN_STEPS_ALONE:
            elman_forward_alone(x, self._transposed(W), b, h0, mask, h, *after)
            return h
        self._run(elman_forward, self._streams(x.shape, len(W)), x, contiguous(W), b, h0, mask, h, after=after)
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
        """`Reference.elman_backward` in one call for all steps, and the matrix product after them."""
        H = h.shape[2]
        da = gradient_buffer(h, stop)
        d = np.zeros(h0.shape, h.dtype) if dlast is None else np.array(dlast, order="C")
        mask = empty_or_contiguous(keep, h.dtype)
        arguments = (empty_or_contiguous(dh, h.dtype, 3), d, h, self._transposed(W), mask, da)
        after = (*activation_arguments(activation), stop)
        self._run(elman_backward, self._streams(h.shape, H), *arguments, after=after)
        before = self.previous(h, h0, keep) if keep is not None or stop else None
        flat = da[stop:].reshape(-1, H)
        if before is not None:
            dW = self.weight_gradient(before[stop:].reshape(-1, H), flat)
        else:  # Σ_t h_{t-1}' da_t without a copy of all h_{t-1}: the first step, then the others
            dW = self.weight_gradient(h0, da[0])
            rest = (h[:-1].reshape(-1, H), da[1:].reshape(-1, H), dW)
            self._run_rows(weight_gradient_rows, H, flat.size, *rest, after=(1,))
        db = np.empty(H, h.dtype)
        column_sums(flat, db)
        return da, d, dW, db
