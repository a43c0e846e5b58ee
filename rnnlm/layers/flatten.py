"""From an image to a vector."""

from __future__ import annotations

import math

from ..ops.arrays import Array


class Flatten:
    """Makes a vector of each input: (N, …) -> (N, product of the other axes), in the order of the array."""

    def __init__(self) -> None:
        self.params: dict = {}

    def forward(self, x: Array, *, train=None) -> tuple[Array, tuple[int, ...]]:
        """Forward as `Layer.forward`. The tape is the shape of x."""
        return x.reshape(len(x), math.prod(x.shape[1:])), x.shape

    def backward(self, dy: Array, tape: tuple[int, ...]) -> Array:
        """Backward as `Layer.backward`: dy in the shape of x."""
        return dy.reshape(tape)
