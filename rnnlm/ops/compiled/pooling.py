"""Pooling: the channels of a place lie side by side, so the innermost loops run over them.

`geometry` is (h, w, C, kh, kw, sh, sw, oh, ow, rows above, columns left), as `ops.pooling` calls them; images and their
gradients are lines (N·h, w·C), results lines (N·oh, ow·C).
"""

from __future__ import annotations

import numpy as np

from .jit import kernel


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
