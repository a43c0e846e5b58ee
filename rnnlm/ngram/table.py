"""Tables of n-gram probabilities and back-off weights: the result of every smoothing, which is queried and saved."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import DataError
from ..spans import over_spans
from ..stored import Stored, shown
from .counts import Trie

ROUNDING = 1e-6  # nats: how far above 0 rounding may put a log-probability


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
    def unpack(cls, stored: Stored, words: int) -> Table:
        """The table over so many words whose `arrays` a file holds.

        DataError where an array is missing or is not what `Trie` and this class say, so that no look-up leaves it.
        """
        levels = _levels(stored, words)
        contexts, nodes, number = levels[-2], levels[-1], stored.array("ngram.words").dtype
        ids = stored.array("ngram.words", [np.int32, np.int64], [nodes])
        first = stored.array("ngram.first", [number], [contexts + 1])
        logp = stored.array("ngram.logp", [np.float32, np.float64], [nodes])
        backoff = stored.array("ngram.backoff", [logp.dtype], [contexts])
        wrong = _wrong_places(levels, first) or _wrong_words(words, ids, first) or _wrong_numbers(logp, backoff)
        if wrong:
            raise DataError(f"the array {stored.prefix}ngram.{wrong}.")
        return cls(len(levels) - 1, levels, ids, first, logp, backoff)


def _levels(stored: Stored, words: int) -> tuple[int, ...]:
    levels = stored.array("ngram.levels", [np.int64], [None]).tolist()
    rises = all(level <= after for level, after in pairwise(levels))
    if len(levels) < 2 or levels[:2] != [0, words] or not rises:
        raise DataError(
            f"the array {stored.prefix}ngram.levels is {shown(levels)}. It must begin with 0 and {words}, the number "
            "of words, and rise."
        )
    return tuple(levels)


def _wrong_places(levels: tuple[int, ...], first: np.ndarray) -> str:
    """What is wrong with the places of the children, in words; "" where they are right."""
    if any(int(first[node]) != begin for node, begin in pairwise(levels)):
        return f"first does not lead from the levels {shown(list(levels))} to the next ones"
    steps = len(first) - 1
    falls = over_spans(lambda begin, end: bool((first[begin + 1 : end + 1] < first[begin:end]).any()), steps)
    return "first falls. It must rise" if any(falls) else ""


def _wrong_words(words: int, ids: np.ndarray, first: np.ndarray) -> str:
    """What is wrong with the last words of the n-grams: a look-up is a binary search among the children of a node."""
    if not np.array_equal(ids[:words], np.arange(words)):
        return f"words must begin with the numbers 0 to {words - 1}"

    def wrong(begin: int, end: int) -> str:
        block = ids[begin:end]
        if block.view(unsigned).max() >= words:  # a negative number is a large one here
            return f"words holds {block.min()} or {block.max()}, which is no word: they are 0 to {words - 1}"
        rises = np.empty(len(block), dtype=bool)
        np.greater(block[1:], block[:-1], out=rises[1:])
        rises[0] = begin == words or block[0] > ids[begin - 1]
        bounds = np.array([begin, end], first.dtype)  # of another type, `first` would be copied
        low, high = np.searchsorted(first, bounds)
        rises[first[low:high] - begin] = True  # the first child of each node
        return "" if rises.all() else "words is not sorted among the n-grams with one context"

    unsigned = np.dtype(f"u{ids.itemsize}")
    return next(filter(None, over_spans(wrong, len(ids), words)), "")


def _wrong_numbers(logp: np.ndarray, backoff: np.ndarray) -> str:
    if not all(over_spans(lambda begin, end: bool(logp[begin:end].max() <= ROUNDING), len(logp))):
        return "logp holds a number above 0 or NaN. It must hold log-probabilities"
    if not all(over_spans(lambda begin, end: bool(backoff[begin:end].max() < np.inf), len(backoff))):
        return "backoff holds infinity or NaN. It must hold logarithms of weights"
    return ""
