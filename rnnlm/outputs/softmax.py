"""The full softmax over the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np  # targets and draws are host arrays

from ..layers import Param, initializers
from ..ops import ops_for
from ..ops.arrays import Array
from ..stored import Stored


class Softmax:
    """The full softmax over the vocabulary: P(w | h) = softmax(h W' + b)_w.

    W (V, H) and b (V,) have a row for each word. nll = -log P(target), dlogits = scale · (P - 1[target]). A target of
    -1 scores 0 and has no gradient.
    """

    description = "full softmax"
    cheaper = "`classes` instead of the full softmax"
    fed_back = "word"

    @dataclass(frozen=True, kw_only=True)
    class Options:
        """The full softmax has no options."""

    def __init__(
        self, words: int, hidden: int, *, rng: np.random.Generator, init=initializers.uniform, dtype: str = "float32"
    ) -> None:
        self.params = {
            "W": Param.starting(init, rng, (words, hidden), dtype),
            "b": Param.starting(initializers.zeros, rng, (words,), dtype),
        }

    @classmethod
    def choose(
        cls,
        counts: np.ndarray,
        options: Any,
        size: int,
        *,
        rng: np.random.Generator,
        dtype: str,
        structure: Stored | None = None,
    ) -> Self | None:
        """As `Output.choose`, but never None: it is the layer where no other one is asked for."""
        return cls(len(counts), size, rng=rng, dtype=dtype)

    def structure(self) -> dict[str, np.ndarray]:
        """No arrays: the parameters say how it is built."""
        return {}

    @property
    def units_per_token(self) -> int:
        """V, since every word has its unit."""
        return len(self.params["b"].value)

    @property
    def numbers_per_token(self) -> int:
        """V: a probability for each word."""
        return self.units_per_token

    def facts(self) -> dict[str, Any]:
        """The number of classes, 0."""
        return {"classes": 0}

    def start_from(self, counts: np.ndarray) -> None:
        """Let the biases start at log P of the words' counts (V,), so training begins where a unigram model ends."""
        self.params["b"].value[...] = log_shares(counts)

    def readout(self) -> tuple[Param, Param]:
        """The softmax over the words: R = W (V, H), r = b (V,)."""
        return self.params["W"], self.params["b"]

    def forward(self, h: Array, target: np.ndarray, *, gradient: bool = True) -> tuple[Array, Any]:
        """Forward as `Output.forward`: nll = -log P(target), (N,)."""
        order = np.flatnonzero(target >= 0)
        W, b = self.params["W"].value, self.params["b"].value
        nll, dh, ops_tape = ops_for(h).softmax_nll(h, order, target[order], W, b, gradient)
        return nll, (dh, ops_tape)

    def backward(self, tape: Any, scale: float) -> Array:
        """Backward as `Output.backward`, from dlogits = scale · (P - 1[target])."""
        dh, ops_tape = tape
        dh, dW, db = ops_for(dh).softmax_gradient(ops_tape, dh, scale)
        self.params["W"].add(dW)
        self.params["b"].add(db)
        return dh

    def logprobs(self, h: Array) -> Array:
        """As `Output.logprobs`: the log-softmax of h W' + b, (N, V)."""
        return ops_for(h).log_softmax(h @ self.params["W"].value.T + self.params["b"].value)

    def draw(self, h: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """As `Output.draw`, by one random number from `rng` for each row of h."""
        return ops_for(h).softmax_draw(h, rng.random(len(h)), self.params["W"].value, self.params["b"].value)


def log_shares(counts: np.ndarray) -> np.ndarray:
    """The logarithm of each count's share, less their mean, which a softmax ignores; a count of 0 is taken as 1."""
    logs = np.log(np.maximum(np.asarray(counts, dtype=np.float64), 1))
    return logs - logs.mean()
