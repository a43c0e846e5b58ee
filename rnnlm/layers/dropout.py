"""Dropout."""

from __future__ import annotations

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array


class Dropout:
    """y = x · m, where m is 0 with probability `rate` and 1/(1 - rate) otherwise; the identity outside training.

    The mask is a function of (seed, step, `number` of this layer) and the position alone, so two runs, two machines and
    a resumed run draw the same. Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014.
    """

    def __init__(self, rate: float, number: int = 0) -> None:
        if not 0 <= rate < 1:
            raise UsageError(f"dropout {rate} is not a rate. Give 0 <= dropout < 1.")
        self.rate, self.number = rate, number
        self.params: dict = {}

    def forward(self, x: Array, *, train: tuple[int, int] | None = None) -> tuple[Array, Array | None]:
        if train is None or self.rate == 0:
            return x, None
        seed, step = train
        mask = ops_for(x).dropout_mask(x.shape, self.rate, (seed * 64 + self.number, step), x.dtype)
        return x * mask, mask

    def backward(self, dy: Array, tape: Array | None) -> Array:
        return dy if tape is None else dy * tape
