"""Stochastic gradient descent, plain and with two kinds of momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import UsageError
from ..layers import Param
from ..ops.arrays import Array
from .optimizer import Optimizer


class SGD(Optimizer):
    """w ← w - η g (Robbins & Monro 1951)."""

    rule = "sgd"
    default_rate = 0.5

    def update(self, param: Param, rows: Any, slots: dict[str, Array]) -> None:
        param.value[rows] -= self.learning_rate * param.grad[rows]


class Momentum(Optimizer):
    """v ← μ v + g, w ← w - η v: the heavy ball of Polyak 1964, μ = `momentum`.

    A row that is not touched neither moves nor loses speed.
    """

    slots = ("velocity",)
    rule = "momentum"
    default_rate = 0.05

    def __init__(
        self,
        params: Mapping[str, Param],
        learning_rate: float,
        *,
        momentum: float = 0.9,
        l2: float = 0.0,
        decay: float = 0.0,
    ) -> None:
        super().__init__(params, learning_rate, l2=l2, decay=decay)
        if not 0 <= momentum < 1:
            raise UsageError(f"momentum={momentum} is not possible. Give 0 <= momentum < 1.")
        self.momentum = momentum

    def numbers(self) -> tuple[float, float, float]:
        return 0.0, self.momentum, 0.0

    def update(self, param: Param, rows: Any, slots: dict[str, Array]) -> None:
        param.value[rows] -= self.learning_rate * self.accelerate(param, rows, slots)

    def accelerate(self, param: Param, rows: Any, slots: dict[str, Array]) -> Array:
        """v ← μ v + g; returns the new v of the rows."""
        v = slots["velocity"]
        v[rows] = new = self.momentum * v[rows] + param.grad[rows]
        return new


class Nesterov(Momentum):
    """v ← μ v + g, w ← w - η (g + μ v): a step along the gradient, and one along the velocity that comes after it.

    The accelerated gradient of Nesterov 1983 as momentum (Sutskever, Martens, Dahl & Hinton 2013), written for the
    weights at the place where the gradient is taken, which is already μ v ahead (Bengio, Boulanger-Lewandowski &
    Pascanu 2013).
    """

    rule = "nesterov"

    def update(self, param: Param, rows: Any, slots: dict[str, Array]) -> None:
        v = self.accelerate(param, rows, slots)
        param.value[rows] -= self.learning_rate * (param.grad[rows] + self.momentum * v)
