"""The continuous cache: words that followed similar hidden states become more probable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..errors import NotANumber, UsageError
from ..ops import ops_for
from ..ops.arrays import Array
from ..options import make, option
from .cache import MOST_WORDS
from .model import State
from .recurrent import RecurrentLM
from .wrapping import WrappedLM, keep_for


def mix_with_cache(p: np.ndarray, cached: np.ndarray, share: float) -> np.ndarray:
    """(1 - λ) P_model + λ P_cache element by element, and P_model alone where P_cache is nan; `share` is λ."""
    return np.where(np.isnan(cached), p, (1 - share) * p + share * cached)


class Memory(NamedTuple):
    """The pairs (hidden state, the word that followed it) from which the steps of a window predict.

    Step t uses those of the `size` pairs from t + 1 on whose word is not -1 and that are not before `since`.
    """

    keys: np.ndarray  # (B, size + T, H)
    words: np.ndarray  # (B, size + T), -1 for no pair
    since: np.ndarray  # (T, B) the first pair after the last fresh start


class ContinuousCacheLM(WrappedLM):
    """P(w | h_t) = (1 - λ) P_model(w | h_t) + λ P_cache(w | h_t) for a recurrent `model`, where

    P_cache(w | h_t) = Σ_i [w_{i+1} = w] exp(θ h_t · h_i) / Σ_i exp(θ h_t · h_i)   over the last `size` words i < t,

    h_t being what goes into the output layer, `theta` θ the flatness and `share` λ the weight. With nothing remembered
    it is the model alone. The cache goes on across sentences, whatever the model does.

    E. Grave, A. Joulin and N. Usunier, "Improving neural language models with a continuous cache", ICLR 2017. Raises
    UsageError for a model without hidden states and for values out of range.
    """

    kind = "continuous-cache"
    model: RecurrentLM

    @dataclass(frozen=True, kw_only=True)
    class Options:
        """The options of a continuous cache."""

        size: int = option(
            500,
            "Words to remember.",
            metavar="N",
            least=1,
            most=MOST_WORDS,
            advice="the number of words to remember",
        )
        theta: float = option(0.3, "Flatness of the similarity.", metavar="X", least=0, advice="such as 0.3")
        share: float = option(
            0.1, "Weight of the cache.", metavar="X", least=0, below=1, advice="the weight of the cache"
        )

    def __init__(self, model: RecurrentLM, **keywords: Any) -> None:
        if not isinstance(model, RecurrentLM):
            raise UsageError(f"a continuous cache needs a recurrent model, and this is of the kind {model.kind!r}.")
        super().__init__(model, make(self.Options, keywords))

    @property
    def units_per_token(self) -> int:
        """Numbers that scoring a token takes at most: the model's units, or four for each remembered word."""
        return max(self.model.units_per_token, 4 * self.config["size"])

    def start(self, batch: int = 1) -> State:
        """The state before the first word: no pairs yet, and the state of the model below.

        In this order: hidden states (B, size, H), the words that followed them (B, size), -1 for none, the last hidden
        state (B, H), whether there is one (B, 1), then the model's.
        """
        size, weights = self.config["size"], self.model.embedding.params["W"].value
        H = self.model.output_size
        keys, last = np.zeros((batch, size, H), weights.dtype), np.zeros((batch, H), weights.dtype)
        seen = np.zeros((batch, 1), dtype=np.int32)  # whether `last` is the hidden state of a word
        return (keys, np.full((batch, size), -1, dtype=np.int32), last, seen, *self.model.start(batch))

    def score(self, x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """log P(y_t | h_t) in nats, (T, B), as `LanguageModel.score`."""
        p, cached, state = self.model_and_cache(x, y, state, keep)
        with np.errstate(divide="ignore"):
            return np.where(y < 0, 0.0, np.log(mix_with_cache(p, cached, self.config["share"]))), state

    def model_and_cache(
        self, x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, State]:
        """P_model(y) and P_cache(y) of a window, (T, B) each, and the state after it; P_cache is nan without pairs."""
        device_h, h, memory, state = self._read(x, state, keep)
        nll, _ = self.model.output.forward(device_h.reshape(-1, h.shape[-1]), y.reshape(-1), gradient=False)
        p = np.exp(-ops_for(nll).to_host(nll).astype(np.float64)).reshape(x.shape)
        cached = np.empty(x.shape)
        for b in range(x.shape[1]):
            weights = self._weights(h[:, b], memory, b)
            cached[:, b] = (weights * (memory.words[b] == y[:, b, None])).sum(1)
        return p, cached, state

    def distributions(self, x: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """log P of every word after each x, (T, B, V), as `LanguageModel.distributions`."""
        device_h, h, memory, state = self._read(x, state, keep)
        logp = self.model.output.logprobs(device_h.reshape(-1, h.shape[-1]))
        p = np.exp(ops_for(logp).to_host(logp).astype(np.float64)).reshape(*x.shape, -1)
        for b in range(x.shape[1]):
            weights = self._weights(h[:, b], memory, b)
            share = np.where(np.isnan(weights[:, :1]), 0.0, self.config["share"])
            p[:, b] *= 1 - share
            t, j = np.nonzero(weights > 0)
            np.add.at(p[:, b], (t, memory.words[b, j]), self.config["share"] * weights[t, j])
        with np.errstate(divide="ignore"):
            return np.log(p), state

    def next(self, x: np.ndarray, state: State) -> tuple[Array, State]:
        """log P of every word after x (B,), (B, V): the distribution of a window with T = 1."""
        logp, state = self.distributions(np.asarray(x)[None], state)
        return logp[0], state

    def _read(self, x: np.ndarray, state: State, keep: np.ndarray | None) -> tuple[Array, np.ndarray, Memory, State]:
        """The hidden states (T, B, H) of a window, on their device and on the host, its pairs, the state after it."""
        keys, words, last, seen, *inner = state
        x = np.asarray(x, dtype=np.int32)
        device_h, inner_after = self.model.hidden(x, tuple(inner), keep_for(self.model, x, keep))
        h = ops_for(device_h).to_host(device_h)
        size, steps = self.config["size"], np.arange(len(x))[:, None]
        followed = x.T.copy()  # the word that followed each key; of the first, which may follow nothing, see `seen`
        followed[:, 0] = np.where(seen[:, 0] > 0, followed[:, 0], -1)
        memory = Memory(
            keys=np.concatenate([keys, last[:, None], h[:-1].transpose(1, 0, 2)], axis=1),
            words=np.concatenate([words, followed], axis=1),
            since=np.zeros(x.shape, dtype=np.int64),
        )
        if keep is not None:
            resets = np.where(np.asarray(keep) == 0, steps, -1)
            memory = memory._replace(since=size + 1 + np.maximum.accumulate(resets, axis=0))
            memory.since[memory.since == size] = 0  # no fresh start so far
            old = np.arange(memory.words.shape[1]) < memory.since[-1][:, None]
            kept = np.where(old, -1, memory.words)
        else:
            kept = memory.words
        after = (memory.keys[:, -size:], kept[:, -size:], h[-1], np.ones_like(seen))
        return device_h, h, memory, (*after, *inner_after)

    def _weights(self, h: np.ndarray, memory: Memory, b: int) -> np.ndarray:
        """exp(θ h_t · h_i) / Σ_i exp(θ h_t · h_i) over the pairs of step t in stream b, (T, size + T); nan for none."""
        size, steps, pairs = self.config["size"], np.arange(len(h))[:, None], np.arange(memory.words.shape[1])
        visible = (memory.words[b] >= 0) & (pairs > steps) & (pairs <= steps + size)
        visible &= pairs >= memory.since[:, b, None]
        scores = np.where(visible, self.config["theta"] * (h @ memory.keys[b].T).astype(np.float64), -np.inf)
        top = scores.max(1, keepdims=True)
        if not (top < np.inf).all():
            raise NotANumber(
                "the similarity of two hidden states is no number: the network's weights overflow or are damaged. "
                "Train it again with a smaller learning rate, or with dtype=float64."
            )
        weights = np.exp(scores - np.where(np.isfinite(top), top, 0.0))
        with np.errstate(invalid="ignore"):
            return weights / weights.sum(1, keepdims=True)
