"""Pooling: the largest number of every window, or the average."""

from __future__ import annotations

from ..arrays import Array
from .convolution import Border, ConvolutionOps, Pair, positions


class PoolingOps(ConvolutionOps):
    """Windows over x (N, h, w, C) -> y (N, oh, ow, C); a border is no part of the image and never counts."""

    def max_pool(self, x: Array, size: Pair, stride: Pair, border: Border) -> tuple[Array, Array]:
        """(y, where): the largest number, and its place in the window, row by row; the first of equal ones."""
        x = self.bordered(x, border, -float("inf"))
        first, *others = positions(x.shape[1:3], size, stride)
        y = x[first].copy()
        where = self.zeros(y.shape, "int32")
        for number, at in enumerate(others, 1):
            larger = (x[at] > y) | (x[at] != x[at])  # NaN wins, so that it is seen
            y, where = self.xp.where(larger, x[at], y), self.xp.where(larger, number, where).astype("int32")
        return y, where

    def max_pool_backward(
        self, dy: Array, where: Array, size: Pair, stride: Pair, border: Border, image: Pair
    ) -> Array:
        """dx of images of this size (h, w): each dy goes to the place that won."""
        shares = [dy * (where == number) for number in range(size[0] * size[1])]
        return self._spread(shares, size, stride, border, image)

    def average_pool(self, x: Array, size: Pair, stride: Pair, border: Border) -> Array:
        """The sum of each window over how many of its numbers are of the image."""
        weight = self._weight(x, size, stride, border, x.shape[1:3])
        x = self.bordered(x, border)
        return sum(x[at] for at in positions(x.shape[1:3], size, stride)) * weight

    def average_pool_backward(self, dy: Array, size: Pair, stride: Pair, border: Border, image: Pair) -> Array:
        """dx of images of this size (h, w): each dy goes in equal shares to the places of its window."""
        share = dy * self._weight(dy, size, stride, border, image)
        return self._spread([share] * (size[0] * size[1]), size, stride, border, image)

    def _weight(self, like: Array, size: Pair, stride: Pair, border: Border, image: Pair) -> Array:
        """1 / (numbers of the image in each window), (oh, ow, 1)."""
        ones = self.bordered(self.zeros((1, *image, 1), like.dtype) + 1, border)
        return 1 / sum(ones[at] for at in positions(ones.shape[1:3], size, stride))[0]

    def _spread(self, shares: list[Array], size: Pair, stride: Pair, border: Border, image: Pair) -> Array:
        """Σ of the shares of every place of the windows, without the border."""
        rows, columns = (image[axis] + sum(border[axis]) for axis in (0, 1))
        dx = self.zeros((len(shares[0]), rows, columns, shares[0].shape[3]), shares[0].dtype)
        for share, at in zip(shares, positions((rows, columns), size, stride), strict=True):
            dx[at] += share
        return self.without_border(dx, border)
