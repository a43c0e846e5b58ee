"""The time loops of recurrent layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..compiled import elementwise, product, recurrence
from ..elementwise import CLIP
from .maps import Maps, gradient_buffer
from .parts import WORTH, Parts, whole

LONG = 16  # steps of a single stream that are worth transposing a matrix for


class Recurrences(Maps):
    """Elman's and Jordan's recurrence over a window."""

    def _streams(self, shape: tuple[int, ...], n: int) -> Parts:
        """The streams of a window (T, B, H) whose recurrent weights are (n, H)."""
        T, B, H = shape
        return self._parts(B, max(4, WORTH // (T * H * n)), 4)

    def elman_forward(self, x: Array, W: Array, b: Array, h0: Array, keep: Array | None, activation: str) -> Array:
        h = np.empty(x.shape, x.dtype)
        arguments = (whole(x), whole(W), b, whole(h0), _or_none(keep, x.dtype), h)
        if x.shape[1] == 1 and len(x) >= LONG:
            recurrence.elman_forward_alone(arguments[0], self._transposed(W), *arguments[2:], *_function(activation))
            return h
        self._run(recurrence.elman_forward, self._streams(x.shape, len(W)), *arguments, after=_function(activation))
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
        H = h.shape[2]
        da = gradient_buffer(h, stop)
        d = np.zeros(h0.shape, h.dtype) if dlast is None else np.array(dlast, order="C")
        arguments = (_or_none(dh, h.dtype, 3), d, h, self._transposed(W), _or_none(keep, h.dtype), da)
        after = (*_function(activation), stop)
        self._run(recurrence.elman_backward, self._streams(h.shape, H), *arguments, after=after)
        before = self.previous(h, h0, keep) if keep is not None or stop else None
        flat = da[stop:].reshape(-1, H)
        if before is not None:
            dW = self.weight_gradient(before[stop:].reshape(-1, H), flat)
        else:  # Σ_t h_{t-1}' da_t without a copy of all h_{t-1}: the first step, then the others
            dW = self.weight_gradient(h0, da[0])
            rest = (h[:-1].reshape(-1, H), da[1:].reshape(-1, H), dW)
            self._run_rows(product.weight_gradient_rows, H, flat.size, *rest, after=(1,))
        db = np.empty(H, h.dtype)
        product.column_sums(flat, db)
        return da, d, dW, db

    def jordan_forward(
        self,
        x: Array,
        U: Array,
        b: Array,
        deep: list[tuple[Array, Array]],
        read: tuple[Array, Array],
        z0: Array,
        keep: Array | None,
        activation: str,
    ) -> tuple[list[Array], Array]:
        R, r = read
        hs = np.empty((1 + len(deep), *x.shape), x.dtype)
        z = np.empty((*x.shape[:2], len(R)), x.dtype)
        A, c = _stacked(deep, x.shape[2], x.dtype)
        given = (whole(x), whole(U), b, A, c, whole(R), r, whole(z0), _or_none(keep, x.dtype), hs, z)
        parts = self._streams(x.shape, 2 * len(R) + len(deep) * x.shape[2])
        self._run(recurrence.jordan_forward, parts, *given, after=_function(activation))
        return list(hs), z

    def jordan_backward(
        self,
        dh: Array | None,
        dlast: Array | None,
        hs: list[Array],
        z: Array,
        z0: Array,
        U: Array,
        deep: list[tuple[Array, Array]],
        R: Array,
        keep: Array | None,
        activation: str,
        stop: int,
    ) -> tuple[list[Array], Array, Array]:
        H = hs[0].shape[2]
        hidden = np.stack(hs)
        das, dlogits = gradient_buffer(hidden, stop, 1), gradient_buffer(z, stop)
        dz = np.zeros(z0.shape, z.dtype) if dlast is None else np.array(dlast, order="C")
        deepT, _ = _stacked([(A.T, c) for A, c in deep], H, z.dtype)
        given = (_or_none(dh, z.dtype, 3), dz, hidden, z, self._transposed(U), deepT, whole(R))
        parts = self._streams(hs[0].shape, 2 * len(R) + len(deep) * H)
        after = (*_function(activation), stop)
        self._run(recurrence.jordan_backward, parts, *given, _or_none(keep, z.dtype), das, dlogits, after=after)
        return list(das), dlogits, dz


def _or_none(array: Array | None, dtype: Any, ndim: int = 2) -> Array:
    """Kernels know no None: an empty array stands for it."""
    return np.empty((0,) * ndim, dtype) if array is None else whole(array, dtype)


def _function(activation: str) -> tuple[int, float]:
    return elementwise.NUMBER[activation], CLIP


def _stacked(deep: list[tuple[Array, Array]], H: int, dtype: Any) -> tuple[Array, Array]:
    if not deep:
        return np.empty((0, H, H), dtype), np.empty((0, H), dtype)
    return whole(np.stack([A for A, _ in deep])), np.stack([c for _, c in deep])
