"""Word classes as contiguous ranges of word ids."""

from __future__ import annotations

import numpy as np  # the map lives on the host: it is bookkeeping

from ..errors import UsageError


class ClassMap:
    """A partition of the ids 0 … V-1 into C contiguous classes: class c holds the ids start[c] … start[c+1] - 1.

    The vocabulary is sorted by falling count, so classes made of neighbours hold words of like frequency and their
    weights are a contiguous block. start (C + 1,); of (V,): the class of each word. Raises UsageError for an empty
    class.
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
        """V, the number of words in all classes."""
        return len(self.of)

    @property
    def sizes(self) -> np.ndarray:
        """How many words each class holds, (C,)."""
        return np.diff(self.start)

    @classmethod
    def by_frequency(cls, counts: np.ndarray, classes: int) -> ClassMap:
        """Classes with about equal shares of the running text, count_i / Σ count for word i (Mikolov et al. 2011)."""
        return cls._by_share(np.asarray(counts, dtype=np.float64), classes)

    @classmethod
    def by_sqrt_frequency(cls, counts: np.ndarray, classes: int) -> ClassMap:
        """Classes with about equal shares of Σ √count (Mikolov's toolkit since 0.3d).

        The largest class is smaller than with `by_frequency`, so a token costs less.
        """
        return cls._by_share(np.sqrt(np.asarray(counts, dtype=np.float64)), classes)

    @classmethod
    def _by_share(cls, weight: np.ndarray, classes: int) -> ClassMap:
        """Go through the words in order; class a ends after the word whose running share F exceeds (a + 1) / C.

        A word ends one class at most, so after a word that exceeds several thresholds the next classes hold one word
        each until they have caught up. Raises UsageError for fewer than 1 or more than V classes.
        """
        words = len(weight)
        if not 1 <= classes <= words:
            raise UsageError(
                f"classes={classes} is not possible with a vocabulary of {words:,}. Give 1 <= classes <= {words:,}."
            )
        total = weight.sum()
        running = np.minimum(np.cumsum(weight / total), 1.0) if total > 0 else np.arange(1, words + 1) / words
        start, current = [0], 0
        for word in range(words - 1):
            if current < classes - 1 and running[word] > (current + 1) / classes:
                current += 1
                start.append(word + 1)
        return cls(np.array([*start, words]))
