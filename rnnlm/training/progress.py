"""The progress of a run: position, sums and best weights."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ops import ops_for
from ..ops.arrays import is_device_array


@dataclass
class Progress:
    """Everything that changes during a run besides weights, optimizer and schedule.

    On a GPU the sums `nll` and `correct` are arrays without dimensions of the device until `fetch_sums`.
    """

    epoch: int = 1
    window: int = 0  # the next window of this epoch
    updates: int = 0
    nll: Any = 0.0  # summed over this epoch's tokens so far
    tokens: int = 0  # of this epoch so far; a classifier's are examples
    correct: Any = None  # how many of a classifier's answers were right; None for a language model
    stopped: str = ""  # why the run ended; empty while it goes on
    best_epoch: int = 0  # 0 before the first one
    best: dict[str, np.ndarray] = field(default_factory=dict)  # the weights of the best epoch
    state: Any = None  # of the streams, before the next window
    tapes: deque = field(default_factory=deque)  # of the last windows, newest last

    def fetch_sums(self, *others: Any) -> list[float]:
        """Bring the sums to the host, and in the same transfer the numbers `others`, which are returned."""
        sums = [self.nll, *([] if self.correct is None else [self.correct])]
        device_sum = next(filter(is_device_array, [*sums, *others]), None)
        if device_sum is None:
            return list(others)
        self.nll, *numbers = ops_for(device_sum).numbers(*sums, *others)
        if self.correct is not None:
            self.correct = int(numbers.pop(0))
        return numbers

    def start_epoch(self) -> None:
        """Clear states, tapes and sums: the streams begin anew."""
        self.window, self.nll, self.tokens, self.correct, self.state = 0, 0.0, 0, None, None
        self.tapes.clear()
