"""The class-factorized softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import backend
from ..arrays import Array
from .groups import FEW, ROOM, SQUARE, TALL, mantissa, parts, plan
from .kernels import NUMBER, blocks_for
from .outputs import Outputs

NARROW = 24  # tokens of a class up to which three tiles of 8 cost less than one of 64
CHUNK = 512  # words that a block goes through for a part of the gradient of hidden vectors


class ClassOutputs(Outputs):
    """The class-factorized softmax: all classes in one launch, and P(class) in it as one more group of tokens."""

    def by_class(self, target: np.ndarray, of: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return backend().by_class(target, of, start)  # everything is on the host

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
        xp, dtype, n, (C, H) = self.xp, h.dtype, len(order), cW.shape
        size, groups, amounts = _amounts(groups, n, C, H)
        _, tiles, notes, backs, pieces = amounts[:, -1].tolist()
        data = self.asarray(plan(groups, amounts, words, classes, order))
        given = data, len(groups), n
        sizes: dict[str, Any] = {"NARROW": NARROW, "CHUNK": CHUNK, "REAL": NUMBER[dtype.name]}
        tiled = {"shared": ROOM * dtype.itemsize, "MANTISSA": mantissa(h), **sizes}
        makes = xp.empty if n == len(h) else xp.zeros
        nll, rows = makes(len(h), dtype), self.rows_at(h, data[len(data) - n :])

        d = xp.empty(size + n * C, dtype) if gradient else None  # of the words, then of the classes
        noted, hits, whole = (xp.empty(shape, dtype) for shape in ((notes, 2), (2, n), (2, n, 2)))
        weights = self.whole(cW), self.whole(W)
        biased = weights[0], self.whole(cb), weights[1], self.whole(b)
        self.launch("class_logits", tiles, 256, *given, rows, *biased, d, noted, hits, H, **tiled)
        self.launch("class_scores", blocks_for(n, 8), 256, *given, noted, hits, whole, nll, **sizes)
        if d is None:
            return nll, rows, None, rows, rows
        self.launch("class_errors", tiles, 256, *given, whole, d, **sizes)
        out, dh = xp.empty((pieces, H), dtype), makes(h.shape, dtype)
        self.launch("class_back", backs, 256, *given, d, *weights, out, H, **tiled)
        self.launch("class_gather", n, 128, *given, out, dh, H, **sizes)
        dc, found = d[size:].reshape(n, C), self._gradients(C, H, dtype, empty=False)
        self.product(dc.T, rows, out=found[1])
        self._sum_columns(dc, found[2], add=False)
        return nll, dh, found, rows, d[:size]


def _amounts(groups: np.ndarray, n: int, C: int, H: int) -> tuple[int, np.ndarray, np.ndarray]:
    """How many numbers d of the words has, the groups with the one of all classes, and how much there is up to each.

    Of tokens, tiles of logits, notes of tiles, tiles of parts of dh, and rows of those: (5, G), as in class_parts.cuh.
    """
    all_groups = np.empty((len(groups) + 1, 5), np.int64)
    all_groups[:-1], all_groups[-1] = groups, (0, n, 0, C, 0)
    first, last, start, end, _ = all_groups.T
    tokens, outputs = last - first, end - start
    outputs[:-1] *= outputs[:-1] > 1  # a class of one word has no logits
    all_groups[-1, 4] = size = int(tokens[:-1] @ outputs[:-1])
    narrow = tokens <= NARROW
    tiles = np.where(narrow, parts(outputs, TALL), parts(outputs, SQUARE))
    across = np.where(narrow, parts(tokens, FEW), parts(tokens, SQUARE))
    columns, chunks = np.where(narrow, parts(H, TALL), parts(H, SQUARE)), parts(outputs, CHUNK)
    each = [tokens, tiles * across, tiles * tokens, chunks * columns * across, chunks * tokens]
    return size, all_groups, np.cumsum(each, 1)
