"""The class-factorized softmax: scores, and their gradients while a class's weights are still in the cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..reference.class_softmax import ClassedTokens, ClassWeights
from .jit import kernel
from .product import dots, product
from .softmax import Softmax, draw_word, empty_scores, gather, scatter, score
from .threaded import MIN_WORK_PER_THREAD, contiguous


@kernel
def class_softmax_nll(h, order, words, classes, groups, cW, cb, W, b, nll, rows, dh, dc, d, begin, end, gradient):
    """The class-factorized softmax for the groups begin…end, each the tokens of one class: see `Reference`.

    groups (G, 5): first token, last token, first word, last word, place in d.
    """
    C, H = cW.shape
    first, last = groups[begin, 0], groups[end - 1, 1]
    count = last - first
    gather(h, order, rows, first, last)
    D = dc.reshape(-1)
    score(rows, first, count, cW, 0, C, cb, classes, nll, order, D, first * C, gradient)  # 1: P(class)
    back = np.empty((count if gradient else 0, H), h.dtype)
    BF = back.reshape(-1)
    if gradient:
        product(D, first * C, C, 1, cW.reshape(-1), 0, H, BF, 0, H, count, H, C, 0)  # 1b
    for g in range(begin, end):
        one, two, word, beyond, place = groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3], groups[g, 4]
        n = beyond - word
        if n > 1:
            score(rows, one, two - one, W, word, n, b, words, nll, order, d, place, gradient)  # 2: P(word | class)
            if gradient:
                product(d, place, n, 1, W.reshape(-1), word * H, H, BF, (one - first) * H, H, two - one, H, n, 1)  # 2b
    if gradient:
        scatter(back, order, first, last, dh)


@kernel
def class_softmax_draw(h, u, start, cW, cb, W, b, ids, logp, first, last):
    """A class by u[i, 0], then a word of it by u[i, 1]."""
    C, H = cW.shape
    logits = np.empty((last - first) * C, h.dtype)
    dots(h.reshape(-1), first * H, H, cW.reshape(-1), 0, H, logits, 0, C, last - first, C, H)
    size = 0
    for c in range(C):
        size = max(size, start[c + 1] - start[c])
    of_class = np.empty(size, h.dtype)
    for i in range(first, last):
        c, p = draw_word(logits[(i - first) * C : (i - first + 1) * C], cb, u[i, 0])
        word, n = start[c], start[c + 1] - start[c]
        if n > 1:
            dots(h.reshape(-1), i * H, H, W.reshape(-1), word * H, H, of_class, 0, n, 1, n, H)
            place, more = draw_word(of_class[:n], b[word : word + n], u[i, 1])
            word, p = word + place, p + more
        ids[i], logp[i] = word, p


@kernel
def by_class(target, of, start, order, groups, counts):
    """A stable counting sort of the scored tokens by class; returns how many tokens and how many groups there are."""
    for n in range(target.size):
        if target[n] >= 0:
            counts[of[target[n]]] += 1
    tokens, g, place = 0, 0, 0
    for c in range(counts.size):
        count = counts[c]
        if count:
            words = start[c + 1] - start[c]
            groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3] = tokens, tokens + count, start[c], start[c + 1]
            groups[g, 4] = place
            place += count * words if words > 1 else 0
            counts[c] = tokens  # from here on: where the next token of the class goes
            tokens += count
            g += 1
    for n in range(target.size):
        if target[n] >= 0:
            c = of[target[n]]
            order[counts[c]] = n
            counts[c] += 1
    return tokens, g


class ClassSoftmax(Softmax):
    """The class-factorized softmax: the threads share the classes."""

    def by_class(self, target: np.ndarray, of: np.ndarray, start: np.ndarray) -> ClassedTokens:
        """`Reference.by_class` by counting, which takes one pass more than there are tokens."""
        n, C = len(target), len(start) - 1
        order, groups = np.empty(n, np.int64), np.empty((min(n, C), 5), np.int64)
        arguments = (contiguous(target, np.int64), of, start, order, groups, np.zeros(C, np.int64))
        token_count, group_count = by_class(*arguments)
        order = order[:token_count]
        words = target[order]
        return ClassedTokens(order, words, of[words], groups[:group_count])

    def class_softmax_nll(
        self, h: Array, tokens: ClassedTokens, weights: ClassWeights, gradient: bool
    ) -> tuple[Array, Array, Any, Array, Array]:
        """`Reference.class_softmax_nll`, with the reference's own tape."""
        (order, words, classes, groups), (cW, cb, W, b) = tokens, weights
        n, (C, H) = len(order), cW.shape
        nll, dh, rows = empty_scores(h, n, gradient)
        counts, sizes = groups[:, 1] - groups[:, 0], groups[:, 3] - groups[:, 2]
        products = counts * sizes * (sizes > 1)
        dc, d = np.empty((n, C), h.dtype), np.empty(int(products.sum()), h.dtype)
        ids = (order, contiguous(words, np.int64), contiguous(classes, np.int64), groups)
        arguments = (contiguous(h), *ids, cW, cb, W, b, nll, rows, dh, dc, d)
        # Fetching a word's weights costs about as much as four products with them.
        cost = np.cumsum(H * (counts * C + products + 4 * sizes))
        self._run(class_softmax_nll, self._by_cost(cost), *arguments, after=(gradient,))
        return nll, dh, (rows, dc), rows, d

    def class_softmax_draw(
        self, h: Array, u: np.ndarray, start: np.ndarray, weights: ClassWeights
    ) -> tuple[np.ndarray, np.ndarray]:
        """`Reference.class_softmax_draw`, a token after the other."""
        ids, logp = np.empty(len(h), np.int64), np.empty(len(h), h.dtype)
        arguments = (contiguous(h), np.ascontiguousarray(u), start, *weights, ids, logp)
        parts = self._parts(len(h), max(4, MIN_WORK_PER_THREAD // (4 * weights.class_W.size)), 4)
        self._run(class_softmax_draw, parts, *arguments)
        return ids, logp
