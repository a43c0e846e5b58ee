"""From an image to a vector."""

from __future__ import annotations

import math

from ..ops.arrays import Array


class Flatten:
    """(N, …) -> (N, product of the rest), in the order of the array; the tape is the shape."""

    def __init__(self) -> None:
        self.params: dict = {}

    def forward(self, x: Array, *, train=None) -> tuple[Array, tuple[int, ...]]:
        return x.reshape(len(x), math.prod(x.shape[1:])), x.shape

    def backward(self, dy: Array, tape: tuple[int, ...]) -> Array:
        return dy.reshape(tape)
