"""A cache of the n-grams in the recent text, on top of another model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array
from ..options import make, option
from .language_model import LanguageModel
from .model import State
from .wrapping import WrappedLM, keep_for, next_of

NEGLIGIBLE_COUNT = 1e-4  # a word whose count has decayed to this is dropped
MOST_WORDS = 1_000_000  # that a cache may remember: each takes memory and time at every token
MAX_WINDOW = 20_000  # words: the limit of a window that follows from the decay, since each word costs time


def interpolated(p: np.ndarray, hits: np.ndarray, totals: np.ndarray, strengths: Sequence[float]) -> np.ndarray:
    """P_n of `CacheLM` from P_0 = `p` (…) and the cache's counts by order (n, …): c_k(h w) `hits`, c_k(h) `totals`."""
    for beta, c, total in zip(strengths, hits, totals, strict=True):
        p = (c + beta * p) / (total + beta)
    return p


class CacheLM(WrappedLM):
    """P_k(w | h) = (c_k(h w) + β_k P_{k-1}(w | h)) / (c_k(h) + β_k) for k = 1 … n, and P_0 that of `model`.

    c_k(h w) counts where the last k - 1 words of h were followed by w among the last `window` words, one that j others
    came after as decay^j. So older words count less, an empty cache leaves the model as it is, and the cache weighs
    more the more often a context has occurred: `strengths` are the β_k, the number of remembered words that weigh as
    much as the model below. n = 1 is a unigram cache, its usual linear interpolation once the window is full. Where
    `window` is None it ends where decay^j is 1e-4, or after 20,000 words. The cache goes on across sentences, also
    where the model starts anew at each.

    R. Kuhn and R. De Mori, "A cache-based natural language model for speech recognition", IEEE PAMI 12, 1990; P. R.
    Clarkson and A. J. Robinson, "Language model adaptation using mixtures and an exponentially decaying cache",
    ICASSP 1997; the chain of priors is D. MacKay and L. Peto's, "A hierarchical Dirichlet language model", 1995.
    Raises UsageError for values out of range.
    """

    kind = "cache"

    @dataclass(frozen=True, kw_only=True)
    class Options:
        """The options of a cache of n-grams."""

        decay: float = option(
            0.99,
            "Factor by which a remembered word loses weight with each word after it.",
            metavar="X",
            above=0,
            below=1,
            advice="such as 0.99",
        )
        strengths: Sequence[float] = option(
            (1000.0, 30.0, 8.0), "By order, how many remembered words weigh as much as the model.", metavar="X,X,X"
        )
        window: int | None = option(
            None,
            "Words to remember; without it, until they count nothing.",
            metavar="N",
            least=1,
            most=MOST_WORDS,
            advice="the number of words to remember",
        )

    def __init__(self, model: LanguageModel, **keywords: Any) -> None:
        o = make(self.Options, keywords)
        if not o.strengths or not all(0 < beta < math.inf for beta in o.strengths):
            raise UsageError(f"strengths={list(o.strengths)} are not possible. Give a number > 0 for each order.")
        super().__init__(model, replace(o, strengths=tuple(float(beta) for beta in o.strengths)))
        decay, window = o.decay, o.window
        self.window = (
            min(MAX_WINDOW, math.ceil(math.log(NEGLIGIBLE_COUNT) / math.log(decay))) if window is None else window
        )
        self._decay_weights = decay ** np.arange(self.window)[::-1]  # what each remembered word counts, the newest last

    @property
    def units_per_token(self) -> int:
        """Numbers that scoring a token takes at most: the model's units, or two for each remembered word."""
        return max(self.model.units_per_token, 2 * self.window)

    def start(self, batch: int = 1) -> State:
        """The remembered words (B, window), -1 for none, before the state of the model below."""
        return (np.full((batch, self.window), -1, dtype=np.int32), *self.model.start(batch))

    def score(self, x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """log P_n(y_t | h) in nats, (T, B), as `LanguageModel.score`; only the counts of y are made."""
        logp, inner = self.model.score(x, y, state[1:], keep_for(self.model, x, keep))
        p = np.exp(ops_for(logp).to_host(logp).astype(np.float64))
        hits, totals, history = self.counts(x, y, state[0], keep)
        p = interpolated(p, hits, totals, self.config["strengths"])
        with np.errstate(divide="ignore"):
            return np.where(y < 0, 0.0, np.log(p)), (history, *inner)

    def counts(
        self, x: np.ndarray, y: np.ndarray, history: np.ndarray, keep: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """c_k(h y) and c_k(h) of every order at every step, (n, T, B) each, and the history after the window."""
        memory, history = self._memory(x, history, keep)
        target = memory == np.asarray(y)[..., None]
        matches = self._matches(memory)
        hits = np.stack([(match & target) @ self._decay_weights for match in matches])
        return hits, np.stack([match @ self._decay_weights for match in matches]), history

    def distributions(self, x: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """log P_n of every word after each x, (T, B, V), as `LanguageModel.distributions`."""
        logp, inner = self.model.distributions(x, state[1:], keep_for(self.model, x, keep))
        memory, history = self._memory(x, state[0], keep)
        return self._every_word(logp, memory), (history, *inner)

    def next(self, x: np.ndarray, state: State) -> tuple[Array, State]:
        """log P_n of every word after x (B,), (B, V), as `LanguageModel.next`."""
        x = np.asarray(x)
        logp, inner = next_of(self.model, x, state[1:])
        memory, history = self._memory(x[None], state[0], None)
        return self._every_word(logp[None], memory)[0], (history, *inner)

    def _memory(self, x: np.ndarray, history: np.ndarray, keep: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """The words remembered at each step (T, B, window), -1 for none, newest last; and those after the window."""
        K = self.window
        text = np.concatenate([history, np.asarray(x, dtype=np.int32).T], axis=1)  # (B, K + T)
        memory = np.lib.stride_tricks.sliding_window_view(text, K, axis=1)[:, 1:].transpose(1, 0, 2)
        if keep is not None:  # what lies before the last fresh start is forgotten
            steps = np.arange(len(x))[:, None]
            since = steps - np.maximum.accumulate(np.where(np.asarray(keep) == 0, steps, -K), axis=0)  # (T, B)
            memory = np.where(np.arange(K - 1, -1, -1) <= since[..., None], memory, -1)
        return memory, memory[-1].copy()

    def _matches(self, memory: np.ndarray) -> list[np.ndarray]:
        """For each order k (T, B, window): whether the k - 1 words before a remembered word are the last ones of h."""
        match = memory >= 0
        matches = [match]
        for back in range(1, len(self.config["strengths"])):
            same = np.zeros_like(match)
            if back < self.window:
                same[..., back:] = memory[..., :-back] == memory[..., -back, None]
            match = match & same & (memory[..., -back, None] >= 0 if back <= self.window else False)
            matches.append(match)
        return matches

    def _every_word(self, logp: Array, memory: np.ndarray) -> np.ndarray:
        """log P of every word, (T, B, V), from the model's own."""
        p = np.exp(ops_for(logp).to_host(logp).astype(np.float64))
        for beta, match in zip(self.config["strengths"], self._matches(memory), strict=True):
            total = match @ self._decay_weights
            p *= beta / (total + beta)[..., None]
            t, b, j = np.nonzero(match)
            np.add.at(p, (t, b, memory[t, b, j]), self._decay_weights[j] / (total + beta)[t, b])
        with np.errstate(divide="ignore"):
            return np.log(p)
