"""Output layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..compiled import outputs
from .parts import WORTH, Parted, whole


class Outputs(Parted):
    """The full and the class-factorized softmax."""

    def softmax_nll(
        self, h: Array, order: np.ndarray, words: np.ndarray, W: Array, b: Array, gradient: bool
    ) -> tuple[Array, Array, Any]:
        n, (V, H) = len(order), W.shape
        nll, dh, rows = _scores(h, n, gradient)
        d = np.empty(n * V, h.dtype)
        given = (whole(h), order, whole(words, np.int64), W, b, nll, rows, dh, d)
        parts = self._parts(n, max(8, WORTH // (V * H)), 4, at_most=64)
        self._run(outputs.softmax_nll, parts, *given, after=(gradient,))
        return nll, dh, (rows, d.reshape(n, V))

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
        n, (C, H) = len(order), cW.shape
        nll, dh, rows = _scores(h, n, gradient)
        tokens, sizes = groups[:, 1] - groups[:, 0], groups[:, 3] - groups[:, 2]
        products = tokens * sizes * (sizes > 1)
        dc, d = np.empty((n, C), h.dtype), np.empty(int(products.sum()), h.dtype)
        ids = (order, whole(words, np.int64), whole(classes, np.int64), groups)
        given = (whole(h), *ids, cW, cb, W, b, nll, rows, dh, dc, d)
        # Fetching a word's weights costs about as much as four products with them.
        cost = np.cumsum(H * (tokens * C + products + 4 * sizes))
        self._run(outputs.class_softmax_nll, self._by_cost(cost), *given, after=(gradient,))
        return nll, dh, (rows, dc), rows, d

    def by_class(self, target: np.ndarray, of: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, C = len(target), len(start) - 1
        order, groups = np.empty(n, np.int64), np.empty((min(n, C), 5), np.int64)
        tokens, found = outputs.by_class(whole(target, np.int64), of, start, order, groups, np.zeros(C, np.int64))
        return order[:tokens], groups[:found]

    def softmax_draw(self, h: Array, u: np.ndarray, W: Array, b: Array) -> tuple[np.ndarray, np.ndarray]:
        ids, logp = np.empty(len(h), np.int64), np.empty(len(h), h.dtype)
        parts = self._parts(len(h), max(4, WORTH // W.size), 4)
        self._run(outputs.softmax_draw, parts, whole(h), np.ascontiguousarray(u), W, b, ids, logp)
        return ids, logp

    def class_softmax_draw(
        self, h: Array, u: np.ndarray, start: np.ndarray, cW: Array, cb: Array, W: Array, b: Array
    ) -> tuple[np.ndarray, np.ndarray]:
        ids, logp = np.empty(len(h), np.int64), np.empty(len(h), h.dtype)
        given = (whole(h), np.ascontiguousarray(u), start, cW, cb, W, b, ids, logp)
        self._run(outputs.class_softmax_draw, self._parts(len(h), max(4, WORTH // (4 * cW.size)), 4), *given)
        return ids, logp


def _scores(h: Array, n: int, gradient: bool) -> tuple[Array, Array, Array]:
    """nll (N,), dh (N, H) and the n scored rows of h; only the unscored rows of dh are seen as they are here."""
    dh = (np.zeros if n < len(h) else np.empty)(h.shape if gradient else (0, h.shape[1]), h.dtype)
    return np.zeros(len(h), h.dtype), dh, np.empty((n, h.shape[1]), h.dtype)
