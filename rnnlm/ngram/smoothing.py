"""The ways of smoothing: how counts of n-grams become probabilities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..errors import UsageError
from . import discounts
from .columns import Columns
from .counts import BLOCK, Counts
from .discounts import Discounts


class Block(NamedTuple):
    """Some contexts of one order with all their n-grams: n n-grams of V words."""

    order: int  # words in an n-gram
    counts: np.ndarray  # (n,) of the n-grams, or their continuation counts
    kept: np.ndarray  # (n,) False where the n-gram is pruned
    starts: np.ndarray  # (n,) True where the n-gram begins a sentence
    context_of: np.ndarray  # (n,) the context of each n-gram, 0 … contexts - 1
    contexts: int
    lower: np.ndarray  # (n,) P(word | context without its first word)
    scale: np.ndarray  # (contexts,) Σ_w of the score of the context without its first word: stupid back-off's
    words: int  # V

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sums of values (n,) over the n-grams of each context, (contexts,)."""
        return np.bincount(self.context_of, values, self.contexts)


class Shares(NamedTuple):
    """How contexts divide their probability: P(w | h) = own(h w) + rest(h) · P(w | h').

    An n-gram that the table lacks has rest(h) · P(w | h') alone; h' is h without its first word.
    """

    own: np.ndarray  # (n,)
    rest: np.ndarray  # (contexts,)
    scale: np.ndarray | None = None  # (contexts,) Σ_w of a score that was not a probability


class Smoothing(ABC):
    """The base of all ways of smoothing: `shares` is their formula.

    `interpolated`: P of an n-gram that is in the table is own + rest · P(w | h'), not own alone. `continuation`: lower
    orders count how many different words an n-gram follows (Kneser and Ney).
    """

    interpolated = True
    continuation = False

    def prepare(self, counts: Counts, adjusted: np.ndarray) -> list[str]:
        """Look at all counts before the first block; returns notes for the user, such as replaced discounts."""
        return []

    @abstractmethod
    def shares(self, block: Block) -> Shares:
        """How each context of the block divides its probability."""

    def unigrams(self, block: Block) -> Shares:
        """As `shares`, for single words, whose lower order is the uniform distribution 1 / V."""
        return self.shares(block)


class KneserNey(Smoothing):
    """Interpolated modified Kneser–Ney smoothing, with continuation counts a below the highest order.

    own(h w) = (a(h w) - D(a(h w))) / Σ_w a(h w), rest(h) = Σ_w D(a(h w)) / Σ_w a(h w). R. Kneser and H. Ney, "Improved
    backing-off for m-gram language modeling", ICASSP 1995; Chen and Goodman 1998.
    """

    continuation = True
    rule = staticmethod(discounts.modified)

    def __init__(self) -> None:
        self.discounts: list[Discounts] = []  # by order

    def prepare(self, counts: Counts, adjusted: np.ndarray) -> list[str]:
        """As `Smoothing.prepare`: computes the discounts of each order from its counts of counts."""
        orders = range(1, counts.order + 1)
        self.discounts = [self.rule(discounts.count_of_counts(adjusted[counts.level(k)]), k) for k in orders]
        return [d.note for d in self.discounts if d.note]

    def shares(self, block: Block) -> Shares:
        """As `Smoothing.shares`: own = (a - D(a)) / Σ a, rest = Σ D(a) / Σ a."""
        total, discount = _positive(block.sum(block.counts)), self.discounts[block.order - 1].of(block.counts)
        return Shares((block.counts - discount) / total[block.context_of], block.sum(discount) / total)


class AbsoluteDiscounting(KneserNey):
    """Absolute discounting: as `KneserNey` with plain counts and one discount an order (Ney, Essen and Kneser 1994)."""

    continuation = False
    rule = staticmethod(discounts.absolute)


class WittenBell(Smoothing):
    """Witten–Bell smoothing: own = c / (N + T), rest = T / (N + T), for N tokens and T types after the context.

    I. H. Witten and T. C. Bell, "The zero-frequency problem", IEEE Transactions on Information Theory 37, 1991.
    """

    def shares(self, block: Block) -> Shares:
        """As `Smoothing.shares`: own = c / (N + T), rest = T / (N + T)."""
        types = block.sum(block.counts > 0)
        total = _positive(block.sum(block.counts) + types)
        return Shares(block.counts / total[block.context_of], types / total)


class MaximumLikelihood(Smoothing):
    """Relative frequencies: own = c / N and no rest, so a word not seen after a context has probability zero.

    A context that was never seen is replaced by the next shorter one.
    """

    def shares(self, block: Block) -> Shares:
        """As `Smoothing.shares`: own = c / N, rest = 0."""
        total = _positive(block.sum(block.counts))
        return Shares(block.counts / total[block.context_of], np.zeros(block.contexts))


