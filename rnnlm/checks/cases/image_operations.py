"""Arguments, as in operations.py, for convolution and pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from .numbers import REFERENCE, Numbers
from .operations import Arguments, case

Shape = tuple[int, ...]
Pair = tuple[int, int]

# (N, h, w, C), F, size, stride
CONVOLUTIONS = [
    ((1, 1, 1, 1), 1, (1, 1), (1, 1)),
    ((0, 3, 3, 2), 3, (2, 2), (1, 1)),
    ((2, 6, 5, 3), 7, (3, 2), (1, 2)),
    ((1, 9, 70, 2), 50, (2, 7), (4, 1)),
    ((2, 13, 11, 17), 33, (5, 5), (1, 1)),
    ((1, 300, 3, 40), 24, (3, 1), (1, 1)),
    ((5, 30, 31, 20), 50, (5, 5), (1, 1)),
]


def windows_of(image: Shape, size: Pair, stride: Pair) -> Shape:
    """Return the number of windows, (rows, columns), that an image (N, h, w, C) has without a border."""
    return tuple((image[1 + axis] - size[axis]) // stride[axis] + 1 for axis in (0, 1))


@case(*CONVOLUTIONS)
def convolve(r: Numbers, image: Shape, F: int, size: Pair, stride: Pair) -> Arguments:
    """Yield images, filters and a bias as contiguous arrays, and as parts of wider arrays without a bias."""
    yield r(*image), r(*size, image[3], F), r(F), stride
    yield r(*image[:3], 2 * image[3])[..., image[3] :], r(*size, image[3], 2 * F)[..., F:], None, stride


@case(*CONVOLUTIONS)
def convolve_backward(r: Numbers, image: Shape, F: int, size: Pair, stride: Pair) -> Arguments:
    """Yield gradients and filters, as contiguous arrays and as parts of wider ones."""
    for room in (1, 2):
        dy = r(image[0], *windows_of(image, size, stride), room * F)[..., -F:]
        yield dy, r(*size, image[3], room * F)[..., -F:], stride, image[1:3]


@case(*CONVOLUTIONS)
def filter_gradient(r: Numbers, image: Shape, F: int, size: Pair, stride: Pair) -> Arguments:
    """Yield images and gradients, as contiguous arrays and as parts of wider ones."""
    for room in (1, 2):
        dy = r(image[0], *windows_of(image, size, stride), room * F)[..., -F:]
        yield r(*image[:3], room * image[3])[..., -image[3] :], dy, stride, size


# (N, h, w, C), size, stride, border
POOLS = [
    ((1, 1, 1, 1), (1, 1), (1, 1), ((0, 0), (0, 0))),
    ((0, 3, 3, 2), (2, 2), (1, 1), ((0, 0), (0, 0))),
    ((2, 6, 5, 3), (3, 2), (1, 2), ((1, 1), (0, 0))),
    ((1, 9, 7, 13), (2, 3), (3, 1), ((0, 1), (2, 1))),
    ((3, 40, 41, 50), (3, 3), (2, 2), ((1, 1), (1, 1))),
]


def pooled(r: Numbers, image: Shape, size: Pair, stride: Pair, border: Any) -> np.ndarray:
    """Return a random gradient of the shape of the pooled images."""
    room = tuple(image[1 + axis] + sum(border[axis]) for axis in (0, 1))
    return r(image[0], *windows_of((0, *room), size, stride), image[3])


@case(*POOLS)
def max_pool(r: Numbers, image: Shape, size: Pair, stride: Pair, border: Any) -> Arguments:
    """Yield random images, and images of -1, which must not lose to a border of zeros."""
    yield r(*image), size, stride, border
    yield -np.ones(image, r.dtype), size, stride, border


@case(*POOLS)
def max_pool_backward(r: Numbers, image: Shape, size: Pair, stride: Pair, border: Any) -> Arguments:
    """Yield a gradient, and where the forward pass found the maxima."""
    where = REFERENCE.max_pool(r(*image), size, stride, border)[1]
    yield pooled(r, image, size, stride, border), where, size, stride, border, image[1:3]


@case(*POOLS)
def average_pool(r: Numbers, image: Shape, size: Pair, stride: Pair, border: Any) -> Arguments:
    """Yield random images."""
    yield r(*image), size, stride, border


@case(*POOLS)
def average_pool_backward(r: Numbers, image: Shape, size: Pair, stride: Pair, border: Any) -> Arguments:
    """Yield a gradient of the shape of the pooled images."""
    yield pooled(r, image, size, stride, border), size, stride, border, image[1:3]
