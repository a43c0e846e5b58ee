"""Small labelled data that a small network learns, for the tests of classifiers."""

from __future__ import annotations

import numpy as np

from rnnlm.datasets import Dataset


def xor(N=40, seed=0):
    """Two classes that no plane divides, with some room between them."""
    x = np.random.default_rng(seed).uniform(0.3, 1, (N, 2)) * np.random.default_rng(seed + 1).choice([-1, 1], (N, 2))
    return Dataset.make(x, np.where(x[:, 0] * x[:, 1] > 0, "same", "other"), name="xor")


def bars(N=24, seed=0, size=6):
    """Images with a bar that lies or stands, and some noise; a third of them stand."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 0.3, (N, size, size, 1))
    y = np.where(np.arange(N) % 3 == 0, "stands", "lies")
    for image, label in zip(x, y, strict=True):
        place = rng.integers(size)
        image[(slice(None), place) if label == "stands" else place] += 1
    return Dataset.make(x, y, name="bars")
