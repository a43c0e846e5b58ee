"""What a trainer tells its observers; an observer is any function of one event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Update:
    """One update is done. Cross-entropies are in nats a token, `norm` is the gradient's length before clipping."""

    epoch: int
    updates: int  # since the beginning of the run
    tokens: int  # scored by this update; a classifier's are examples
    done: int  # scored in this epoch so far
    total: int  # tokens in an epoch
    epochs: int  # of the whole run, at most
    nll: float  # of this window
    mean_nll: float  # of this epoch so far
    norm: float | None  # None when nobody needed it
    learning_rate: float


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
