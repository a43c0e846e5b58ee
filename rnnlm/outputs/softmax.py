"""The full softmax over the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np  # targets and draws are host arrays

from ..layers import Param, initializers
from ..ops import ops_for
from ..ops.arrays import Array


class Softmax:
    """P(w | h) = softmax(h W' + b)_w, with a row of W (V, H) and of b (V,) for each word.

    nll = -log P(target), dlogits = scale · (P - 1[target]). A target of -1 scores 0 and has no gradient.
    """

    description = "full softmax"
    cheaper = "`classes` instead of the full softmax"
    fed_back = "word"

    @dataclass(frozen=True, kw_only=True)
    class Options:
        """It has none."""

    def __init__(
        self, words: int, hidden: int, *, rng: np.random.Generator, init=initializers.uniform, dtype: str = "float32"
    ) -> None:
        self.params = {
            "W": Param(init(rng, (words, hidden)).astype(dtype)),
            "b": Param(initializers.zeros(rng, (words,)).astype(dtype)),
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
        structure: Mapping[str, np.ndarray] | None = None,
    ) -> Self | None:
        """It is what is left where no other output layer is asked for."""
        return cls(len(counts), size, rng=rng, dtype=dtype)

    def structure(self) -> dict[str, np.ndarray]:
        """Nothing: the parameters say it all."""
        return {}

    @property
    def units_per_token(self) -> int:
        """V: every word's unit."""
        return len(self.params["b"].value)

    def facts(self) -> dict[str, Any]:
        """No classes."""
        return {"classes": 0}

    def start_from(self, counts: np.ndarray) -> None:
        """Let the biases start at log P of the words' counts (V,): training then begins where a unigram model ends."""
        self.params["b"].value[...] = log_shares(counts)

    def readout(self) -> tuple[Param, Param]:
        """The softmax over the words: R = W (V, H), r = b (V,)."""
        return self.params["W"], self.params["b"]

    def forward(self, h: Array, target: np.ndarray, *, gradient: bool = True) -> tuple[Array, Any]:
        order = np.flatnonzero(target >= 0)
        W, b = self.params["W"].value, self.params["b"].value
        nll, dh, ops_tape = ops_for(h).softmax_nll(h, order, target[order], W, b, gradient)
        return nll, (dh, ops_tape)

    def backward(self, tape: Any, scale: float) -> Array:
        dh, ops_tape = tape
        dh, dW, db = ops_for(dh).softmax_gradient(ops_tape, dh, scale)
        self.params["W"].add(dW)
        self.params["b"].add(db)
        return dh

    def logprobs(self, h: Array) -> Array:
        return ops_for(h).log_softmax(h @ self.params["W"].value.T + self.params["b"].value)

    def draw(self, h: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return ops_for(h).softmax_draw(h, rng.random(len(h)), self.params["W"].value, self.params["b"].value)


def log_shares(counts: np.ndarray) -> np.ndarray:
    """log of each count's share, less the mean, which a softmax does not see; a count of 0 is taken as 1."""
    logs = np.log(np.maximum(np.asarray(counts, dtype=np.float64), 1))
    return logs - logs.mean()
