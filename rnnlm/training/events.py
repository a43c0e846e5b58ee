"""The events that a trainer passes to its observers; an observer is any function of one event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..ops import ops_for
from ..ops.arrays import is_device_array


class Sums:
    """The losses of an update and of its epoch so far, each summed over its items, and the gradient's norm.

    A GPU computes while the host goes on: the first `fetch` waits for it, and brings all three in one transfer. The
    norm is None where it was not computed.
    """

    def __init__(self, loss: Any, epoch: Any, norm: Any = None) -> None:
        self._sums = [loss, epoch] if norm is None else [loss, epoch, norm]

    @property
    def on_host(self) -> bool:
        """Whether the numbers are on the host already, so that `fetch` does not wait."""
        return not any(map(is_device_array, self._sums))

    def fetch(self) -> tuple[float, float, float | None]:
        """The loss of the update, that of the epoch so far, and the norm, as numbers of the host."""
        if not self.on_host:
            self._sums = ops_for(next(filter(is_device_array, self._sums))).numbers(*self._sums)
        loss, epoch, *norm = self._sums
        return loss, epoch, norm[0] if norm else None


@dataclass(frozen=True)
class Update:
    """One update is done.

    An observer that reads `nll`, `mean_nll` or `norm` waits for the GPU if the numbers are still there.
    """

    epoch: int
    updates: int  # since the beginning of the run
    tokens: int  # scored by this update; a classifier's are examples
    done: int  # scored in this epoch so far
    total: int  # tokens in an epoch
    epochs: int  # that the run has at most
    sums: Sums
    learning_rate: float  # of this update, as used: during the warm-up a part of the run's

    @property
    def nll(self) -> float:
        """The mean loss of this update: nats a token, or the loss an example."""
        return self.sums.fetch()[0] / max(self.tokens, 1)

    @property
    def mean_nll(self) -> float:
        """The mean loss of this epoch so far, in the same unit."""
        return self.sums.fetch()[1] / max(self.done, 1)

    @property
    def norm(self) -> float | None:
        """The gradient's norm before clipping; None when it was not computed."""
        return self.sums.fetch()[2]


@dataclass(frozen=True)
class Epoch:
    """An epoch and its validation are done. Losses are means: nats a token, or the loss an example."""

    epoch: int
    updates: int
    train_nll: float
    valid_nll: float | None  # None without a validation text
    best: bool  # the best epoch so far
    restored: bool  # it was worse, so the best weights were restored
    learning_rate: float  # of its last update, as used
    stop: str  # why training ends after this epoch; empty where it goes on
    train_accuracy: float | None = None  # of a classifier: the share of right answers
    valid_accuracy: float | None = None


@dataclass(frozen=True)
class Saved:
    """A checkpoint was written."""

    path: str
    epoch: int
    updates: int


Event = Update | Epoch | Saved
Observer = Callable[[Event], None]
