"""Pooling: each window of an image becomes one number a channel."""

from __future__ import annotations

from typing import Any

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array
from .windows import Pair, Windows


class _Pool2d:
    """Windows for both kinds of pooling, each of which sees some part of the image; UsageError for others."""

    def __init__(self, size: int | Pair, stride: int | Pair | None = None, padding: int | Pair = 0) -> None:
        kind = type(self).__name__
        self.windows = Windows(kind, size, size if stride is None else stride, padding)
        for axis in (0, 1):
            if max(self.windows.border[axis]) >= self.windows.size[axis]:
                raise UsageError(f"{kind}: padding={padding} leaves windows of size={size} empty. Give less padding.")
        self.params: dict = {}


class MaxPool2d(_Pool2d):
    """The maximum of each window of an image: y[n, i, j, c] = max_uv x[n, i·s + u - p, j·s + v - p, c].

    x (N, h, w, C) -> y (N, oh, ow, C), oh = (h + 2p - kh) // s + 1; `stride` s is `size` unless it is given. What
    lies outside the image never wins; of equal numbers the first does, row by row, and gets the whole gradient. The
    tape is where each maximum was. Ranzato, Huang, Boureau & LeCun 2007.
    """

    def forward(self, x: Array, *, train=None) -> tuple[Array, tuple[Array, Pair]]:
        """Forward as `Layer.forward`: images x (N, h, w, C) -> y (N, oh, ow, C)."""
        self.windows.check(x)
        y, where = ops_for(x).max_pool(x, self.windows.size, self.windows.stride, self.windows.border)
        return y, (where, x.shape[1:3])

    def backward(self, dy: Array, tape: tuple[Array, Pair]) -> Array:
        """Backward as `Layer.backward`: dx (N, h, w, C), each dy at the place of its maximum."""
        where, image = tape
        windows = self.windows
        return ops_for(dy).max_pool_backward(dy, where, windows.size, windows.stride, windows.border, image)


class AveragePool2d(_Pool2d):
    """The mean of each window of an image: y[n, i, j, c] = mean over u, v of x[n, i·s + u - p, j·s + v - p, c].

    Shapes and keywords are those of `MaxPool2d`. What lies outside the image does not count: a window that reaches
    over the edge is the mean of the numbers that it sees. The tape is the image's height and width.
    """

    def forward(self, x: Array, *, train=None) -> tuple[Array, Pair]:
        """Forward as `Layer.forward`: images x (N, h, w, C) -> y (N, oh, ow, C)."""
        self.windows.check(x)
        y = ops_for(x).average_pool(x, self.windows.size, self.windows.stride, self.windows.border)
        return y, x.shape[1:3]

    def backward(self, dy: Array, tape: Pair) -> Array:
        """Backward as `Layer.backward`: dx (N, h, w, C), each dy in equal shares over its window."""
        windows = self.windows
        return ops_for(dy).average_pool_backward(dy, windows.size, windows.stride, windows.border, tape)


class _Pool1d(_Pool2d):
    """Pooling over time is pooling over an image of T rows and B columns, by windows one column wide."""

    def __init__(self, size: int, stride: int | None = None, padding: int = 0) -> None:
        super().__init__((size, 1), (size if stride is None else stride, 1), (padding, 0))

    def forward(self, x: Array, *, train=None) -> tuple[Array, Any]:
        if x.ndim != 3:
            raise UsageError(f"{type(self).__name__} got an array of shape {x.shape}. Give sequences (T, B, channels).")
        y, tape = super().forward(x[None])  # type: ignore[misc]
        return y[0], tape

    def backward(self, dy: Array, tape: Any) -> Array:
        return super().backward(dy[None], tape)[0]  # type: ignore[misc]


class MaxPool1d(_Pool1d, MaxPool2d):
    """The maximum over windows of time, y[t, b, c] = max_u x[t·s + u - p, b, c]: x (T, B, C) -> y (T', B, C)."""


class AveragePool1d(_Pool1d, AveragePool2d):
    """The mean over windows of time, of x[t·s + u - p, b, c] over u: x (T, B, C) -> y (T', B, C)."""
