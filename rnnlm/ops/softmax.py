"""The two output layers' arithmetic: log-probabilities of the target words and their gradients.

N tokens, H hidden units, V words, C classes. Targets are all valid ids here; the output layers leave out the others.
"""

from __future__ import annotations

from .arrays import Array, ArrayOps


class SoftmaxOps(ArrayOps):
    """Full and class-factorized softmax."""

    def log_softmax(self, logits: Array) -> Array:
        """log softmax over the last axis, shifted by the maximum so that it cannot overflow."""
        shifted = logits - logits.max(-1, keepdims=True)
        return shifted - self.xp.log(self.xp.exp(shifted).sum(-1, keepdims=True))

    def softmax(self, logits: Array) -> Array:
        """softmax over the last axis, shifted likewise."""
        e = self.xp.exp(logits - logits.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def softmax_nll(self, h: Array, target: Array, W: Array, b: Array) -> tuple[Array, Array]:
        """-log softmax(h W' + b)[target]: h (N, H), W (V, H), b (V,) -> (nll (N,), P (N, V))."""
        logp = self.log_softmax(h @ W.T + b)
        nll = -logp[self.xp.arange(len(target)), target]
        return nll, self.xp.exp(logp)

    def softmax_nll_backward(
        self, P: Array, target: Array, scale: Array, h: Array, W: Array, dW: Array, db: Array
    ) -> Array:
        """dlogits = scale · (P - 1[target]); adds into dW, db and returns dh (N, H). scale: a number."""
        d = P * scale
        d[self.xp.arange(len(target)), target] -= scale
        dW += d.T @ h
        db += d.sum(0)
        return d @ W

    def class_nll(self, h: Array, target: Array, bounds: list[tuple[int, int, int, int]], W: Array, b: Array):
        """-log P(word | class) for tokens sorted by class: (nll (N,), the P within each class).

        h (N, H) and target (N,) are sorted by class; each bound (first, last, start, end) says that tokens
        first…last have a class whose words are the ids start…end. A class of one word has probability 1 and is left
        out of `bounds`.
        """
        xp = self.xp
        nll = xp.zeros(len(target), dtype=h.dtype)
        Ps = []
        for first, last, start, end in bounds:
            logp = self.log_softmax(h[first:last] @ W[start:end].T + b[start:end])
            nll[first:last] = -logp[xp.arange(last - first), target[first:last] - start]
            Ps.append(xp.exp(logp))
        return nll, Ps

    def class_nll_backward(
        self,
        Ps: list[Array],
        target: Array,
        bounds: list[tuple[int, int, int, int]],
        scale: Array,
        h: Array,
        W: Array,
        dW: Array,
        db: Array,
    ) -> Array:
        """Gradient of `class_nll`: adds into the touched ranges of dW and db, returns dh (N, H) in sorted order."""
        xp = self.xp
        dh = xp.zeros_like(h)
        for P, (first, last, start, end) in zip(Ps, bounds, strict=True):
            d = P * scale
            d[xp.arange(last - first), target[first:last] - start] -= scale
            dW[start:end] += d.T @ h[first:last]
            db[start:end] += d.sum(0)
            dh[first:last] = d @ W[start:end]
        return dh
