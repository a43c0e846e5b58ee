"""The full softmax over the vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np  # targets and draws are host arrays

from ..layers import Param, initializers
from ..ops import ops_for
from ..ops.arrays import Array


class Softmax:
    """P(w | h) = softmax(h W' + b)_w, with a row of W (V, H) and of b (V,) for each word.

    nll = -log P(target), dlogits = scale · (P - 1[target]). A target of -1 scores 0 and has no gradient.
    """

    def __init__(
        self, words: int, hidden: int, *, rng: np.random.Generator, init=initializers.uniform, dtype: str = "float32"
    ) -> None:
        self.params = {
            "W": Param(init(rng, (words, hidden)).astype(dtype)),
            "b": Param(initializers.zeros(rng, (words,)).astype(dtype)),
        }

    def readout(self) -> tuple[Param, Param]:
        return self.params["W"], self.params["b"]

    def forward(self, h: Array, target: np.ndarray) -> tuple[Array, Any]:
        ops = ops_for(h)
        scored = np.flatnonzero(target >= 0)
        rows, words = ops.asarray(scored), ops.asarray(target[scored])
        nll = ops.zeros((len(h),), h.dtype)
        some, P = ops.softmax_nll(h[rows], words, self.params["W"].value, self.params["b"].value)
        nll[rows] = some
        return nll, (h, rows, words, P)

    def backward(self, tape: Any, scale: float) -> Array:
        h, rows, words, P = tape
        W, b = self.params["W"], self.params["b"]
        ops = ops_for(h)
        dh = ops.xp.zeros_like(h)
        dh[rows] = ops.softmax_nll_backward(P, words, scale, h[rows], W.value, W.grad, b.grad)
        W.touch()
        b.touch()
        return dh

    def logprobs(self, h: Array) -> Array:
        return ops_for(h).log_softmax(h @ self.params["W"].value.T + self.params["b"].value)

    def sample(self, h: Array, rng: np.random.Generator) -> np.ndarray:
        return draw(ops_for(h).to_host(self.logprobs(h)), rng)


def draw(logp: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One index a row of log-probabilities (N, n): the cumulative distribution inverted at a uniform number."""
    cumulative = np.cumsum(np.exp(logp.astype(np.float64)), axis=1)
    u = rng.random(len(logp)) * cumulative[:, -1]
    return np.minimum((cumulative <= u[:, None]).sum(1), logp.shape[1] - 1)
