"""The class-factorized softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import backend
from ..arrays import Array
from .groups import FEW, ROOM, SQUARE, TALL, mantissa, parts, plan, up_to
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
        sizes: dict[str, Any] = {"NARROW": NARROW, "CHUNK": CHUNK, "REAL": NUMBER[dtype]}
        tiled = {"shared": ROOM * dtype.itemsize, "MANTISSA": mantissa(h), **sizes}
        makes = xp.empty if n == len(h) else xp.zeros
        nll, rows = makes(len(h), dtype), self.rows_at(h, data[len(data) - n :])

        of_classes = int(groups[-1, 4])
        d = xp.empty(of_classes + n * C, dtype) if gradient else None  # of the words, then of the classes
        noted, hits, whole = (xp.empty(shape, dtype) for shape in ((notes, 2), (2, n), (2, n, 2)))
        weights = self.whole(cW), self.whole(W)
        biased = weights[0], self.whole(cb), weights[1], self.whole(b)
        self.launch("class_logits", tiles, 256, *given, rows, *biased, d, noted, hits, H, **tiled)
        self.launch("class_scores", blocks_for(n, 8), 256, *given, noted, hits, whole, nll, **sizes)
        if d is None:
            return nll, rows, None, rows, rows
        self.launch("class_errors", tiles, 256, *given, whole, d, **sizes)
        out, found = xp.empty((pieces, H), dtype), self._gradients(len(h), C, H, dtype, empty=n < len(h))
        _, dh, dW, db = found
        self.launch("class_back", backs, 256, *given, d, *weights, out, H, **tiled)
        self.launch("class_gather", n, 128, *given, out, dh, H, **sizes)
        dc = d[of_classes:].reshape(n, C)
        self.product(dc.T, rows, out=dW)
        self._sum_columns(dc, db, add=False)
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
    size = int(tokens[:-1] @ outputs[:-1])
    all_groups[-1, 4] = parts(size, 4) * 4  # at 16 bytes, for the product with the hidden vectors
    narrow = tokens <= NARROW
    tall = np.where(narrow, TALL, SQUARE)
    tiles, columns, chunks = parts(outputs, tall), parts(H, tall), parts(outputs, CHUNK)
    across = parts(tokens, np.where(narrow, FEW, SQUARE))
    return size, all_groups, up_to(tokens, tiles * across, tiles * tokens, chunks * columns * across, chunks * tokens)
