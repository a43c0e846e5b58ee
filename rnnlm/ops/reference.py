"""The reference backend: all operations in plain array code, for any array library that looks like NumPy."""

from __future__ import annotations

from typing import ClassVar

from .affine import AffineOps
from .arrays import Array
from .clipping import ClippingOps
from .context import ContextOps
from .ctc import CtcOps
from .gating import GatingOps
from .gradients import Gradient
from .ngrams import NgramOps
from .normalization import NormalizationOps
from .pooling import PoolingOps
from .recurrence import RecurrenceOps
from .tables import TableOps


class Reference(
    RecurrenceOps,
    GatingOps,
    CtcOps,
    ContextOps,
    TableOps,
    ClippingOps,
    AffineOps,
    NgramOps,
    NormalizationOps,
    PoolingOps,
):
    """Every operation, stated once and as plainly as the textbook: the judge of every faster backend."""

    # The optimizers' rules that `update` knows; a backend without rules leaves them to the optimizers' own array code.
    rules: ClassVar[frozenset[str]] = frozenset()
    threads = 1

    @property
    def description(self) -> str:
        """What works, and on how many threads, for a person."""
        name = {"numpy": "NumPy", "numba": "Numba", "cupy": "CuPy"}.get(self.name, self.name)
        return f"{name} on {self.threads} thread{'s' * (self.threads > 1)}"

    def update(
        self,
        rule: str,
        value: Array,
        gradient: Gradient,
        slots: list[Array],
        rate: float,
        l2: float,
        decay: float,
        numbers: tuple[float, float, float],
    ) -> None:
        """Change `value` and the optimizer's memory `slots` by a gradient in any form, as `Optimizer.update` would.

        `numbers` are the rule's own constants: ε, and two more.
        """
        raise TypeError(f"{type(self).__name__} has no compiled rule {rule}")

    def update_all(
        self,
        rule: str,
        items: list[tuple[Array, Gradient, list[Array]]],
        rate: float,
        l2: float,
        decay: float,
        numbers: tuple[float, float, float],
    ) -> None:
        """`update` of every (value, gradient, slots); a GPU does many of them in one launch."""
        for value, gradient, slots in items:
            self.update(rule, value, gradient, slots, rate, l2, decay, numbers)
