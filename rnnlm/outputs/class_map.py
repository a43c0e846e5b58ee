"""Word classes as contiguous ranges of word ids."""

from __future__ import annotations

import numpy as np  # the map lives on the host: it is bookkeeping

from ..errors import UsageError


class ClassMap:
    """A partition of the ids 0 … V-1 into C contiguous classes: class c holds the ids start[c] … start[c+1] - 1.

    The vocabulary is sorted by falling count, so classes made of neighbours hold words of like frequency and their
    weights are a contiguous block. start (C + 1,), of (V,): the class of each word.
    """

    def __init__(self, start: np.ndarray) -> None:
        self.start = np.asarray(start, dtype=np.int64)
        sizes = np.diff(self.start)
        if len(sizes) < 1 or self.start[0] != 0 or (sizes < 1).any():
            raise UsageError(
                f"class starts {self.start.tolist()[:8]}… must begin with 0 and rise: no class may be empty."
            )
        self.of = np.repeat(np.arange(len(sizes)), sizes)

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def words(self) -> int:
        return len(self.of)

    @property
    def sizes(self) -> np.ndarray:
        """How many words each class holds, (C,)."""
        return np.diff(self.start)

    @classmethod
    def by_frequency(cls, counts: np.ndarray, classes: int) -> ClassMap:
        """Classes of about equal share of the running text, count_i / Σ count for word i (Mikolov et al. 2011)."""
        return cls._by_share(np.asarray(counts, dtype=np.float64), classes)

    @classmethod
    def by_sqrt_frequency(cls, counts: np.ndarray, classes: int) -> ClassMap:
        """Classes of about equal share of √count: smaller largest class, so faster (Mikolov's toolkit since 0.3d)."""
        return cls._by_share(np.sqrt(np.asarray(counts, dtype=np.float64)), classes)

    @classmethod
    def _by_share(cls, weight: np.ndarray, classes: int) -> ClassMap:
        """Walk down the vocabulary with the running share F; after the word that takes F over (a + 1)/C class a ends.

        At most one step a word, so a word that crosses several thresholds leaves the counter behind, and the next
        classes hold one word each until it catches up.
        """
        words = len(weight)
        if not 1 <= classes <= words:
            raise UsageError(
                f"classes={classes} is not possible with a vocabulary of {words:,} words. "
                f"Give 1 <= classes <= {words:,}."
            )
        total = weight.sum()
        running = np.minimum(np.cumsum(weight / total), 1.0) if total > 0 else np.arange(1, words + 1) / words
        start, current = [0], 0
        for word in range(words - 1):
            if current < classes - 1 and running[word] > (current + 1) / classes:
                current += 1
                start.append(word + 1)
        return cls(np.array([*start, words]))
