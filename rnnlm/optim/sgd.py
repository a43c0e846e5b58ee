"""Stochastic gradient descent, plain and with two kinds of momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..layers import Param
from ..ops.arrays import Array
from ..options import option
from .optimizer import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent: w ← w - η g (Robbins & Monro 1951)."""

    rule = "sgd"
    default_rate = 0.5

    def update(self, param: Param, rows: Any, slots: dict[str, Array]) -> None:
        """As `Optimizer.update`: w ← w - η g."""
        param.value[rows] -= self.learning_rate * param.grad[rows]


class Momentum(Optimizer):
    """Gradient descent with momentum: v ← μ v + g, w ← w - η v (Polyak's heavy ball, 1964), μ = `momentum`.

    A row that is not touched neither moves nor loses speed.
    """

    @dataclass(frozen=True, kw_only=True)
    class Options(Optimizer.Options):
        """The constant μ of the rule."""

        momentum: float = option(
            0.9, "How much of its velocity a weight keeps.", group="Training", metavar="X", least=0, below=1
        )

    slots = ("velocity",)
    rule = "momentum"
    default_rate = 0.05

    def constants(self) -> tuple[float, float, float]:
        """As `Optimizer.constants`: μ is the second one."""
        return 0.0, self.options.momentum, 0.0

    def update(self, param: Param, rows: Any, slots: dict[str, Array]) -> None:
        """As `Optimizer.update`: w ← w - η v, with the new v."""
        param.value[rows] -= self.learning_rate * self.accelerate(param, rows, slots)

    def accelerate(self, param: Param, rows: Any, slots: dict[str, Array]) -> Array:
        """Set v ← μ v + g for the rows, and return their new v."""
        v = slots["velocity"]
        v[rows] = new = self.options.momentum * v[rows] + param.grad[rows]
        return new


class Nesterov(Momentum):
    """Nesterov momentum: a step along the gradient, and one along the velocity that comes after it.

        v ← μ v + g,   w ← w - η (g + μ v)

    The accelerated gradient of Nesterov 1983 as momentum (Sutskever, Martens, Dahl & Hinton 2013), written for the
    weights at the place where the gradient is taken, which is already μ v ahead (Bengio, Boulanger-Lewandowski &
    Pascanu 2013).
    """

    rule = "nesterov"

    def update(self, param: Param, rows: Any, slots: dict[str, Array]) -> None:
        """As `Optimizer.update`: w ← w - η (g + μ v), with the new v."""
        v = self.accelerate(param, rows, slots)
        param.value[rows] -= self.learning_rate * (param.grad[rows] + self.options.momentum * v)
