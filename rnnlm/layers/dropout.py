"""Dropout."""

from __future__ import annotations

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array


class Dropout:
    """Sets random numbers to zero while a model learns; the identity outside training.

        y = x · m,   m = 0 with probability `rate`, else 1 / (1 - rate)

    The mask is a function of (seed, step, `number` of this layer) and the position alone, so two runs, two machines and
    a resumed run draw the same. Raises UsageError for a rate outside [0, 1).

    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014.
    """

    def __init__(self, rate: float, number: int = 0) -> None:
        if not 0 <= rate < 1:
            raise UsageError(f"dropout {rate} is not a rate. Give 0 <= dropout < 1.")
        self.rate, self.number = rate, number
        self.params: dict = {}

    def forward(self, x: Array, *, train: tuple[int, int] | None = None) -> tuple[Array, tuple[int, int] | None]:
        """Forward as `Layer.forward`: x of any shape -> y of that shape. The tape is what fixes the mask, or None."""
        if train is None or self.rate == 0:
            return x, None
        seed, step = train
        key = (seed * 64 + self.number, step)
        return ops_for(x).dropout(x, self.rate, key), key

    def backward(self, dy: Array, tape: tuple[int, int] | None) -> Array:
        """Backward as `Layer.backward`: dx = dy · m with the mask of the forward pass, drawn once more."""
        return dy if tape is None else ops_for(dy).dropout(dy, self.rate, tape)
