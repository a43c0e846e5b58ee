"""Maps without memory: element by element, tables, affine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Array
from ..compiled import elementwise, ngrams, product, tables
from ..elementwise import CLIP, _mix, _threshold
from ..gradients import Some
from .parts import MOVED, WORTH, Parted, whole


class Maps(Parted):
    """Element by element, tables, affine maps."""

    def activate(self, name: str, a: Array) -> Array:
        y = np.array(a, order="C")
        self._run(
            elementwise.activate_part,
            self._parts(y.size, MOVED),
            elementwise.NUMBER[name],
            y.reshape(-1),
            after=(CLIP,),
        )
        return y

    def dropout(self, x: Array, rate: float, key: tuple[int, int]) -> Array:
        flat = whole(x).reshape(-1)
        y = np.empty_like(flat)
        words = [np.uint32(_mix(word)) for word in key]
        end = (*words, np.uint32(_threshold(rate)), x.dtype.type(1 / (1 - rate)))
        self._run(elementwise.dropout, self._parts(flat.size, MOVED), flat, y, after=end)
        return y.reshape(x.shape)

    def take_rows(self, table: Array, ids: np.ndarray) -> Array:
        flat = whole(ids, np.int64).reshape(-1)
        out = np.empty((len(flat), table.shape[1]), table.dtype)
        self._run(tables.take_rows, self._parts(len(flat), 1 + MOVED // table.shape[1]), whole(table), flat, out)
        return out.reshape(*ids.shape, table.shape[1])

    def sum_rows(self, ids: np.ndarray, rows: Array) -> Some:
        order, distinct, bounds = self.by_id(ids)
        flat = whole(rows).reshape(len(rows), rows[:1].size or 1)
        out = np.empty((len(distinct), flat.shape[1]), rows.dtype)
        self._run(tables.sum_rows, self._parts(len(distinct), 1 + MOVED // flat.shape[1]), flat, order, bounds, out)
        return Some(distinct, out.reshape(-1, *rows.shape[1:]))

    def by_id(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        order, bounds, distinct = (np.empty(len(ids) + 1, np.int64) for _ in range(3))
        valid, different = tables.by_id(whole(ids, np.int64), order, bounds, distinct)
        return order[:valid], distinct[:different], bounds[: different + 1]

    def children(self, words: Array, first: Array, nodes: Array, ids: Array) -> Array:
        out = np.empty_like(nodes)
        self._run(ngrams.children, self._parts(len(nodes), 4000), words, first, nodes, whole(ids, words.dtype), out)
        return out

    def affine(self, x: Array, W: Array, b: Array | None) -> Array:
        n_in, n_out = W.shape
        flat = whole(x, W.dtype).reshape(-1, n_in)
        y = np.empty((len(flat), n_out), W.dtype)
        bias = np.empty(0, W.dtype) if b is None else b
        self._run_rows(product.affine_rows, len(flat), n_in * n_out, flat, whole(W), bias, y)
        return y.reshape(*x.shape[:-1], n_out)

    def affine_backward(self, dy: Array, W: Array) -> Array:
        return self.affine(dy, self._transposed(W), None)

    def weight_gradient(self, x: Array, dy: Array) -> Array:
        dW = np.empty((x.shape[1], dy.shape[1]), dy.dtype)  # of the weights' type, which x need not have
        self._run_rows(product.weight_gradient_rows, len(dW), dy.size, whole(x, dy.dtype), whole(dy), dW, after=(0,))
        return dW

    def _run_rows(self, kernel: Callable[..., Any], rows: int, cost: int, *arguments: Any, after: tuple = ()) -> None:
        """A kernel over rows that cost so many multiplications each; whole groups of four, as `product` likes them."""
        self._run(kernel, self._parts(rows, 1 + WORTH // max(cost, 1), 4), *arguments, after=after)

    def _transposed(self, W: Array) -> Array:
        out = np.empty(W.shape[::-1], W.dtype)
        self._run(product.transpose, self._parts(len(W), 1 + MOVED // max(W.shape[1], 1), 16), whole(W), out)
        return out


def gradient_buffer(like: Array, stop: int, time: int = 0) -> Array:
    """Room for a gradient of every step, zero before the step `stop` of the axis `time`."""
    room = np.empty_like(like)
    room[(slice(None),) * time + (slice(stop),)] = 0
    return room
