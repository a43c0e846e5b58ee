"""What all optimizers share: visiting the touched rows, L2, weight decay, and remembered values as named arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..errors import UsageError
from ..layers import Param
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.reference.updates import UpdateRule
from ..options import make


class Optimizer:
    """Changes parameters by their gradients: `step()` updates every touched row, then clears the gradients.

    A subclass writes `update(param, rows, slots)`, which changes `param.value[rows]` only, and lists the arrays that it
    remembers for each parameter in `slots`; a row that was not touched keeps its value and its memory, and so does a
    parameter without any gradient, such as running statistics. A row is w[i], whatever the shape of w after it.

    Two ways to keep touched rows small. `l2`, the penalty ½ l2 Σ w²: g ← g + l2 w, which an adaptive rule then divides
    like the rest of the gradient. `decay`, decoupled from the gradient: w ← w - η decay w before the rule, which does
    not see it (Loshchilov & Hutter 2019); with plain SGD the two are the same.

    `learning_rate` η may be changed between steps; the other keywords are the rule's `Options`. UsageError for a rate
    that is not positive and finite, a negative l2, or a negative decay.
    """

    @dataclass(frozen=True, kw_only=True)
    class Options:
        """The constants of the rule; a subclass that has some declares them here."""

    slots: ClassVar[tuple[str, ...]] = ()
    positive_slots: ClassVar[tuple[str, ...]] = ("squares", "updates")  # those of them that cannot be below 0
    rule: ClassVar[str] = ""  # the backends' name for this rule, if one of them has it compiled
    default_rate: ClassVar[float] = 0.1  # the learning rate for tanh units when nobody says

    def __init__(
        self,
        params: Mapping[str, Param],
        learning_rate: float,
        *,
        l2: float = 0.0,
        decay: float = 0.0,
        **constants: Any,
    ) -> None:
        self.options = make(self.Options, constants)
        self.params = dict(params)
        self.learning_rate = positive("learning rate", learning_rate)
        self.l2, self.decay = not_negative("l2", l2), not_negative("weight_decay", decay)
        self.steps = 0
        self._memory = {
            name: {
                slot: ops_for(param.value).zeros(self.slot_shape(param, slot), param.value.dtype) for slot in self.slots
            }
            for name, param in self.params.items()
        }

    def slot_shape(self, param: Param, slot: str) -> tuple[int, ...]:
        """The shape of one remembered array: that of the parameter unless a subclass says otherwise."""
        return param.value.shape

    def step(self) -> None:
        """Update every touched row once, and clear the gradients."""
        self.steps += 1
        if not self.params:
            return
        ops = ops_for(next(iter(self.params.values())).value)
        if self.rule in ops.rules:
            gradients = [(param, param.gradient(), self._memory[name]) for name, param in self.params.items()]
            items = [(param.value, g, list(slots.values())) for param, g, slots in gradients if g is not None]
            rule = UpdateRule(self.rule, self.learning_rate, self.l2, self.decay, self.constants())
            ops.update_all(rule, items)
        else:
            self._update_each()
        for param in self.params.values():
            param.zero()

    def _update_each(self) -> None:
        """The rule in plain array code, for a backend that has not compiled it."""
        for name, param in self.params.items():
            for rows in param.touched():
                if self.l2:
                    param.grad[rows] += self.l2 * param.value[rows]
                if self.decay:
                    param.value[rows] -= self.learning_rate * self.decay * param.value[rows]
                self.update(param, rows, self._memory[name])

    def update(self, param: Param, rows: Any, slots: dict[str, Array]) -> None:
        """Change param.value[rows] by param.grad[rows]; `rows` is a slice or an array of ids without repetition."""
        raise TypeError(f"{type(self).__name__} has no update rule")

    def constants(self) -> tuple[float, float, float]:
        """ε and two more constants of a compiled rule, in the order in which the backends expect them."""
        return 0.0, 0.0, 0.0

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What a resumed run needs: numbers by name, and the remembered arrays by "PARAMETER/SLOT"."""
        arrays = {f"{name}/{slot}": a for name, slots in self._memory.items() for slot, a in slots.items()}
        return {"learning_rate": self.learning_rate, "steps": self.steps}, arrays

    def least(self, name: str) -> float | None:
        """Return the least number that an array of `state()` can hold; None where there is no limit."""
        return 0 if name.rpartition("/")[2] in self.positive_slots else None

    def restore(self, numbers: dict[str, Any], arrays: Mapping[str, Array]) -> None:
        """Continue from what `state()` returned."""
        self.learning_rate, self.steps = numbers["learning_rate"], numbers["steps"]
        for name, slots in self._memory.items():
            for slot in slots:
                slots[slot][...] = ops_for(slots[slot]).asarray(arrays[f"{name}/{slot}"])


def not_negative(name: str, value: float) -> float:
    """The value itself; raises UsageError unless it is a finite number >= 0."""
    if not (0 <= value < math.inf):
        raise UsageError(f"{name}={value} is not possible. Give {name} >= 0.")
    return value


def positive(name: str, value: float) -> float:
    """The value itself; raises UsageError unless it is a positive finite number."""
    if not (0 < value < math.inf):
        raise UsageError(f"{name} {value} is not possible. Give a positive number.")
    return value
