"""The loss of an update, and the score of a model on a part of the data."""

from __future__ import annotations

from typing import Any, NamedTuple


class TrainLoss(NamedTuple):
    """The loss of one update, summed over its items, how many items were scored, and how many answers were right.

    On a GPU `loss` and `correct` are arrays without dimensions, whose numbers come to the host later.
    """

    loss: Any
    scored: int
    correct: Any = None  # None for a language model, where no answer is right or wrong


class ValidationScore(NamedTuple):
    """The mean loss an item on a part of the data; of a classifier also how many of `items` answers were right."""

    loss: float
    correct: int | None = None
    items: int = 0

    @property
    def accuracy(self) -> float | None:
        """The share of right answers; None for a language model."""
        return None if self.correct is None else self.correct / max(self.items, 1)

    @property
    def figure(self) -> float:
        """The number by which epochs are compared, smaller is better: the loss, or the share of wrong answers.

        Between equal shares the loss decides.
        """
        if self.correct is None:
            return self.loss
        # The second term is less than one answer, however large the loss is.
        return (self.items - self.correct + self.loss / (1 + self.loss)) / max(self.items, 1)
