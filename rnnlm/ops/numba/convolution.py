"""Convolution: patches are unfolded a few at a time into a buffer that stays in the cache, and multiplied there.

The second factor of every product is packed into panels of columns, as many as a tile of `product` has: read line by
line, it comes from the cache at full speed. `geometry` is that of `pooling`, for images that have their border around
them already; windows are numbered row by row, image by image, and the kh·kw·C numbers of a patch likewise.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..reference.convolution import Pair
from .affine import column_sums
from .jit import kernel
from .pooling import image_lines, window_geometry
from .product import product
from .threaded import MIN_WORK_PER_THREAD, ThreadedBackend, contiguous
from .vectors import REGISTER

PANEL = 3 * REGISTER // 4  # columns
BLOCK = 16 * PANEL  # numbers of a patch at a time
ROWS = 64  # windows at a time, where they are rows of the product
DEEP = 128  # windows at a time, where the product sums over them
BROAD = 4  # panels of a patch at a time there
SHORT = 16  # numbers: less side by side are not worth a loop of their own
LINE = 16  # numbers of a cache line


@kernel
def wide(left):
    """How many columns of a panel to compute when so many are left: all, or what fits into one register."""
    return PANEL if left > PANEL // 3 else PANEL // 3


@kernel
def side_by_side(window, last, geometry):
    """Where the patch of a window begins, (row among all images, column), and how many windows follow in this row."""
    h, _, _, _, _, sh, sw, oh, ow, _, _ = geometry
    row, column = window // ow, window % ow
    return row // oh * h + row % oh * sh, column * sw, min(ow - column, last - window)


@kernel
def unfold(x, geometry, first, last, start, end, out):
    """out[i] = the numbers start…end of the patch of window first + i; x (N·h, w·C)."""
    C, kw, sw = geometry[2], geometry[4], geometry[6]
    run, step, window = kw * C, sw * C, first  # a run of a patch lies side by side in the image
    while window < last:
        row, column, windows = side_by_side(window, last, geometry)
        line, begin, done, top = row + start // run, start % run, 0, window - first
        while done < end - start:
            count, place = min(run - begin, end - start - done), column * C + begin
            if count < SHORT:  # a loop over the windows is longer than one over the run
                for p in range(count):
                    source = x[line, place + p : place + p + (windows - 1) * step + 1 : step]
                    target = out[top : top + windows, done + p]
                    for i in range(windows):
                        target[i] = source[i]
            else:
                for i in range(windows):
                    source = x[line, place + i * step : place + i * step + count]
                    target = out[top + i, done : done + count]
                    for p in range(count):
                        target[p] = source[p]
            line, begin, done = line + 1, 0, done + count
        window += windows


@kernel
def fold(patches, geometry, first, last, start, end, dx, top, bottom):
    """Adds the numbers start…end of patches to where they came from, in the rows top…bottom of dx (N·h, w·C)."""
    C, kw, sw = geometry[2], geometry[4], geometry[6]
    run, step, window = kw * C, sw * C, first
    while window < last:
        row, column, windows = side_by_side(window, last, geometry)
        line, begin, done = row + start // run, start % run, 0
        while done < end - start:
            count, place = min(run - begin, end - start - done), column * C + begin
            if top <= line < bottom:
                for i in range(windows):
                    source = patches[window - first + i, done : done + count]
                    target = dx[line, place + i * step : place + i * step + count]
                    for p in range(count):
                        target[p] += source[p]
            line, begin, done = line + 1, 0, done + count
        window += windows


@kernel
def convolve(x, W, b, y, geometry, first, last):
    """The windows first…last of y (windows, F); W (panels, kh·kw·C, PANEL), b may be empty."""
    panels, K, _ = W.shape
    F = y.shape[1]
    width = min(K, BLOCK)
    patches, sums = np.empty((ROWS, width), x.dtype), np.empty((ROWS, panels * PANEL), x.dtype)
    P, V, S = patches.reshape(-1), W.reshape(-1), sums.reshape(-1)
    for window in range(first, last, ROWS):
        end = min(window + ROWS, last)
        for k in range(0, K, BLOCK):
            deep = min(BLOCK, K - k)
            unfold(x, geometry, window, end, k, k + deep, patches)
            for j in range(panels):
                rows, columns, place = end - window, wide(F - j * PANEL), (j * K + k) * PANEL
                product(P, 0, width, 1, V, place, PANEL, S, j * PANEL, panels * PANEL, rows, columns, deep, k)
        for i in range(window, end):
            target, source = y[i], sums[i - window, :F]
            if b.size:
                for f in range(F):
                    target[f] = source[f] + b[f]
            else:
                for f in range(F):
                    target[f] = source[f]


@kernel
def convolve_backward(dy, W, dx, geometry, top, bottom):
    """The rows top…bottom of dx (N·h, w·C), zero before; dy (windows, F), W (panels of kh·kw·C, F, PANEL).

    A window that reaches over the edge of these rows belongs to two parts, and each computes it: the blocks of windows
    are the same in every part, and so is the order of the sums.
    """
    h, _, C, kh, kw, sh, _, oh, ow, _, _ = geometry
    panels, F, _ = W.shape
    K = kh * kw * C
    width = min(panels * PANEL, BLOCK)
    patches = np.empty((ROWS, width), dy.dtype)
    P, V, D = patches.reshape(-1), W.reshape(-1), dy.reshape(-1)
    first = (top // h * oh + max(0, (top % h - kh + sh) // sh)) * ow
    last = ((bottom - 1) // h * oh + min(oh, (bottom - 1) % h // sh + 1)) * ow
    for window in range(first // ROWS * ROWS, last, ROWS):
        end = min(window + ROWS, len(dy))
        for k in range(0, K, BLOCK):
            until = min(k + BLOCK, K)
            for j in range(k // PANEL, -(-until // PANEL)):
                rows, columns, place = end - window, wide(K - j * PANEL), j * PANEL - k
                product(D, window * F, F, 1, V, j * F * PANEL, PANEL, P, place, width, rows, columns, F, 0)
            fold(patches, geometry, window, end, k, until, dx, top, bottom)


@kernel
def filter_gradient(x, dy, dW, geometry, first, last):
    """Adds to the panels first…last of the columns of dW (F, kh·kw·C in whole panels): Σ over windows of dy' patches.

    dy (windows, F or more): rows may be longer than F.
    """
    C, kh, kw = geometry[2:5]
    (F, columns), step = dW.shape, dy.shape[1]
    width = min(BROAD, last - first) * PANEL
    patches = np.zeros((DEEP, width), x.dtype)  # zero, for the columns beyond the last number of a patch
    P, D, G = patches.reshape(-1), dy.reshape(-1), dW.reshape(-1)
    for panel in range(first, last, BROAD):
        begin = panel * PANEL
        until = min(begin + BROAD * PANEL, last * PANEL, kh * kw * C)
        for window in range(0, len(dy), DEEP):
            end = min(window + DEEP, len(dy))
            unfold(x, geometry, window, end, begin, until, patches)
            for j in range(begin, until, PANEL):
                count = end - window
                product(D, window * step, 1, step, P, j - begin, width, G, j, columns, F, wide(until - j), count, 1)


class Convolution(ThreadedBackend):
    """Convolution over images (N, h, w, C).

    The kernels' own matrix product is tiled for float32 only, so a convolution in float64 is the reference's, by BLAS.
    """

    def convolve(self, x: Array, W: Array, b: Array | None, stride: Pair) -> Array:
        """`Reference.convolve`, without the patches of all windows in memory."""
        if W.dtype != np.float32:
            return super().convolve(x, W, b, stride)
        geometry = window_geometry(x.shape, W.shape[:2], stride)
        F = W.shape[3]
        y = np.empty((len(x), *geometry[7:9], F), W.dtype)
        flat, matrix = y.reshape(-1, F), W.reshape(-1, F)
        bias = np.empty(0, W.dtype) if b is None else contiguous(b)
        parts = self._parts(len(flat), 1 + MIN_WORK_PER_THREAD // W.size, ROWS)
        self._run(convolve, parts, image_lines(x, W.dtype), column_panels(matrix), bias, flat, geometry)
        return y

    def convolve_backward(self, dy: Array, W: Array, stride: Pair, size: Pair) -> Array:
        """`Reference.convolve_backward`, likewise."""
        if W.dtype != np.float32:
            return super().convolve_backward(dy, W, stride, size)
        kh, kw, C, F = W.shape
        dx = np.zeros((len(dy), *size, C), W.dtype)
        geometry = window_geometry(dx.shape, (kh, kw), stride)
        lines, flat = image_lines(dx), contiguous(dy, W.dtype).reshape(-1, F)
        # Whole images where there are enough of them, since windows that two parts share cost twice.
        group = size[0] if len(dy) >= self.threads else kh
        least = 1 + MIN_WORK_PER_THREAD * len(lines) // max(W.size * len(flat), 1)
        parts = self._parts(len(lines), least, group)
        self._run(convolve_backward, parts, flat, column_panels(W.reshape(-1, F).T), lines, geometry)
        return dx

    def filter_gradient(self, x: Array, dy: Array, stride: Pair, size: Pair) -> tuple[Array, Array]:
        """`Reference.filter_gradient`, likewise."""
        if dy.dtype != np.float32:
            return super().filter_gradient(x, dy, stride, size)
        geometry = window_geometry(x.shape, size, stride)
        K, F = size[0] * size[1] * x.shape[3], dy.shape[3]
        flat = contiguous(dy).reshape(-1, F)
        db, panels = np.empty(F, dy.dtype), -(-K // PANEL)
        dW = np.zeros((F, panels * PANEL), dy.dtype)
        parts = self._parts(panels, 1 + MIN_WORK_PER_THREAD // max(flat.size * PANEL, 1))
        self._run(filter_gradient, parts, image_lines(x, dy.dtype), spread_rows(flat), dW, geometry)
        column_sums(flat, db)
        return contiguous(dW[:, :K].T).reshape(*size, x.shape[3], F), db


def column_panels(matrix: Array) -> Array:
    """A matrix (n, m) cut into panels of columns, (panels, n, PANEL), the last one filled up with zeros."""
    n, m = matrix.shape
    panels = -(-m // PANEL)
    filled = np.zeros((n, panels * PANEL), matrix.dtype)
    filled[:, :m] = matrix
    return contiguous(filled.reshape(n, panels, PANEL).transpose(1, 0, 2))


def spread_rows(matrix: Array) -> Array:
    """Rows that begin an odd number of cache lines after one another, so that a column of them fits into the cache."""
    n, m = matrix.shape
    step = LINE * (-(-m // LINE) | 1)
    if m <= 2 * LINE:
        return matrix
    rows = np.empty((n, step), matrix.dtype)
    rows[:, :m] = matrix
    return rows
