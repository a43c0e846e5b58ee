"""What a trainer tells its observers; an observer is any function of one event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..ops import ops_for
from ..ops.arrays import is_device_array


class Sums:
    """The losses of an update and of its epoch so far, each summed over its items, and the gradient's length.

    On a GPU a number is computed later than the host asks for it: the first look waits for that, and brings all three
    in one transfer. The length is None where nobody needed it.
    """

    def __init__(self, loss: Any, epoch: Any, norm: Any = None) -> None:
        self._sums = [loss, epoch] if norm is None else [loss, epoch, norm]

    @property
    def here(self) -> bool:
        """Whether looking waits for nothing."""
        return not any(map(is_device_array, self._sums))

    def look(self) -> tuple[float, float, float | None]:
        """The three as numbers of the host."""
        if not self.here:
            self._sums = ops_for(next(filter(is_device_array, self._sums))).numbers(*self._sums)
        loss, epoch, *norm = self._sums
        return loss, epoch, norm[0] if norm else None


@dataclass(frozen=True)
class Update:
    """One update is done. Cross-entropies are in nats a token, `norm` is the gradient's length before clipping.

    An observer that asks for `nll`, `mean_nll` or `norm` waits for the GPU, if the numbers are still there.
    """

    epoch: int
    updates: int  # since the beginning of the run
    tokens: int  # scored by this update; a classifier's are examples
    done: int  # scored in this epoch so far
    total: int  # tokens in an epoch
    epochs: int  # of the whole run, at most
    sums: Sums
    learning_rate: float

    @property
    def nll(self) -> float:
        """Of this window."""
        return self.sums.look()[0] / max(self.tokens, 1)

    @property
    def mean_nll(self) -> float:
        """Of this epoch so far."""
        return self.sums.look()[1] / max(self.done, 1)

    @property
    def norm(self) -> float | None:
        """None when nobody needed it."""
        return self.sums.look()[2]


@dataclass(frozen=True)
class Epoch:
    """An epoch and its validation are done."""

    epoch: int
    updates: int
    train_nll: float
    valid_nll: float | None  # None without a validation text
    best: bool  # the best epoch so far
    restored: bool  # it was worse, so the best weights are back
    learning_rate: float  # of this epoch
    stop: str  # why training ends here; empty: it goes on
    train_accuracy: float | None = None  # share of right answers, of a classifier
    valid_accuracy: float | None = None


@dataclass(frozen=True)
class Saved:
    """A checkpoint is on the disk."""

    path: str
    epoch: int
    updates: int


Event = Update | Epoch | Saved
Observer = Callable[[Event], None]
