"""The full softmax: log-probabilities of the target words, their gradients, and drawing words.

N tokens, H hidden units, V words. `order` (n,) are the places of the tokens that are scored, `words` (n,) their
targets, all valid ids; the output layers leave out the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np  # which tokens and words is host-side bookkeeping

from ..arrays import Array
from .affine import AffineOps


class SoftmaxOps(AffineOps):
    """P(w | h) = softmax(h W' + b)_w: h (N, H), W (V, H), b (V,)."""

    def log_softmax(self, logits: Array) -> Array:
        """log softmax over the last axis, shifted by the maximum so that it cannot overflow."""
        shifted = logits - logits.max(-1, keepdims=True)
        return shifted - self.xp.log(self.xp.exp(shifted).sum(-1, keepdims=True))

    def softmax(self, logits: Array) -> Array:
        """softmax over the last axis, shifted likewise."""
        e = self.xp.exp(logits - logits.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def softmax_nll(
        self, h: Array, order: np.ndarray, words: np.ndarray, W: Array, b: Array, gradient: bool
    ) -> tuple[Array, Array, Any]:
        """-log P(word): nll (N,), the gradient dh (N, H) of Σ nll, both zero where nothing is scored, and a tape.

        The tape is the backend's own: `softmax_gradient` makes dW and db of it, once, for a backend may change it in
        place. Without `gradient` only nll means something.
        """
        places = self.asarray(order)
        rows = h[places]
        nll, dh = self.zeros((len(h),), h.dtype), self.xp.zeros_like(h)
        nll[places], d = self._score(rows, self.asarray(words), W, b)
        if gradient:
            dh[places] = d @ W
        return nll, dh, (rows, d)

    def softmax_gradient(self, tape: Any, dh: Array, scale: float) -> tuple[Array, Array, Array]:
        """dh (N, H), dW (V, H) and db (V,) of scale · Σ nll, from dh and the tape of `softmax_nll`.

        For the tape of `class_softmax_nll` these are the gradients of the classes' weights and biases, (C, H) and (C,).
        Here the tape is h in the given order (n, H) and d = P - 1[target] (n, V): dW = scale · d' h, db = scale · Σ d.
        """
        rows, d = tape
        d = d * scale
        return dh * scale, self.weight_gradient(d, rows), d.sum(0)

    def _score(self, h: Array, target: Array, W: Array, b: Array) -> tuple[Array, Array]:
        """(-log softmax(h W' + b)[target], P - 1[target])."""
        logp = self.log_softmax(h @ W.T + b)
        token = self.xp.arange(len(target))
        d = self.xp.exp(logp)
        d[token, target] -= 1
        return -logp[token, target], d

    def softmax_draw(self, h: Array, u: np.ndarray, W: Array, b: Array) -> tuple[np.ndarray, np.ndarray]:
        """One word a row of h, drawn by the numbers u (N,) in [0, 1): ids (N,), and log P of each."""
        return draw(self.to_host(self.log_softmax(h @ W.T + b)), u)


def draw(logp: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cumulative distribution of each row of log-probabilities (N, n) inverted at u (N,): indices, their log P.

    An index of P = 0 is never drawn: float64 keeps u · total below the total for every u < 1. In a row without any
    P > 0, or with a number that is not one, log P is nan.
    """
    cumulative = np.cumsum(np.exp(logp.astype(np.float64)), axis=1)
    total = cumulative[:, -1]
    ids = np.minimum((cumulative <= (u * total)[:, None]).sum(1), logp.shape[1] - 1)
    return ids, np.where(total > 0, logp[np.arange(len(ids)), ids], np.nan).astype(logp.dtype)
