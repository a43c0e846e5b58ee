"""Gradients in pieces, and the optimizers' updates."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..arrays import Array
from ..compiled import outputs, updates
from ..gradients import Gradient, Outer, Some, Whole
from .parts import MOVED, Parted, Parts, whole


class Updates(Parted):
    """What is done with gradients once they are there."""

    rules: ClassVar[frozenset[str]] = frozenset(updates.NUMBER)

    def _outer_parts(self, outer: Outer) -> Parts:
        return self._parts(int(_ends(outer)[-1]), 1 + MOVED // outer.rows.shape[1], updates.ROWS)

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
        self,
        rule: str,
        value: Array,
        gradient: Gradient,
        slots: list[Array],
        rate: float,
        l2: float,
        decay: float,
        numbers: tuple[float, float, float],
    ) -> None:
        if value.ndim == 1 and rule == "row-adagrad":
            rule = "adagrad"  # a row of one number
        w, unit = value.reshape(-1), value[0].size
        memory = [slot.reshape(-1) for slot in slots] + [w[:0]] * (3 - len(slots))
        p = np.array([rate, l2, rate * decay, *numbers], value.dtype)
        number = updates.NUMBER[rule]
        if isinstance(gradient, Outer):
            parts, scale = self._outer_parts(gradient), value.dtype.type(gradient.scale)
            factors = (gradient.d, gradient.rows, gradient.groups, _ends(gradient), scale)
            self._run(updates.update_outer, parts, number, w, *factors, *memory, p)
        elif isinstance(gradient, Some):
            given = (whole(gradient.rows).reshape(-1), gradient.ids, unit)
            parts = self._parts(len(gradient.ids), 1 + MOVED // unit)
            self._run(updates.update_some, parts, number, w, *given, *memory, p)
        else:
            self._updatewhole(number, w, gradient, len(value), unit, memory, p)
        if not value.flags.c_contiguous:  # a transposed starting value, say: w is a copy
            value[...] = w.reshape(value.shape)

    def _updatewhole(
        self, rule: int, w: Array, gradient: Whole, rows: int, unit: int, memory: list[Array], p: Array
    ) -> None:
        spans = gradient.spans
        if spans is None:
            parts = [np.array([part]) for part in self._parts(rows, 1 + MOVED // unit)]
        else:
            parts = [np.ascontiguousarray(spans[a:b], np.int64) for a, b in self._parts(len(spans), 64)]
        g = gradient.array.reshape(-1)
        self._pool.run(updates.update_spans, [(rule, w, g, part, unit, *memory, p) for part in parts])


def _ends(outer: Outer) -> np.ndarray:
    """How many rows of the parameter the groups up to each have."""
    return np.cumsum(outer.groups[:, 3] - outer.groups[:, 2])