class Lidstone(Smoothing):
    """Lidstone's rule, P = (c + γ) / (N + γ V), after a complete history only.

    A history is complete when it has all the words that the order allows, or all that the sentence has so far; after
    any other one P is 1 / V. γ = 1 is Laplace's rule. Raises UsageError unless γ is positive and finite. G. J. Lidstone
    1920.
    """

    def __init__(self, order: int, gamma: float = 1.0) -> None:
        if not 0 < gamma < np.inf:
            raise UsageError(f"gamma={gamma} is not possible. Give a number > 0; 1 is Laplace's rule.")
        self.order, self.gamma = order, gamma

    def shares(self, block: Block) -> Shares:
        """As `Smoothing.shares`: own = c / (N + γ V), rest = γ V / (N + γ V); c = N = 0 after an incomplete history."""
        counts = block.counts * (block.starts | (block.order == self.order))
        extra = self.gamma * block.words
        total = block.sum(counts) + extra
        return Shares(counts / total[block.context_of], extra / total)


class StupidBackoff(Smoothing):
    """Stupid back-off: the score c / N, or α times that of the shorter context, divided by its sum over all words.

    The score itself is no probability; divided by Z(h) = Σ_w S(w | h) it is, and a perplexity can be compared. Raises
    UsageError unless α is positive and finite. T. Brants, A. C. Popat, P. Xu, F. J. Och and J. Dean, "Large language
    models in machine translation", EMNLP 2007.
    """

    interpolated = False

    def __init__(self, alpha: float = 0.4) -> None:
        if not 0 < alpha < np.inf:
            raise UsageError(f"alpha={alpha} is not possible. Give a number > 0; the paper's is 0.4.")
        self.alpha = alpha

    def shares(self, block: Block) -> Shares:
        """As `Smoothing.shares`: the score of each n-gram over Z(h); `scale` is Z, which the next order needs."""
        own = block.counts * block.kept / _positive(block.sum(block.counts))[block.context_of]
        unseen = 1 - block.sum(block.lower * block.kept)
        z = block.sum(own) + self.alpha * block.scale * unseen
        return Shares(own / z[block.context_of], self.alpha * block.scale / z, z)

    def unigrams(self, block: Block) -> Shares:
        """As `Smoothing.unigrams`: relative frequencies, which sum to 1."""
        return Shares(block.counts / block.counts.sum(), np.zeros(1), np.ones(1))


def _positive(total: np.ndarray) -> np.ndarray:
    """The totals, with 1 for those that are 0, to divide by."""
    return np.where(total > 0, total, 1.0)


def adjusted_counts(counts: Counts, columns: Columns) -> np.ndarray:
    """Kneser and Ney's counts: below the highest order, how many different words an n-gram follows.

    An n-gram that begins a sentence follows no word, so it keeps its count.
    """
    adjusted = columns.zeros(counts.levels[-1], counts.counts.dtype)
    adjusted[counts.level(counts.order)] = counts.counts[counts.level(counts.order)]
    for k in range(2, counts.order + 1):
        shorter, level = counts.level(k - 1), counts.level(k)
        size = max(BLOCK, shorter.stop - shorter.start)  # so that a count costs no more than the n-grams it counts
        for a in range(level.start, level.stop, size):
            suffix = counts.suffix[a : min(a + size, level.stop)] - shorter.start
            adjusted[shorter] += np.bincount(suffix, minlength=shorter.stop - shorter.start).astype(adjusted.dtype)
    for k in range(1, counts.order):
        start, level = counts.at_start(k), counts.level(k)
        adjusted[start] = counts.counts[start]
        np.minimum(
            counts.counts[level], np.maximum(adjusted[level], 1), out=adjusted[level]
        )  # left of it only unknown words
    return adjusted


def check_prune(prune: Sequence[int], order: int) -> list[int]:
    """The count up to which n-grams of each order are left out, (order,); the last one holds for the higher orders.

    Raises UsageError where they fall: an n-gram can stay only where its beginning stays.
    """
    thresholds = list(prune) or [0]
    if thresholds[0] != 0 or any(b < a for a, b in pairwise(thresholds)) or len(thresholds) > order:
        raise UsageError(
            f"prune={' '.join(map(str, thresholds))} is not possible for order {order}. "
            f"Give at most {order} numbers that do not fall, the first 0 (all words stay), as in 0 0 1."
        )
    return thresholds + [thresholds[-1]] * (order - len(thresholds))
