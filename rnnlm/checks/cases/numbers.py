"""Random arrays of one precision, for comparing backends."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import Reference
from ...ops.gradients import OuterProduct

REFERENCE = Reference(np)


class Numbers:
    """Random arrays of one precision: `numbers(3, 5)` returns normal deviates of the shape (3, 5)."""

    def __init__(self, dtype: str, seed: int = 5) -> None:
        self.rng, self.dtype = np.random.default_rng(seed), np.dtype(dtype)

    def __call__(self, *shape: int) -> np.ndarray:
        return self.rng.normal(0, 1, shape).astype(self.dtype)

    def weights(self, n: int, H: int) -> np.ndarray:
        """Return normal deviates / √n, (n, H), so that numbers keep their size when a vector is multiplied by them."""
        return self(n, H) / self.dtype.type(n**0.5)

    def keep(self, T: int, B: int) -> np.ndarray:
        """Return a mask (T, B) that is 0, a sentence start, at three of ten places and 1 elsewhere."""
        return (self.rng.random((T, B)) < 0.7).astype(self.dtype)

    def hidden(self, activation: str, *shape: int) -> np.ndarray:
        """Return outputs of an activation, some of them from inputs so large that its slope is another one."""
        near, far = self(*shape), self.rng.choice([1, 40], shape, p=[0.8, 0.2]).astype(self.dtype)
        return REFERENCE.activate(activation, near * far)

    def classes(self, V: int, C: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the class of each word (V,), and the first word of each class (C + 1,), with V at the end.

        The first class and the last one have one word each; where V is small, there are fewer than C classes.
        """
        inner: Any = np.sort(self.rng.choice(np.arange(2, V - 1), C - 3, replace=False)) if C > 3 else []
        start = np.unique(np.array([0, 1, *inner, V - 1, V]))
        return np.repeat(np.arange(len(start) - 1), np.diff(start)), start

    def outer(self, N: int, V: int, C: int, H: int) -> OuterProduct:
        """Return a gradient as an outer product, as that of the class-factorized softmax for N tokens."""
        groups = REFERENCE.by_class(self.rng.integers(-1, V, N), *self.classes(V, C)).groups
        groups = groups[groups[:, 3] - groups[:, 2] > 1]
        size = int(((groups[:, 1] - groups[:, 0]) * (groups[:, 3] - groups[:, 2])).sum())
        return OuterProduct(self(size), self(N, H), groups, 0.3)
