"""What an update learnt from, and how a part of the data was judged."""

from __future__ import annotations

from typing import Any, NamedTuple


class TrainLoss(NamedTuple):
    """What one update was made of: the loss summed over its items, how many these are, how many were right.

    The loss and the number of right ones are `total`s: on a GPU arrays of no dimensions.
    """

    loss: Any
    scored: int
    correct: Any = None  # None where nobody counts


class ValidationScore(NamedTuple):
    """The loss an item of a part of the data; where an answer is right or wrong, how many are right of how many."""

    loss: float
    correct: int | None = None
    items: int = 0

    @property
    def accuracy(self) -> float | None:
        return None if self.correct is None else self.correct / max(self.items, 1)

    @property
    def figure(self) -> float:
        """What is to become small: the loss, or the share of wrong answers; between equals the loss decides."""
        if self.correct is None:
            return self.loss
        # The loss counts as less than one answer, however large it is.
        return (self.items - self.correct + self.loss / (1 + self.loss)) / max(self.items, 1)
