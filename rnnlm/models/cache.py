"""A model that remembers: n-grams of the recent text on top of another model."""

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

FORGOTTEN = 1e-4  # a word that has decayed to this is dropped
LONGEST = 20_000  # words: the window where decay sets no limit, for each costs time


def chained(p: np.ndarray, hits: np.ndarray, totals: np.ndarray, strengths: Sequence[float]) -> np.ndarray:
    """P_n from P_0 = p and the cache's counts (n, …) by order."""
    for beta, c, total in zip(strengths, hits, totals, strict=True):
        p = (c + beta * p) / (total + beta)
    return p


class CacheLM(WrappedLM):
    """P_k(w | h) = (c_k(h w) + β_k P_{k-1}(w | h)) / (c_k(h) + β_k) for k = 1 … n, and P_0 that of `model`.

    c_k(h w) counts where the last k - 1 words of h were followed by w among the last `window` words, one that j others
    came after as decay^j; so old news fades, an empty cache leaves the model as it is, and the more often a context has
    come, the more it is believed: `strengths` are the β_k, the number of remembered words that weigh as much as the
    model below. n = 1 is a unigram cache, its usual linear interpolation once the window is full. The window, without a
    wish, ends where decay^j is 1e-4, or after 20,000 words. The cache goes on across sentences, whatever the model
    does.

    R. Kuhn and R. De Mori, "A cache-based natural language model for speech recognition", IEEE PAMI 12, 1990; P. R.
    Clarkson and A. J. Robinson, "Language model adaptation using mixtures and an exponentially decaying cache",
    ICASSP 1997; the chain of priors is D. MacKay and L. Peto's, "A hierarchical Dirichlet language model", 1995.
    Raises UsageError for values out of range.
    """

    kind = "cache"

    @dataclass(frozen=True, kw_only=True)
    class Options:
        """What is remembered, and how much it counts."""

        decay: float = option(
            0.99,
            "What a word still counts when another has come after it.",
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
            advice="the number of words to remember",
        )

    def __init__(self, model: LanguageModel, **keywords: Any) -> None:
        o = make(self.Options, keywords)
        if not o.strengths or not all(0 < beta < math.inf for beta in o.strengths):
            raise UsageError(f"strengths={list(o.strengths)} are not possible. Give a number > 0 for each order.")
        super().__init__(model, replace(o, strengths=tuple(float(beta) for beta in o.strengths)))
        decay, window = o.decay, o.window
        self.window = min(LONGEST, math.ceil(math.log(FORGOTTEN) / math.log(decay))) if window is None else window
        self._fading = decay ** np.arange(self.window)[::-1]  # of each remembered word, the newest last

    @property
    def units_per_token(self) -> int:
        return max(self.model.units_per_token, 2 * self.window)

    def start(self, batch: int = 1) -> State:
        return (np.full((batch, self.window), -1, dtype=np.int32), *self.model.start(batch))

    def score(self, x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        logp, inner = self.model.score(x, y, state[1:], keep_for(self.model, x, keep))
        p = np.exp(ops_for(logp).to_host(logp).astype(np.float64))
        hits, totals, history = self.evidence(x, y, state[0], keep)
        p = chained(p, hits, totals, self.config["strengths"])
        with np.errstate(divide="ignore"):
            return np.where(y < 0, 0.0, np.log(p)), (history, *inner)

    def evidence(
        self, x: np.ndarray, y: np.ndarray, history: np.ndarray, keep: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """c_k(h y) and c_k(h) of every order at every step, (n, T, B) each, and the history after the window."""
        memory, history = self._memory(x, history, keep)
        target = memory == np.asarray(y)[..., None]
        followers = self._followers(memory)
        hits = np.stack([(following & target) @ self._fading for following in followers])
        return hits, np.stack([following @ self._fading for following in followers]), history

    def distributions(self, x: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        logp, inner = self.model.distributions(x, state[1:], keep_for(self.model, x, keep))
        memory, history = self._memory(x, state[0], keep)
        return self._rows(logp, memory), (history, *inner)

    def next(self, x: np.ndarray, state: State) -> tuple[Array, State]:
        x = np.asarray(x)
        logp, inner = next_of(self.model, x, state[1:])
        memory, history = self._memory(x[None], state[0], None)
        return self._rows(logp[None], memory)[0], (history, *inner)

    def _memory(self, x: np.ndarray, history: np.ndarray, keep: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """The words remembered at each step, (T, B, window), -1 for none, the newest last; and those after the last."""
        K = self.window
        text = np.concatenate([history, np.asarray(x, dtype=np.int32).T], axis=1)  # (B, K + T)
        memory = np.lib.stride_tricks.sliding_window_view(text, K, axis=1)[:, 1:].transpose(1, 0, 2)
        if keep is not None:  # what lies before the last fresh start is forgotten
            steps = np.arange(len(x))[:, None]
            since = steps - np.maximum.accumulate(np.where(np.asarray(keep) == 0, steps, -K), axis=0)  # (T, B)
            memory = np.where(np.arange(K - 1, -1, -1) <= since[..., None], memory, -1)
        return memory, memory[-1].copy()

    def _followers(self, memory: np.ndarray) -> list[np.ndarray]:
        """For each order k (T, B, window): whether the k - 1 words before a remembered word are now the last ones."""
        follows = memory >= 0
        found = [follows]
        for back in range(1, len(self.config["strengths"])):
            same = np.zeros_like(follows)
            if back < self.window:
                same[..., back:] = memory[..., :-back] == memory[..., -back, None]
            follows = follows & same & (memory[..., -back, None] >= 0 if back <= self.window else False)
            found.append(follows)
        return found

    def _rows(self, logp: Array, memory: np.ndarray) -> np.ndarray:
        """log P of every word, (T, B, V), from the model's own."""
        p = np.exp(ops_for(logp).to_host(logp).astype(np.float64))
        for beta, following in zip(self.config["strengths"], self._followers(memory), strict=True):
            total = following @ self._fading
            p *= beta / (total + beta)[..., None]
            t, b, j = np.nonzero(following)
            np.add.at(p, (t, b, memory[t, b, j]), self._fading[j] / (total + beta)[t, b])
        with np.errstate(divide="ignore"):
            return np.log(p)
