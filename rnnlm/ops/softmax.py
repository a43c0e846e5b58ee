"""The two output layers' arithmetic: log-probabilities of the target words, and their gradients.

N tokens, H hidden units, V words, C classes. `order` (n,) are the places of the tokens that are scored, `words` (n,)
their targets, all valid ids; the output layers leave out the others. What comes back beside the scores is for the
gradient of Σ nll: dh (N, H), zero where nothing is scored, and `found`, which is the backend's own: `softmax_gradient`
makes dW and db of it, once, for a backend may change both in place. Without `gradient` only the scores mean something.
"""

from __future__ import annotations

from typing import Any

import numpy as np  # which tokens, words and classes is host-side bookkeeping

from .affine import AffineOps
from .arrays import Array
from .tables import beginnings


class SoftmaxOps(AffineOps):
    """Full and class-factorized softmax."""

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
        """-log softmax(h W' + b)[word]: h (N, H), W (V, H), b (V,) -> nll (N,), dh (N, H), found."""
        places = self.asarray(order)
        rows = h[places]
        nll, dh = self.zeros((len(h),), h.dtype), self.xp.zeros_like(h)
        nll[places], d = self._score(rows, self.asarray(words), W, b)
        if gradient:
            dh[places] = d @ W
        return nll, dh, (rows, d)

    def softmax_gradient(self, found: Any, dh: Array, scale: float) -> tuple[Array, Array, Array]:
        """dh (N, H), dW (V, H) and db (V,), of scale · Σ nll, from what `softmax_nll` or `class_softmax_nll` found.

        Here that is h in the order given (n, H) and d = P - 1[target] (n, V): dW = scale · d' h, db = scale · Σ d.
        """
        rows, d = found
        d = d * scale
        return dh * scale, self.weight_gradient(d, rows), d.sum(0)

    def class_softmax_nll(
        self,
        h: Array,
        order: np.ndarray,
        words: np.ndarray,
        classes: np.ndarray,
        groups: np.ndarray,
        cW: Array,
        cb: Array,
        W: Array,
        b: Array,
        gradient: bool,
    ) -> tuple[Array, Array, Any, Array, Array]:
        """-log P(class) - log P(word | class), for tokens sorted by class -> nll (N,), dh (N, H), found, rows, d.

        `found` is for the gradient of cW and cb; rows (n, H), h in that order, and d for that of W and b, as `Outer`
        takes them: d = P - 1[target], flat. groups (G, 5): for each class that occurs, its first and last token, its
        first and last word, and the place of its d in d. A class of one word has probability 1 and no d.
        """
        places = self.asarray(order)
        rows = h[places]
        of_token, dc = self._score(rows, self.asarray(classes), cW, cb)  # 1: P(class)
        back = dc @ cW if gradient else None  # 1b
        size = sum((last - first) * (end - start) for first, last, start, end, _ in groups.tolist() if end - start > 1)
        d = self.zeros((size,), h.dtype)
        for first, last, start, end, place in groups.tolist():
            if end - start == 1:
                continue
            target = self.asarray(words[first:last] - start)
            more, part = self._score(rows[first:last], target, W[start:end], b[start:end])  # 2: P(word | class)
            of_token[first:last] += more
            d[place : place + part.size] = part.reshape(-1)
            if back is not None:
                back[first:last] += part @ W[start:end]  # 2b
        nll, dh = self.zeros((len(h),), h.dtype), self.xp.zeros_like(h)
        nll[places] = of_token
        if back is not None:
            dh[places] = back
        return nll, dh, (rows, dc), rows, d

    def _score(self, h: Array, target: Array, W: Array, b: Array) -> tuple[Array, Array]:
        """(-log softmax(h W' + b)[target], P - 1[target])."""
        logp = self.log_softmax(h @ W.T + b)
        token = self.xp.arange(len(target))
        d = self.xp.exp(logp)
        d[token, target] -= 1
        return -logp[token, target], d

    def by_class(self, target: np.ndarray, of: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The places of the scored tokens in order of class, stably, and the groups of `class_softmax_nll`.

        target (N,) on the host, -1 where nothing is scored; of (V,) is the class of each word, start (C + 1,) the
        first word of each class.
        """
        scored = np.flatnonzero(target >= 0)
        classes = of[target[scored]]
        order = np.argsort(classes, kind="stable")
        first = beginnings(classes[order])
        present = classes[order[first]]
        last = np.append(first, len(order))[1:]
        begin, end = start[present], start[present + 1]
        size = (last - first) * (end - begin) * (end - begin > 1)
        return scored[order], np.stack([first, last, begin, end, np.cumsum(size) - size], 1)

    def softmax_draw(self, h: Array, u: np.ndarray, W: Array, b: Array) -> tuple[np.ndarray, np.ndarray]:
        """One word a row of h, drawn by the numbers u (N,) in [0, 1): ids, and log P of each."""
        return draw(self.to_host(self.log_softmax(h @ W.T + b)), u)

    def class_softmax_draw(
        self, h: Array, u: np.ndarray, start: np.ndarray, cW: Array, cb: Array, W: Array, b: Array
    ) -> tuple[np.ndarray, np.ndarray]:
        """A class by u[:, 0], then a word of it by u[:, 1]: C + |class| output units a token. start (C + 1,)."""
        c, logp = self.softmax_draw(h, u[:, 0], cW, cb)
        ids = start[c].copy()
        order = np.argsort(c, kind="stable")
        present, first = np.unique(c[order], return_index=True)
        for which, rows in zip(present, np.split(order, first[1:]), strict=True):
            one, beyond = int(start[which]), int(start[which + 1])
            if beyond - one > 1:
                place, more = self.softmax_draw(h[self.asarray(rows)], u[rows, 1], W[one:beyond], b[one:beyond])
                ids[rows] += place
                logp[rows] += more
        return ids, logp


def draw(logp: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cumulative distribution of each row of log-probabilities (N, n) inverted at u (N,): indices, their log P."""
    cumulative = np.cumsum(np.exp(logp.astype(np.float64)), axis=1)
    ids = np.minimum((cumulative <= (u * cumulative[:, -1])[:, None]).sum(1), logp.shape[1] - 1)
    return ids, logp[np.arange(len(ids)), ids]
