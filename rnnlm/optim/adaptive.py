"""Optimizers with a step size of its own for each weight or row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..layers import Param
from ..ops import ops_for
from ..ops.arrays import Array
from ..options import option
from .optimizer import Optimizer


class Adagrad(Optimizer):
    """Adagrad, element by element: s ← s + g², w ← w - η g / (√s + ε) (Duchi, Hazan & Singer 2011)."""

    rule = "adagrad"
    slots = ("squares",)
    eps = 1e-8

    def constants(self) -> tuple[float, float, float]:
        """As `Optimizer.constants`: ε alone."""
        return self.eps, 0.0, 0.0

    def update(self, param: Param, rows: Any, slots: dict[str, Array]) -> None:
        """As `Optimizer.update`: w ← w - η g / (√s + ε), with the new s."""
        s, g = slots["squares"], param.grad[rows]
        s[rows] = total = s[rows] + g * g
        param.value[rows] -= self.learning_rate * g / (ops_for(g).xp.sqrt(total) + self.eps)


class RowAdagrad(Optimizer):
    """Adagrad with one step size for each row of a table instead of one for each element.

        s_i ← s_i + mean_j g_ij²,   w_i ← w_i - η g_i / (√s_i + ε)

    The memory of a table (V, E) is V numbers instead of V·E, and so is the work on square roots. Where a row has more
    than one axis, the mean is over all of them. Vectors keep a step size for each element.
    """

    rule = "row-adagrad"
    slots = ("squares",)
    eps = 1e-8

    def slot_shape(self, param: Param, slot: str) -> tuple[int, ...]:
        """One number for each row."""
        return param.value.shape[:1]

    def constants(self) -> tuple[float, float, float]:
        """As `Optimizer.constants`: ε alone."""
        return self.eps, 0.0, 0.0

    def update(self, param: Param, rows: Any, slots: dict[str, Array]) -> None:
        """As `Optimizer.update`: w_i ← w_i - η g_i / (√s_i + ε), with the new s."""
        s, g = slots["squares"], param.grad[rows]
        xp = ops_for(g).xp
        flat = g.reshape(len(g), math.prod(g.shape[1:]))
        s[rows] = total = s[rows] + xp.einsum("ij,ij->i", flat, flat) / flat.shape[1]
        param.value[rows] -= g * per_row(self.learning_rate / (xp.sqrt(total) + self.eps), g)


class RMSprop(Optimizer):
    """RMSprop: s ← ρ s + (1 - ρ) g², w ← w - η g / (√s + ε), ρ = 0.9 (Tieleman & Hinton, lecture 6.5, 2012).

    A row that is not touched keeps its average, as in Adam.
    """

    rule = "rmsprop"
    slots = ("squares",)
    default_rate = 0.002
    rho, eps = 0.9, 1e-8

    def constants(self) -> tuple[float, float, float]:
        """As `Optimizer.constants`: ε and ρ."""
        return self.eps, self.rho, 0.0

    def update(self, param: Param, rows: Any, slots: dict[str, Array]) -> None:
        """As `Optimizer.update`: w ← w - η g / (√s + ε), with the new s."""
        s, g = slots["squares"], param.grad[rows]
        s[rows] = average = self.rho * s[rows] + (1 - self.rho) * g * g
        param.value[rows] -= self.learning_rate * g / (ops_for(g).xp.sqrt(average) + self.eps)


class Adam(Optimizer):
    """Adam, with bias correction by row: w ← w - η m̂ / (√v̂ + ε) (Kingma & Ba 2015).

        m ← β₁ m + (1-β₁) g,   v ← β₂ v + (1-β₂) g²,   m̂ = m / (1-β₁ⁿ),   v̂ = v / (1-β₂ⁿ)

    n counts the updates *of that row*: a row that is not touched keeps m, v and n, so a rare word's first update is as
    large as a frequent word's ("lazy" Adam).
    """

    @dataclass(frozen=True, kw_only=True)
    class Options(Optimizer.Options):
        """The constants β₁, β₂ and ε of the rule."""

        beta1: float = option(0.9, "Decay of the mean gradient.", group="Training", metavar="X", least=0, below=1)
        beta2: float = option(0.999, "Decay of the mean square.", group="Training", metavar="X", least=0, below=1)
        eps: float = option(
            1e-8, "What is added to the root of the mean square.", group="Training", metavar="X", above=0
        )

    rule = "adam"
    slots = ("mean", "squares", "updates")
    default_rate = 0.005

    def slot_shape(self, param: Param, slot: str) -> tuple[int, ...]:
        """One number for each row for the count of updates, the parameter's shape for m and v."""
        return param.value.shape[:1] if slot == "updates" else param.value.shape

    def constants(self) -> tuple[float, float, float]:
        """As `Optimizer.constants`: ε, β₁ and β₂."""
        return self.options.eps, self.options.beta1, self.options.beta2

    def update(self, param: Param, rows: Any, slots: dict[str, Array]) -> None:
        """As `Optimizer.update`: w ← w - η m̂ / (√v̂ + ε), with the new m, v and n."""
        m, v, n, g = slots["mean"], slots["squares"], slots["updates"], param.grad[rows]
        m[rows] = mean = self.options.beta1 * m[rows] + (1 - self.options.beta1) * g
        v[rows] = squares = self.options.beta2 * v[rows] + (1 - self.options.beta2) * g * g
        n[rows] = count = n[rows] + 1
        count = per_row(count, g)
        unbiased = mean / (1 - self.options.beta1**count)
        scale = ops_for(g).xp.sqrt(squares / (1 - self.options.beta2**count)) + self.options.eps
        param.value[rows] -= self.learning_rate * unbiased / scale


def per_row(numbers: Array, rows: Array) -> Array:
    """Numbers (n,), one for each row, in the shape (n, 1, …) that broadcasts over rows (n, …)."""
    return numbers.reshape(-1, *[1] * (rows.ndim - 1))
