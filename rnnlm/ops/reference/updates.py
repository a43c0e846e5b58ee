"""The optimizers' updates of parameters by gradients in any form."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from ..arrays import Array, ArrayOps
from ..gradients import Gradient


class UpdateRule(NamedTuple):
    """An optimizer's rule with all its numbers: what happens to a weight when its gradient is known."""

    name: str  # as in `Optimizer.rule`: sgd, adagrad, …
    rate: float  # the learning rate
    l2: float  # g ← g + l2 w
    decay: float  # w ← w - rate · decay · w
    constants: tuple[float, float, float]  # ε, and two more that only some rules have


class UpdateOps(ArrayOps):
    """The rules stand as array code in the optimizers; a backend that can do one faster says so in `rules`."""

    rules: ClassVar[frozenset[str]] = frozenset()

    def update(self, rule: UpdateRule, value: Array, gradient: Gradient, slots: list[Array]) -> None:
        """Change `value` and the optimizer's memory `slots` by a gradient in any form, as `Optimizer.update` would.

        Raises TypeError for a rule that is not among the backend's `rules`.
        """
        raise TypeError(f"{type(self).__name__} has no compiled rule {rule.name}")

    def update_all(self, rule: UpdateRule, items: list[tuple[Array, Gradient, list[Array]]]) -> None:
        """`update` of every (value, gradient, slots); a GPU does many of them in one launch."""
        for value, gradient, slots in items:
            self.update(rule, value, gradient, slots)
