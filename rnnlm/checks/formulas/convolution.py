"""Convolution and pooling by their definitions, one output number at a time, in autograd.numpy."""

from __future__ import annotations

import autograd.numpy as np


def convolution(x, W, b, stride, border, groups=1):
    """y[n, i, j, f] = b[f] + Σ_{u, v, c} x[n, row, column, c] W[u, v, c, f].

    The sum runs over the places u, v of the window that lie within the image, and the channels c of the group of f.

    x (N, h, w, C), W (kh, kw, C / groups, F); border ((top, bottom), (left, right)).
    """
    kh, kw, channels, filters = W.shape

    def number(n, i, j, f):
        first = f // (filters // groups) * channels
        total = b[f]
        for u, v, row, column in places(x.shape, (kh, kw), stride, border, i, j):
            total = total + np.sum(x[n, row, column, first : first + channels] * W[u, v, :, f])
        return total

    return every(number, x.shape, (kh, kw), stride, border, filters)


def max_pool(x, size, stride, border):
    """Return the largest number of each window; of equal numbers, the first."""

    def number(n, i, j, c):
        seen = [x[n, row, column, c] for _, _, row, column in places(x.shape, size, stride, border, i, j)]
        return max(seen)  # Python's max returns the first of equal ones

    return every(number, x.shape, size, stride, border, x.shape[3])


def average_pool(x, size, stride, border):
    """Return the mean of those numbers of each window that belong to the image."""

    def number(n, i, j, c):
        seen = [x[n, row, column, c] for _, _, row, column in places(x.shape, size, stride, border, i, j)]
        return sum(seen) / len(seen)

    return every(number, x.shape, size, stride, border, x.shape[3])


def places(shape, size, stride, border, i, j):
    """Yield (u, v, row, column) for the places (u, v) of window (i, j) that lie at (row, column) of the image."""
    for u in range(size[0]):
        for v in range(size[1]):
            row, column = i * stride[0] + u - border[0][0], j * stride[1] + v - border[1][0]
            if 0 <= row < shape[1] and 0 <= column < shape[2]:
                yield u, v, row, column


def every(number, shape, size, stride, border, channels):
    """Return the array (N, rows, columns, channels) of number(n, i, j, c)."""
    rows, columns = ((shape[1 + a] + sum(border[a]) - size[a]) // stride[a] + 1 for a in (0, 1))
    return np.array(
        [
            [[[number(n, i, j, c) for c in range(channels)] for j in range(columns)] for i in range(rows)]
            for n in range(shape[0])
        ]
    )
