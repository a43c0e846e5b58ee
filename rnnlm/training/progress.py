"""Where a run stands."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ops import ops_for
from ..ops.arrays import is_device_array


@dataclass
class Progress:
    """All of a run that changes besides weights, optimizer and schedule.

    While a GPU computes, its sums `nll` and `correct` stay there, as arrays of no dimensions, until `look`.
    """

    epoch: int = 1
    window: int = 0  # the next window of this epoch
    updates: int = 0
    nll: Any = 0.0  # summed over this epoch's tokens so far
    tokens: int = 0  # or examples
    correct: Any = None  # how many of them, where an answer is right or wrong
    stopped: str = ""  # why the run ended; empty: it goes on
    best_epoch: int = 0
    best: dict[str, np.ndarray] = field(default_factory=dict)  # the weights of the best epoch
    state: Any = None  # of the streams, before the next window
    tapes: deque = field(default_factory=deque)  # of the last windows, newest last

    def look(self, *others: Any) -> list[float]:
        """Bring the sums to the host if they are on a device, and with them the numbers `others`; returns these."""
        sums = [self.nll, *([] if self.correct is None else [self.correct])]
        there = next(filter(is_device_array, [*sums, *others]), None)
        if there is None:
            return list(others)
        self.nll, *found = ops_for(there).numbers(*sums, *others)
        if self.correct is not None:
            self.correct = int(found.pop(0))
        return found

    def start_epoch(self) -> None:
        """The streams begin anew: states, tapes and sums are cleared."""
        self.window, self.nll, self.tokens, self.correct, self.state = 0, 0.0, 0, None, None
        self.tapes.clear()
