"""The compiled backend: the hot loops of `Reference` for NumPy arrays, by Numba, on several threads.

Here is only what surrounds the kernels of `compiled/`: arrays in one piece, and the division into parts for threads.
No number depends on the division: each row's arithmetic is the same in any company, and sums over parts are not made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from .arrays import Array
from .compiled import elementwise, ngrams, outputs, product, recurrence, tables, updates
from .compiled.waiting import ring, watch
from .elementwise import CLIP, _mix, _threshold
from .gradients import Gradient, Outer, Some, Whole
from .pool import Pool
from .reference import Reference

WORTH = 1_000_000  # multiplications that a part must have: less is not worth another thread's attention
LONG = 16  # steps of a single stream that are worth transposing a matrix for
MOVED = 40_000  # numbers, likewise, where each is only moved or changed

Parts = list[tuple[int, int]]


class Cpu(Reference):
    """`Reference` on NumPy arrays, compiled. `threads` of them share the work; one or many give the same bits."""

    rules: ClassVar[frozenset[str]] = frozenset(updates.NUMBER)

    def __init__(self, threads: int) -> None:
        super().__init__(np)
        self.name = "numba"
        self.threads = threads
        self._pool = Pool(threads, watch, ring)

    def _run(self, kernel: Callable[..., Any], parts: Parts, *arguments: Any, after: tuple = ()) -> list[Any]:
        """kernel(*arguments, first, last, *after) for every part."""
        return self._pool.run(kernel, [(*arguments, first, last, *after) for first, last in parts])

    def _parts(self, count: int, least: int, group: int = 1, at_most: int | None = None) -> Parts:
        """0 … count in a part for each thread, of whole groups, at least `least`; in more where a part is limited."""
        return _divided(self.threads, count, least, group, at_most)

    def _streams(self, shape: tuple[int, ...], n: int) -> Parts:
        """The streams of a window (T, B, H) whose recurrent weights are (n, H)."""
        T, B, H = shape
        return self._parts(B, max(4, WORTH // (T * H * n)), 4)

    def _by_cost(self, cost: np.ndarray) -> Parts:
        """Neighbours that cost about the same together, a part for each thread; cost (G,) is cumulative."""
        if not len(cost):
            return []
        parts = int(min(self.threads, max(1, cost[-1] // WORTH)))
        cuts = np.searchsorted(cost, cost[-1] * np.arange(1, parts) / parts) + 1
        bounds = [0, *cuts.tolist(), len(cost)]
        return [(a, b) for a, b in pairwise(bounds) if b > a]

    def _outer_parts(self, outer: Outer) -> Parts:
        return self._parts(int(_ends(outer)[-1]), 1 + MOVED // outer.rows.shape[1], updates.ROWS)

    # element by element

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
        flat = _whole(x).reshape(-1)
        y = np.empty_like(flat)
        words = [np.uint32(_mix(word)) for word in key]
        end = (*words, np.uint32(_threshold(rate)), x.dtype.type(1 / (1 - rate)))
        self._run(elementwise.dropout, self._parts(flat.size, MOVED), flat, y, after=end)
        return y.reshape(x.shape)

    # tables

    def take_rows(self, table: Array, ids: np.ndarray) -> Array:
        flat = _whole(ids, np.int64).reshape(-1)
        out = np.empty((len(flat), table.shape[1]), table.dtype)
        self._run(tables.take_rows, self._parts(len(flat), 1 + MOVED // table.shape[1]), _whole(table), flat, out)
        return out.reshape(*ids.shape, table.shape[1])

    def sum_rows(self, ids: np.ndarray, rows: Array) -> Some:
        order, distinct, first = self.by_id(ids)
        flat = _whole(rows).reshape(len(rows), rows[:1].size or 1)
        out = np.empty((len(distinct), flat.shape[1]), rows.dtype)
        bounds = np.append(first, len(order))
        self._run(tables.sum_rows, self._parts(len(distinct), 1 + MOVED // flat.shape[1]), flat, order, bounds, out)
        return Some(distinct.astype(np.int64), out.reshape(-1, *rows.shape[1:]))

    def children(self, words: Array, first: Array, nodes: Array, ids: Array) -> Array:
        out = np.empty_like(nodes)
        self._run(ngrams.children, self._parts(len(nodes), 4000), words, first, nodes, _whole(ids, words.dtype), out)
        return out

    # affine maps

    def affine(self, x: Array, W: Array, b: Array | None) -> Array:
        n_in, n_out = W.shape
        flat = _whole(x, W.dtype).reshape(-1, n_in)
        y = np.empty((len(flat), n_out), W.dtype)
        bias = np.empty(0, W.dtype) if b is None else b
        self._run_rows(product.affine_rows, len(flat), n_in * n_out, flat, _whole(W), bias, y)
        return y.reshape(*x.shape[:-1], n_out)

    def affine_backward(self, dy: Array, W: Array) -> Array:
        return self.affine(dy, self._transposed(W), None)

    def weight_gradient(self, x: Array, dy: Array) -> Array:
        dW = np.empty((x.shape[1], dy.shape[1]), x.dtype)
        self._run_rows(product.weight_gradient_rows, len(dW), dy.size, _whole(x), _whole(dy), dW, after=(0,))
        return dW

    def _run_rows(self, kernel: Callable[..., Any], rows: int, cost: int, *arguments: Any, after: tuple = ()) -> None:
        """A kernel over rows that cost so many multiplications each; whole groups of four, as `product` likes them."""
        self._run(kernel, self._parts(rows, 1 + WORTH // max(cost, 1), 4), *arguments, after=after)

    def _transposed(self, W: Array) -> Array:
        out = np.empty(W.shape[::-1], W.dtype)
        self._run(product.transpose, self._parts(len(W), 1 + MOVED // max(W.shape[1], 1), 16), _whole(W), out)
        return out

    # recurrences

    def elman_forward(self, x: Array, W: Array, b: Array, h0: Array, keep: Array | None, activation: str) -> Array:
        h = np.empty(x.shape, x.dtype)
        arguments = (_whole(x), _whole(W), b, _whole(h0), _or_none(keep, x.dtype), h)
        if x.shape[1] == 1 and len(x) >= LONG:
            recurrence.elman_forward_alone(arguments[0], self._transposed(W), *arguments[2:], *_function(activation))
            return h
        self._run(recurrence.elman_forward, self._streams(x.shape, len(W)), *arguments, after=_function(activation))
        return h

    def elman_backward(
        self,
        dh: Array | None,
        dlast: Array | None,
        h: Array,
        h0: Array,
        W: Array,
        keep: Array | None,
        activation: str,
        stop: int,
    ) -> tuple[Array, Array, Array, Array]:
        H = h.shape[2]
        da = _gradient(h, stop)
        d = np.zeros(h0.shape, h.dtype) if dlast is None else np.array(dlast, order="C")
        arguments = (_or_none(dh, h.dtype, 3), d, h, self._transposed(W), _or_none(keep, h.dtype), da)
        after = (*_function(activation), stop)
        self._run(recurrence.elman_backward, self._streams(h.shape, H), *arguments, after=after)
        before = self.previous(h, h0, keep) if keep is not None or stop else None
        flat = da[stop:].reshape(-1, H)
        if before is not None:
            dW = self.weight_gradient(before[stop:].reshape(-1, H), flat)
        else:  # Σ_t h_{t-1}' da_t without a copy of all h_{t-1}: the first step, then the others
            dW = self.weight_gradient(h0, da[0])
            rest = (h[:-1].reshape(-1, H), da[1:].reshape(-1, H), dW)
            self._run_rows(product.weight_gradient_rows, H, flat.size, *rest, after=(1,))
        db = np.empty(H, h.dtype)
        product.column_sums(flat, db)
        return da, d, dW, db

    def jordan_forward(
        self,
        x: Array,
        U: Array,
        b: Array,
        deep: list[tuple[Array, Array]],
        read: tuple[Array, Array],
        z0: Array,
        keep: Array | None,
        activation: str,
    ) -> tuple[list[Array], Array]:
        R, r = read
        hs = np.empty((1 + len(deep), *x.shape), x.dtype)
        z = np.empty((*x.shape[:2], len(R)), x.dtype)
        A, c = _stacked(deep, x.shape[2], x.dtype)
        given = (_whole(x), _whole(U), b, A, c, _whole(R), r, _whole(z0), _or_none(keep, x.dtype), hs, z)
        parts = self._streams(x.shape, 2 * len(R) + len(deep) * x.shape[2])
        self._run(recurrence.jordan_forward, parts, *given, after=_function(activation))
        return list(hs), z

    def jordan_backward(
        self,
        dh: Array | None,
        dlast: Array | None,
        hs: list[Array],
        z: Array,
        z0: Array,
        U: Array,
        deep: list[tuple[Array, Array]],
        R: Array,
        keep: Array | None,
        activation: str,
        stop: int,
    ) -> tuple[list[Array], Array, Array]:
        H = hs[0].shape[2]
        hidden = np.stack(hs)
        das, dlogits = _gradient(hidden, stop, 1), _gradient(z, stop)
        dz = np.zeros(z0.shape, z.dtype) if dlast is None else np.array(dlast, order="C")
        deepT, _ = _stacked([(A.T, c) for A, c in deep], H, z.dtype)
        given = (_or_none(dh, z.dtype, 3), dz, hidden, z, self._transposed(U), deepT, _whole(R))
        parts = self._streams(hs[0].shape, 2 * len(R) + len(deep) * H)
        after = (*_function(activation), stop)
        self._run(recurrence.jordan_backward, parts, *given, _or_none(keep, z.dtype), das, dlogits, after=after)
        return list(das), dlogits, dz

    # output layers

    def softmax_nll(
        self, h: Array, order: np.ndarray, words: np.ndarray, W: Array, b: Array, gradient: bool
    ) -> tuple[Array, Array, Array, Array]:
        n, (V, H) = len(order), W.shape
        nll, dh, rows = _scores(h, n, gradient)
        d = np.empty(n * V, h.dtype)
        given = (_whole(h), order, _whole(words, np.int64), W, b, nll, rows, dh, d)
        parts = self._parts(n, max(8, WORTH // (V * H)), 4, at_most=64)
        self._run(outputs.softmax_nll, parts, *given, after=(gradient,))
        return nll, dh, rows, d

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
    ) -> tuple[Array, Array, Array, Array, Array]:
        n, (C, H) = len(order), cW.shape
        nll, dh, rows = _scores(h, n, gradient)
        tokens, sizes = groups[:, 1] - groups[:, 0], groups[:, 3] - groups[:, 2]
        products = tokens * sizes * (sizes > 1)
        dc, d = np.empty((n, C), h.dtype), np.empty(int(products.sum()), h.dtype)
        ids = (order, _whole(words, np.int64), _whole(classes, np.int64), groups)
        given = (_whole(h), *ids, cW, cb, W, b, nll, rows, dh, dc, d)
        # Fetching a word's weights costs about as much as four products with them.
        cost = np.cumsum(H * (tokens * C + products + 4 * sizes))
        self._run(outputs.class_softmax_nll, self._by_cost(cost), *given, after=(gradient,))
        return nll, dh, rows, dc.reshape(-1), d

    def by_class(self, target: np.ndarray, of: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, C = len(target), len(start) - 1
        order, groups = np.empty(n, np.int64), np.empty((min(n, C), 5), np.int64)
        tokens, found = outputs.by_class(_whole(target, np.int64), of, start, order, groups, np.zeros(C, np.int64))
        return order[:tokens], groups[:found]

    def softmax_draw(self, h: Array, u: np.ndarray, W: Array, b: Array) -> tuple[np.ndarray, np.ndarray]:
        ids, logp = np.empty(len(h), np.int64), np.empty(len(h), h.dtype)
        parts = self._parts(len(h), max(4, WORTH // W.size), 4)
        self._run(outputs.softmax_draw, parts, _whole(h), np.ascontiguousarray(u), W, b, ids, logp)
        return ids, logp

    def class_softmax_draw(
        self, h: Array, u: np.ndarray, start: np.ndarray, cW: Array, cb: Array, W: Array, b: Array
    ) -> tuple[np.ndarray, np.ndarray]:
        ids, logp = np.empty(len(h), np.int64), np.empty(len(h), h.dtype)
        given = (_whole(h), np.ascontiguousarray(u), start, cW, cb, W, b, ids, logp)
        self._run(outputs.class_softmax_draw, self._parts(len(h), max(4, WORTH // (4 * cW.size)), 4), *given)
        return ids, logp

    # gradients and updates

    def outer_add(self, grad: Array, outer: Outer) -> None:
        given = (outer.d, outer.rows, outer.groups, _ends(outer), grad.dtype.type(outer.scale), grad.reshape(-1))
        self._run(updates.outer_into, self._outer_parts(outer), *given)

    def outer_square_sum(self, outer: Outer) -> float:
        squares = np.empty(len(outer.groups))
        tokens, sizes = outer.groups[:, 1] - outer.groups[:, 0], outer.groups[:, 3] - outer.groups[:, 2]
        parts = self._by_cost(np.cumsum(tokens * sizes * outer.rows.shape[1]))
        self._run(updates.outer_squares, parts, outer.d, outer.rows, outer.groups, squares)
        return outer.scale**2 * float(squares.sum())

    def span_square_sum(self, array: Array, spans: np.ndarray) -> float:
        return updates.squares_of(array.reshape(-1), spans, array[:1].size)

    def outer_bias(self, grad: Array, outer: Outer) -> None:
        outputs.column_totals(outer.d, outer.groups, grad.dtype.type(outer.scale), grad)

    def update(
        self, rule: str, value: Array, gradient: Gradient, slots: list[Array], rate: float, l2: float, numbers: Any
    ) -> None:
        if value.ndim == 1 and rule == "row-adagrad":
            rule = "adagrad"  # a row of one number
        w, unit = value.reshape(-1), value[0].size
        memory = [slot.reshape(-1) for slot in slots] + [w[:0]] * (3 - len(slots))
        p = np.array([rate, l2, *numbers], value.dtype)
        number = updates.NUMBER[rule]
        if isinstance(gradient, Outer):
            parts, scale = self._outer_parts(gradient), value.dtype.type(gradient.scale)
            factors = (gradient.d, gradient.rows, gradient.groups, _ends(gradient), scale)
            self._run(updates.update_outer, parts, number, w, *factors, *memory, p)
        elif isinstance(gradient, Some):
            given = (_whole(gradient.rows).reshape(-1), gradient.ids, unit)
            parts = self._parts(len(gradient.ids), 1 + MOVED // unit)
            self._run(updates.update_some, parts, number, w, *given, *memory, p)
        else:
            self._update_whole(number, w, gradient, len(value), unit, memory, p)

    def _update_whole(
        self, rule: int, w: Array, gradient: Whole, rows: int, unit: int, memory: list[Array], p: Array
    ) -> None:
        spans = gradient.spans
        if spans is None:
            parts = [np.array([part]) for part in self._parts(rows, 1 + MOVED // unit)]
        else:
            parts = [np.ascontiguousarray(spans[a:b], np.int64) for a, b in self._parts(len(spans), 64)]
        g = gradient.array.reshape(-1)
        self._pool.run(updates.update_spans, [(rule, w, g, part, unit, *memory, p) for part in parts])


def _whole(array: Array, dtype: Any = None) -> Array:
    """The array in one piece."""
    return np.ascontiguousarray(array, dtype)


def _or_none(array: Array | None, dtype: Any, ndim: int = 2) -> Array:
    """Kernels know no None: an empty array stands for it."""
    return np.empty((0,) * ndim, dtype) if array is None else _whole(array, dtype)


def _function(activation: str) -> tuple[int, float]:
    return elementwise.NUMBER[activation], CLIP


def _gradient(like: Array, stop: int, time: int = 0) -> Array:
    """Room for a gradient of every step, zero before the step `stop` of the axis `time`."""
    room = np.empty_like(like)
    room[(slice(None),) * time + (slice(stop),)] = 0
    return room


def _stacked(deep: list[tuple[Array, Array]], H: int, dtype: Any) -> tuple[Array, Array]:
    if not deep:
        return np.empty((0, H, H), dtype), np.empty((0, H), dtype)
    return _whole(np.stack([A for A, _ in deep])), np.stack([c for _, c in deep])


def _scores(h: Array, n: int, gradient: bool) -> tuple[Array, Array, Array]:
    """nll (N,), dh (N, H) and the n scored rows of h; only the unscored rows of dh are seen as they are here."""
    dh = (np.zeros if n < len(h) else np.empty)(h.shape if gradient else (0, h.shape[1]), h.dtype)
    return np.zeros(len(h), h.dtype), dh, np.empty((n, h.shape[1]), h.dtype)


def _ends(outer: Outer) -> np.ndarray:
    """How many rows of the parameter the groups up to each have."""
    return np.cumsum(outer.groups[:, 3] - outer.groups[:, 2])


@lru_cache(4096)
def _divided(threads: int, count: int, least: int, group: int, at_most: int | None) -> Parts:
    groups = -(-count // group)
    parts = min(threads, groups, max(1, count // least))
    if at_most is not None:
        parts = max(parts, -(-count // at_most))
    bounds = [min(count, group * (groups * i // max(parts, 1))) for i in range(parts + 1)]
    return [(a, b) for a, b in pairwise(bounds) if b > a]
