"""The full softmax: scores, gradients and draws for a part of the tokens at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import Array
from .exponential import exp32
from .jit import kernel
from .product import dots, product
from .reductions import add, largest, total
from .threaded import MIN_WORK_PER_THREAD, ThreadedBackend, contiguous


@kernel
def exponentials(a, top):
    """a = e^(a - top) in place."""
    if a.itemsize == 4:
        for i in range(a.size):
            a[i] = exp32(a[i] - top)
    else:
        for i in range(a.size):
            a[i] = math.exp(a[i] - top)


@kernel
def softmax(a):
    """Logits a become probabilities, in place; returns log Σ e^(a - max) and max."""
    top = largest(a)
    exponentials(a, top)
    s = total(a)
    inverse = a.dtype.type(1) / s
    for i in range(a.size):
        a[i] *= inverse
    return math.log(s), top


@kernel
def gather(h, order, rows, first, last):
    """rows[i] = h[order[i]] for first ≤ i < last."""
    H = h.shape[1]
    for i in range(first, last):
        for j in range(H):
            rows[i, j] = h[order[i], j]


@kernel
def score(rows, first, count, W, word, n, b, target, nll, order, d, place, gradient):
    """Softmax of `count` tokens over the n words from `word` on: adds -log P to nll, leaves P - 1[target] in d.

    rows (tokens, H) and W (words, H) flat; token i's target is target[i] - word, its place in nll order[i].
    """
    H = rows.shape[1]
    dots(rows.reshape(-1), first * H, H, W.reshape(-1), word * H, H, d, place, n, count, n, H)
    for i in range(count):
        mine = d[place + i * n : place + (i + 1) * n]
        add(mine, b[word : word + n])
        hit = target[first + i] - word
        logit = mine[hit]
        log_sum, top = softmax(mine)
        nll[order[first + i]] += log_sum - (logit - top)
        if gradient:
            mine[hit] -= 1


@kernel
def scatter(rows, order, first, last, dh):
    """dh[order[i]] = rows[i - first] for first ≤ i < last."""
    for i in range(first, last):
        for j in range(dh.shape[1]):
            dh[order[i], j] = rows[i - first, j]


@kernel
def softmax_nll(h, order, target, W, b, nll, rows, dh, d, first, last, gradient):
    """The full softmax for the tokens first…last of `order`; dh is empty without gradient."""
    V, H = W.shape
    count = last - first
    gather(h, order, rows, first, last)
    score(rows, first, count, W, 0, V, b, target, nll, order, d, first * V, gradient)
    if gradient:
        back = np.empty((count, H), h.dtype)
        product(d, first * V, V, 1, W.reshape(-1), 0, H, back.reshape(-1), 0, H, count, H, V, 0)
        scatter(back, order, first, last, dh)


@kernel
def pick(P, u):
    """The first place at which the running sum of P exceeds u times the whole sum."""
    whole = 0.0
    for j in range(P.size):
        whole += P[j]
    running, goal = 0.0, u * whole
    for j in range(P.size):
        running += P[j]
        if running > goal:
            return j
    return P.size - 1


@kernel
def draw_word(P, b, u):
    """Logits P without their biases -> (place of the word drawn by u, its log P)."""
    add(P, b)
    softmax(P)
    place = pick(P, u)
    return place, math.log(P[place])


@kernel
def softmax_draw(h, u, W, b, ids, logp, first, last):
    """One of all words for each row of h from first to last: ids and log P."""
    V, H = W.shape
    logits = np.empty((last - first) * V, h.dtype)
    dots(h.reshape(-1), first * H, H, W.reshape(-1), 0, H, logits, 0, V, last - first, V, H)
    for i in range(first, last):
        ids[i], logp[i] = draw_word(logits[(i - first) * V : (i - first + 1) * V], b, u[i])


class Softmax(ThreadedBackend):
    """The full softmax, whose logits stay in the cache."""

    def softmax_nll(
        self, h: Array, order: np.ndarray, words: np.ndarray, W: Array, b: Array, gradient: bool
    ) -> tuple[Array, Array, Any]:
        """`Reference.softmax_nll`, with the reference's own tape."""
        n, (V, H) = len(order), W.shape
        nll, dh, rows = empty_scores(h, n, gradient)
        d = np.empty(n * V, h.dtype)
        arguments = (contiguous(h), order, contiguous(words, np.int64), W, b, nll, rows, dh, d)
        parts = self._parts(n, max(8, MIN_WORK_PER_THREAD // (V * H)), 4, at_most=64)
        self._run(softmax_nll, parts, *arguments, after=(gradient,))
        return nll, dh, (rows, d.reshape(n, V))

    def softmax_draw(self, h: Array, u: np.ndarray, W: Array, b: Array) -> tuple[np.ndarray, np.ndarray]:
        """`Reference.softmax_draw`, without the logits of all tokens at one time."""
        ids, logp = np.empty(len(h), np.int64), np.empty(len(h), h.dtype)
        parts = self._parts(len(h), max(4, MIN_WORK_PER_THREAD // W.size), 4)
        self._run(softmax_draw, parts, contiguous(h), np.ascontiguousarray(u), W, b, ids, logp)
        return ids, logp


def empty_scores(h: Array, n: int, gradient: bool) -> tuple[Array, Array, Array]:
    """nll (N,), dh (N, H) and room for the n scored rows of h, (n, H).

    Only the unscored rows of dh are seen as they are here; without gradient dh is empty.
    """
    dh = (np.zeros if n < len(h) else np.empty)(h.shape if gradient else (0, h.shape[1]), h.dtype)
    return np.zeros(len(h), h.dtype), dh, np.empty((n, h.shape[1]), h.dtype)
