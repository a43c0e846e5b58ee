"""The affine map's matrix products, by rows of the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Array
from .jit import kernel
from .product import product
from .threaded import MIN_NUMBERS_PER_THREAD, MIN_WORK_PER_THREAD, ThreadedBackend, contiguous


@kernel
def affine_rows(x, W, b, y, first, last):
    """y = x W + b for the rows first…last; b may be empty."""
    n_in, n_out = W.shape
    flat = y.reshape(-1)
    for i in range(first, last):
        if b.size:
            y[i] = b
        else:
            y[i] = 0
    X, V = x.reshape(-1), W.reshape(-1)
    product(X, first * n_in, n_in, 1, V, 0, n_out, flat, first * n_out, n_out, last - first, n_out, n_in, 1)


@kernel
def weight_gradient_rows(x, dy, dW, first, last, add):
    """dW (+)= x' dy for the rows first…last of dW: x (N, n_in), dy (N, n_out)."""
    N, n_in = x.shape
    n_out = dy.shape[1]
    X, dY, D = x.reshape(-1), dy.reshape(-1), dW.reshape(-1)
    product(X, first, 1, n_in, dY, 0, n_out, D, first * n_out, n_out, last - first, n_out, N, add)


@kernel
def transpose(W, out, first, last):
    """out = W' for the rows first…last of W."""
    for i0 in range(first, last, 16):
        for j in range(W.shape[1]):
            for i in range(i0, min(i0 + 16, last)):
                out[j, i] = W[i, j]


@kernel
def column_sums(x, out):
    """out[j] = Σ_i x[i, j], from the first row to the last."""
    out[:] = 0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[j] += x[i, j]


class Affine(ThreadedBackend):
    """Affine maps of few rows, for which a library's product would first pack its factors anew."""

    def affine(self, x: Array, W: Array, b: Array | None) -> Array:
        """`Reference.affine`, with the bias as the start of the sums."""
        n_in, n_out = W.shape
        flat = contiguous(x, W.dtype).reshape(-1, n_in)
        y = np.empty((len(flat), n_out), W.dtype)
        bias = np.empty(0, W.dtype) if b is None else b
        self._run_rows(affine_rows, len(flat), n_in * n_out, flat, contiguous(W), bias, y)
        return y.reshape(*x.shape[:-1], n_out)

    def affine_backward(self, dy: Array, W: Array) -> Array:
        """`Reference.affine_backward`, with W transposed first, so that rows are read in one piece."""
        return self.affine(dy, self._transposed(W), None)

    def weight_gradient(self, x: Array, dy: Array) -> Array:
        """`Reference.weight_gradient`, by rows of dW."""
        dW = np.empty((x.shape[1], dy.shape[1]), dy.dtype)  # of the weights' type, which x need not have
        x, dy = contiguous(x, dy.dtype), contiguous(dy)
        self._run_rows(weight_gradient_rows, len(dW), dy.size, x, dy, dW, after=(0,))
        return dW

    def _run_rows(self, kernel: Callable[..., Any], rows: int, cost: int, *arguments: Any, after: tuple = ()) -> None:
        """A kernel over rows that cost so many multiplications each; by fours, which `product` does fastest."""
        self._run(kernel, self._parts(rows, 1 + MIN_WORK_PER_THREAD // max(cost, 1), 4), *arguments, after=after)

    def _transposed(self, W: Array) -> Array:
        out = np.empty(W.shape[::-1], W.dtype)
        parts = self._parts(len(W), 1 + MIN_NUMBERS_PER_THREAD // max(W.shape[1], 1), 16)
        self._run(transpose, parts, contiguous(W), out)
        return out
