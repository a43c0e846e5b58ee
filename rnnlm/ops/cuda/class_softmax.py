"""The class-factorized softmax: all classes in one launch, and P(class) in it as one more group of tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..reference.class_softmax import ClassedTokens, ClassWeights
from .groups import FEW, ROOM, SQUARE, TALL, ceil_divide, inclusive_cumsum, mantissa, packed_plan
from .kernels import C_TYPE, blocks_for
from .softmax import Softmax

NARROW = 24  # tokens of a class up to which three tiles of 8 cost less than one of 64
CHUNK = 512  # words that a block goes through for a part of the gradient of hidden vectors


class ClassSoftmax(Softmax):
    """The class-factorized softmax in five launches for all classes, and the products for the classes' weights."""

    def by_class(self, target: np.ndarray, of: np.ndarray, start: np.ndarray) -> ClassedTokens:
        """`Reference.by_class` by the host's backend, since everything is on the host."""
        return self.host().by_class(target, of, start)

    def class_softmax_nll(
        self, h: Array, tokens: ClassedTokens, weights: ClassWeights, gradient: bool
    ) -> tuple[Array, Array, Any, Array, Array]:
        """`Reference.class_softmax_nll`; the tape is that of `softmax_nll` here."""
        (order, words, classes, groups), (cW, cb, W, b) = tokens, weights
        xp, dtype, n, (C, H) = self.xp, h.dtype, len(order), cW.shape
        size, groups, amounts = group_amounts(groups, n, C, H)
        _, tiles, note_count, backs, pieces = amounts[:, -1].tolist()
        data = self.asarray(packed_plan(groups, amounts, words, classes, order))
        plan = data, len(groups), n
        sizes: dict[str, Any] = {"NARROW": NARROW, "CHUNK": CHUNK, "REAL": C_TYPE[dtype]}
        tiled = {"shared": ROOM * dtype.itemsize, "MANTISSA": mantissa(h), **sizes}
        makes = xp.empty if n == len(h) else xp.zeros
        nll, rows = makes(len(h), dtype), self.rows_at(h, data[len(data) - n :])

        of_classes = int(groups[-1, 4])
        d = xp.empty(of_classes + n * C, dtype) if gradient else None  # of the words, then of the classes
        notes, hits, maxima = (xp.empty(shape, dtype) for shape in ((note_count, 2), (2, n), (2, n, 2)))
        matrices = self.contiguous(cW), self.contiguous(W)
        biased = matrices[0], self.contiguous(cb), matrices[1], self.contiguous(b)
        self.launch("class_softmax_logits", tiles, 256, *plan, rows, *biased, d, notes, hits, H, **tiled)
        self.launch("class_softmax_scores", blocks_for(n, 8), 256, *plan, notes, hits, maxima, nll, **sizes)
        if d is None:
            return nll, rows, None, rows, rows
        self.launch("class_softmax_errors", tiles, 256, *plan, maxima, d, **sizes)
        out, tape = xp.empty((pieces, H), dtype), self._gradients(len(h), C, H, dtype, empty=n < len(h))
        _, dh, dW, db = tape
        self.launch("class_softmax_back", backs, 256, *plan, d, *matrices, out, H, **tiled)
        self.launch("class_softmax_gather", n, 128, *plan, out, dh, H, **sizes)
        dc = d[of_classes:].reshape(n, C)
        self.product(dc.T, rows, out=dW)
        self.column_sums(dc, db)
        return nll, dh, tape, rows, d[:size]


def group_amounts(groups: np.ndarray, n: int, C: int, H: int) -> tuple[int, np.ndarray, np.ndarray]:
    """How many numbers d of the words has, the groups with the one of all classes, and how much there is up to each.

    Of tokens, tiles of logits, notes of tiles, tiles of parts of dh, and rows of those: (5, G), as in
    class_softmax.cuh.
    """
    all_groups = np.empty((len(groups) + 1, 5), np.int64)
    all_groups[:-1], all_groups[-1] = groups, (0, n, 0, C, 0)
    first, last, start, end, _ = all_groups.T
    tokens, outputs = last - first, end - start
    outputs[:-1] *= outputs[:-1] > 1  # a class of one word has no logits
    size = int(tokens[:-1] @ outputs[:-1])
    all_groups[-1, 4] = ceil_divide(size, 4) * 4  # at 16 bytes, for the product with the hidden vectors
    narrow = tokens <= NARROW
    tall = np.where(narrow, TALL, SQUARE)
    tiles, columns, chunks = ceil_divide(outputs, tall), ceil_divide(H, tall), ceil_divide(outputs, CHUNK)
    across = ceil_divide(tokens, np.where(narrow, FEW, SQUARE))
    amounts = tokens, tiles * across, tiles * tokens, chunks * columns * across, chunks * tokens
    return size, all_groups, inclusive_cumsum(*amounts)
