"""How often each class was taken for each: accuracy and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix of K classes, with the figures that follow from it.

    `labels`  the names of the classes
    `counts`  (K, K) integers: counts[i, j] examples of class i were classified as class j
    `loss`    the mean loss
    """

    labels: tuple[str, ...]
    counts: np.ndarray
    loss: float

    @classmethod
    def of(cls, labels: tuple[str, ...], true: np.ndarray, predicted: np.ndarray, loss: float) -> Confusion:
        """Return the confusion matrix of N examples: the ids of their classes (N,), and of the predicted ones (N,)."""
        K = len(labels)
        return cls(labels, np.bincount(true * K + predicted, minlength=K * K).reshape(K, K), loss)

    @property
    def examples(self) -> int:
        """The number of examples."""
        return int(self.counts.sum())

    @property
    def correct(self) -> int:
        """The number of examples that were classified correctly."""
        return int(self.counts.trace())

    @property
    def accuracy(self) -> float:
        """The share of the examples that were classified correctly, from 0 to 1; nan without examples."""
        return self.correct / self.examples if self.examples else float("nan")

    @property
    def recall(self) -> np.ndarray:
        """(K,): the share of each class's examples that were classified as it; nan for a class without examples."""
        return _shares(self.counts.diagonal(), self.counts.sum(1))

    @property
    def precision(self) -> np.ndarray:
        """(K,): the share of the examples classified as each class that belong to it; nan where there are none."""
        return _shares(self.counts.diagonal(), self.counts.sum(0))

    def as_dict(self) -> dict[str, Any]:
        """Return every figure and count by name, as data that can be written as JSON."""
        return {
            "examples": self.examples,
            "correct": self.correct,
            "accuracy": self.accuracy,
            "loss": self.loss,
            "labels": list(self.labels),
            "confusion": self.counts.tolist(),
            "recall": self.recall.tolist(),
            "precision": self.precision.tolist(),
        }


def _shares(part: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.divide(part, total, out=np.full(len(part), np.nan), where=total > 0)
