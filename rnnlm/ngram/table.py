"""Tables of n-gram probabilities and back-off weights: the result of every smoothing, which is queried and saved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..stored import Stored
from .counts import Trie


@dataclass(frozen=True)
class Table(Trie):
    """A trie with the probability of each n-gram and the back-off weight of each context.

    `logp` (nodes,) is log P(last word | words before), `backoff` (contexts,) the logarithm of the weight. P(w | h) is
    exp logp of h w where the table has it, and exp backoff[h] · P(w | h without its first word) where it has not; an h
    that the table lacks has backoff 0. Natural logarithms; -inf is a probability of zero.
    """

    logp: np.ndarray
    backoff: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name that a model file holds of the table."""
        levels = np.array(self.levels, np.int64)
        flat = {"words": self.words, "first": self.first, "logp": self.logp, "backoff": self.backoff}
        return {f"ngram.{name}": array for name, array in {"levels": levels, **flat}.items()}

    @classmethod
    def unpack(cls, stored: Stored) -> Table:
        """The table whose `arrays` a file holds. DataError where one is missing, ValueError where they do not fit."""
        words, first, logp, backoff = (stored.array(f"ngram.{name}") for name in ("words", "first", "logp", "backoff"))
        levels = tuple(int(level) for level in stored.array("ngram.levels"))
        contexts = levels[-2]
        if not len(words) == len(logp) == levels[-1] or not len(first) == contexts + 1 == len(backoff) + 1:
            raise ValueError(f"the n-gram arrays do not fit the levels {levels}")
        if int(first[0]) != levels[1] or int(first[-1]) != levels[-1]:
            raise ValueError("the n-gram arrays name children that are not there")
        return cls(len(levels) - 1, levels, words, first, logp, backoff)
