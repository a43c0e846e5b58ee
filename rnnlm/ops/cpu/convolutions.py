"""Convolution and pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..compiled import convolution, pooling, product
from ..compiled.convolution import PANEL, ROWS
from ..convolution import Border, Pair
from .parts import MOVED, WORTH, Parted, Parts, whole

LINE = 16  # numbers of a cache line


class Convolutions(Parted):
    """Convolution and pooling over images (N, h, w, C).

    The kernels' own matrix product is tiled for float32 only, so a convolution in float64 is the reference's, by BLAS.
    """

    def convolve(self, x: Array, W: Array, b: Array | None, stride: Pair) -> Array:
        if W.dtype != np.float32:
            return super().convolve(x, W, b, stride)
        geometry = _geometry(x.shape, W.shape[:2], stride)
        F = W.shape[3]
        y = np.empty((len(x), *geometry[7:9], F), W.dtype)
        flat, matrix = y.reshape(-1, F), W.reshape(-1, F)
        bias = np.empty(0, W.dtype) if b is None else whole(b)
        parts = self._parts(len(flat), 1 + WORTH // W.size, ROWS)
        self._run(convolution.convolve, parts, _lines(x, W.dtype), _panels(matrix), bias, flat, geometry)
        return y

    def convolve_backward(self, dy: Array, W: Array, stride: Pair, size: Pair) -> Array:
        if W.dtype != np.float32:
            return super().convolve_backward(dy, W, stride, size)
        kh, kw, C, F = W.shape
        dx = np.zeros((len(dy), *size, C), W.dtype)
        geometry = _geometry(dx.shape, (kh, kw), stride)
        lines, flat = _lines(dx), whole(dy, W.dtype).reshape(-1, F)
        # Whole images where there are enough of them, since windows that two parts share cost twice.
        group = size[0] if len(dy) >= self.threads else kh
        parts = self._parts(len(lines), 1 + WORTH * len(lines) // max(W.size * len(flat), 1), group)
        self._run(convolution.convolve_backward, parts, flat, _panels(W.reshape(-1, F).T), lines, geometry)
        return dx

    def filter_gradient(self, x: Array, dy: Array, stride: Pair, size: Pair) -> tuple[Array, Array]:
        if dy.dtype != np.float32:
            return super().filter_gradient(x, dy, stride, size)
        geometry = _geometry(x.shape, size, stride)
        K, F = size[0] * size[1] * x.shape[3], dy.shape[3]
        flat = whole(dy).reshape(-1, F)
        db, panels = np.empty(F, dy.dtype), -(-K // PANEL)
        dW = np.zeros((F, panels * PANEL), dy.dtype)
        parts = self._parts(panels, 1 + WORTH // max(flat.size * PANEL, 1))
        self._run(convolution.filter_gradient, parts, _lines(x, dy.dtype), _apart(flat), dW, geometry)
        product.column_sums(flat, db)
        return whole(dW[:, :K].T).reshape(*size, x.shape[3], F), db

    def max_pool(self, x: Array, size: Pair, stride: Pair, border: Border) -> tuple[Array, Array]:
        geometry = _geometry(x.shape, size, stride, border)
        y = np.empty((len(x), *geometry[7:9], x.shape[3]), x.dtype)
        where = np.empty(y.shape, np.int32)
        self._run(pooling.max_pool, self._pool_parts(y, size), _lines(x), _lines(y), _lines(where), geometry)
        return y, where

    def max_pool_backward(
        self, dy: Array, where: Array, size: Pair, stride: Pair, border: Border, image: Pair
    ) -> Array:
        dx = np.zeros((len(dy), *image, dy.shape[3]), dy.dtype)
        given = (_lines(dy), _lines(where), _lines(dx), _geometry(dx.shape, size, stride, border))
        self._run(pooling.max_pool_backward, self._pool_parts(dx, size), *given)
        return dx

    def average_pool(self, x: Array, size: Pair, stride: Pair, border: Border) -> Array:
        geometry = _geometry(x.shape, size, stride, border)
        y = np.zeros((len(x), *geometry[7:9], x.shape[3]), x.dtype)
        self._run(pooling.average_pool, self._pool_parts(y, size), _lines(x), _lines(y), geometry)
        return y

    def average_pool_backward(self, dy: Array, size: Pair, stride: Pair, border: Border, image: Pair) -> Array:
        dx = np.zeros((len(dy), *image, dy.shape[3]), dy.dtype)
        given = (_lines(dy), _lines(dx), _geometry(dx.shape, size, stride, border))
        self._run(pooling.average_pool_backward, self._pool_parts(dx, size), *given)
        return dx

    def _pool_parts(self, result: Array, size: Pair) -> Parts:
        n, rows, columns, C = result.shape
        return self._parts(n * rows, 1 + MOVED // (columns * C * size[0] * size[1]))


def _lines(x: Array, dtype: Any = None) -> Array:
    """Images as the lines of all of them."""
    return whole(x, dtype).reshape(x.shape[0] * x.shape[1], x.shape[2] * x.shape[3])


def _panels(matrix: Array) -> Array:
    """A matrix (n, m) cut into panels of columns, (panels, n, PANEL), the last one filled up with zeros."""
    n, m = matrix.shape
    panels = -(-m // PANEL)
    filled = np.zeros((n, panels * PANEL), matrix.dtype)
    filled[:, :m] = matrix
    return whole(filled.reshape(n, panels, PANEL).transpose(1, 0, 2))


def _apart(matrix: Array) -> Array:
    """Rows that begin an odd number of cache lines after one another, so that a column of them fits into the cache."""
    n, m = matrix.shape
    step = LINE * (-(-m // LINE) | 1)
    if m <= 2 * LINE:
        return matrix
    rows = np.empty((n, step), matrix.dtype)
    rows[:, :m] = matrix
    return rows


def _geometry(image: tuple[int, ...], size: Pair, stride: Pair, border: Border = ((0, 0), (0, 0))) -> tuple[int, ...]:
    """What the kernels know: h, w, C, kh, kw, sh, sw, oh, ow, rows above, columns left."""
    oh, ow = ((image[1 + axis] + sum(border[axis]) - size[axis]) // stride[axis] + 1 for axis in (0, 1))
    return (*image[1:], *size, *stride, oh, ow, border[0][0], border[1][0])
