"""Pooling: the channels of a place lie side by side, so the innermost loops run over them.

`geometry` is (h, w, C, kh, kw, sh, sw, oh, ow, rows above, columns left), as `reference/pooling.py` calls them; images
and their gradients are lines (N·h, w·C), results lines (N·oh, ow·C).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..reference.convolution import Border, Pair
from .jit import kernel
from .threaded import MIN_NUMBERS_PER_THREAD, Parts, ThreadedBackend, contiguous


@kernel
def seen(corner, size, length):
    """Which places of a window that begins at `corner` lie within an image of this length: (first, end)."""
    return max(0, -corner), min(size, length - corner)


@kernel
def windows_over(place, size, stride, count):
    """Which of `count` windows have a place of the bordered image among their `size` places: (first, end)."""
    return max(0, (place - size + stride) // stride), min(count, place // stride + 1)


@kernel
def max_pool(x, y, where, geometry, first, last):
    """The lines first…last of y, and where in its window each number was."""
    h, w, C, kh, kw, sh, sw, oh, ow, above, left = geometry
    for line in range(first, last):
        top = line % oh * sh - above
        u0, u1 = seen(top, kh, h)
        for j in range(ow):
            column = j * sw - left
            v0, v1 = seen(column, kw, w)
            best, place = y[line, j * C : (j + 1) * C], where[line, j * C : (j + 1) * C]
            best[:] = -np.inf
            place[:] = 0
            for u in range(u0, u1):
                for v in range(v0, v1):
                    source = x[line // oh * h + top + u, (column + v) * C : (column + v + 1) * C]
                    number = np.int32(u * kw + v)
                    for c in range(C):
                        value, old = source[c], best[c]
                        larger = (value > old) | (value != value)
                        best[c] = value if larger else old
                        place[c] = number if larger else place[c]


@kernel
def max_pool_backward(dy, where, dx, geometry, first, last):
    """Adds to the lines first…last of dx what each dy gives to the place that won."""
    h, w, C, kh, kw, sh, sw, oh, ow, above, left = geometry
    nothing = dy.dtype.type(0)
    for line in range(first, last):
        row = line % h + above
        i0, i1 = windows_over(row, kh, sh, oh)
        for i in range(i0, i1):
            for j in range(ow):
                column = j * sw - left
                v0, v1 = seen(column, kw, w)
                source = dy[line // h * oh + i, j * C : (j + 1) * C]
                place = where[line // h * oh + i, j * C : (j + 1) * C]
                for v in range(v0, v1):
                    target = dx[line, (column + v) * C : (column + v + 1) * C]
                    number = np.int32((row - i * sh) * kw + v)
                    for c in range(C):
                        target[c] += source[c] if place[c] == number else nothing


@kernel
def average_pool(x, y, geometry, first, last):
    """The lines first…last of y, zero before."""
    h, w, C, kh, kw, sh, sw, oh, ow, above, left = geometry
    for line in range(first, last):
        top = line % oh * sh - above
        u0, u1 = seen(top, kh, h)
        for j in range(ow):
            column = j * sw - left
            v0, v1 = seen(column, kw, w)
            mean = y[line, j * C : (j + 1) * C]
            for u in range(u0, u1):
                for v in range(v0, v1):
                    source = x[line // oh * h + top + u, (column + v) * C : (column + v + 1) * C]
                    for c in range(C):
                        mean[c] += source[c]
            mean *= y.dtype.type(1 / ((u1 - u0) * (v1 - v0)))


@kernel
def average_pool_backward(dy, dx, geometry, first, last):
    """Adds to the lines first…last of dx their shares of every dy."""
    h, w, C, kh, kw, sh, sw, oh, ow, above, left = geometry
    for line in range(first, last):
        row = line % h + above
        i0, i1 = windows_over(row, kh, sh, oh)
        for i in range(i0, i1):
            u0, u1 = seen(i * sh - above, kh, h)
            for j in range(ow):
                column = j * sw - left
                v0, v1 = seen(column, kw, w)
                source = dy[line // h * oh + i, j * C : (j + 1) * C]
                share = dy.dtype.type(1 / ((u1 - u0) * (v1 - v0)))
                for v in range(v0, v1):
                    target = dx[line, (column + v) * C : (column + v + 1) * C]
                    for c in range(C):
                        target[c] += source[c] * share


class Pooling(ThreadedBackend):
    """Pooling over images (N, h, w, C), by lines of the result."""

    def max_pool(self, x: Array, size: Pair, stride: Pair, border: Border) -> tuple[Array, Array]:
        """`Reference.max_pool`, without an image with its border in memory."""
        geometry = window_geometry(x.shape, size, stride, border)
        y = np.empty((len(x), *geometry[7:9], x.shape[3]), x.dtype)
        where = np.empty(y.shape, np.int32)
        arguments = (image_lines(x), image_lines(y), image_lines(where), geometry)
        self._run(max_pool, self._pool_parts(y, size), *arguments)
        return y, where

    def max_pool_backward(
        self, dy: Array, where: Array, size: Pair, stride: Pair, border: Border, image: Pair
    ) -> Array:
        """`Reference.max_pool_backward`, likewise."""
        dx = np.zeros((len(dy), *image, dy.shape[3]), dy.dtype)
        geometry = window_geometry(dx.shape, size, stride, border)
        arguments = (image_lines(dy), image_lines(where), image_lines(dx), geometry)
        self._run(max_pool_backward, self._pool_parts(dx, size), *arguments)
        return dx

    def average_pool(self, x: Array, size: Pair, stride: Pair, border: Border) -> Array:
        """`Reference.average_pool`, likewise."""
        geometry = window_geometry(x.shape, size, stride, border)
        y = np.zeros((len(x), *geometry[7:9], x.shape[3]), x.dtype)
        self._run(average_pool, self._pool_parts(y, size), image_lines(x), image_lines(y), geometry)
        return y

    def average_pool_backward(self, dy: Array, size: Pair, stride: Pair, border: Border, image: Pair) -> Array:
        """`Reference.average_pool_backward`, likewise."""
        dx = np.zeros((len(dy), *image, dy.shape[3]), dy.dtype)
        arguments = (image_lines(dy), image_lines(dx), window_geometry(dx.shape, size, stride, border))
        self._run(average_pool_backward, self._pool_parts(dx, size), *arguments)
        return dx

    def _pool_parts(self, result: Array, size: Pair) -> Parts:
        n, rows, columns, C = result.shape
        return self._parts(n * rows, 1 + MIN_NUMBERS_PER_THREAD // (columns * C * size[0] * size[1]))


def image_lines(x: Array, dtype: Any = None) -> Array:
    """Images (N, h, w, C) as the lines of all of them, (N·h, w·C)."""
    return contiguous(x, dtype).reshape(x.shape[0] * x.shape[1], x.shape[2] * x.shape[3])


def window_geometry(
    image: tuple[int, ...], size: Pair, stride: Pair, border: Border = ((0, 0), (0, 0))
) -> tuple[int, ...]:
    """What the kernels know of windows over images (N, h, w, C): see the beginning of this file."""
    oh, ow = ((image[1 + axis] + sum(border[axis]) - size[axis]) // stride[axis] + 1 for axis in (0, 1))
    return (*image[1:], *size, *stride, oh, ow, border[0][0], border[1][0])
