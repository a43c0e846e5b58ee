"""How often each class was taken for each: accuracy and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Confusion:
    """counts[i, j]: how many examples of class i were taken for class j, (K, K). `loss` is the mean loss."""

    labels: tuple[str, ...]
    counts: np.ndarray
    loss: float

    @classmethod
    def of(cls, labels: tuple[str, ...], true: np.ndarray, found: np.ndarray, loss: float) -> Confusion:
        """Count pairs of ids: true (N,), found (N,)."""
        K = len(labels)
        return cls(labels, np.bincount(true * K + found, minlength=K * K).reshape(K, K), loss)

    @property
    def examples(self) -> int:
        return int(self.counts.sum())

    @property
    def correct(self) -> int:
        return int(self.counts.trace())

    @property
    def accuracy(self) -> float:
        """The share that was right; nan of no examples."""
        return self.correct / self.examples if self.examples else float("nan")

    @property
    def recall(self) -> np.ndarray:
        """Of each class, the share that was found (K,); nan where there is no example of it."""
        return _shares(self.counts.diagonal(), self.counts.sum(1))

    @property
    def precision(self) -> np.ndarray:
        """Of what was taken for each class, the share that was it (K,); nan where nothing was taken for it."""
        return _shares(self.counts.diagonal(), self.counts.sum(0))

    def as_dict(self) -> dict[str, Any]:
        """Figures and counts, for machines."""
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


def _shares(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
