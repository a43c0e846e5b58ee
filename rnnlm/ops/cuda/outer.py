"""Gradients that are still two factors (`Outer`): multiplied out a tile at a time, and used at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array
from ..gradients import Outer
from .groups import ROOM, SQUARE, mantissa, parts, plan, up_to
from .kernels import NUMBER, Kernels

GRAM = 8  # tokens of a group up to which the squares of its product are taken from its factors' own products
STRIP = 2048  # words that a block goes through for that
ROWWISE = ("row-adagrad", "adam")  # rules with a memory for each row, the last of their slots
RULE = {"sgd": 0, "momentum": 1, "nesterov": 2, "adagrad": 3, "row-adagrad": 4, "rmsprop": 5, "adam": 6}


class Plan(NamedTuple):
    """Groups on the device, and how many blocks the kernels over them have."""

    groups: np.ndarray  # which groups these are
    data: Array
    tiles: int
    biases: int
    squares: int

    @property
    def arguments(self) -> tuple[Array, int]:
        return self.data, len(self.groups)


class Outers(Kernels):
    """Multiplying out, lengths, column sums and updates, each in one launch over all groups."""

    _last: Plan | None = None  # one gradient is met several times in a row; a tuple, so that threads cannot mix two

    def _plan(self, outer: Outer) -> Plan:
        groups, H = outer.groups, outer.rows.shape[1]
        made = self._last
        if made is None or made.groups is not groups:
            tokens, words = groups[:, 1] - groups[:, 0], groups[:, 3] - groups[:, 2]
            tiles = parts(words, SQUARE)
            squares = np.where(tokens <= GRAM, parts(words, STRIP), tiles * parts(H, SQUARE))
            amounts = up_to(tiles, parts(words, 32), squares)
            ends = amounts[:, -1].tolist() if len(groups) else (0, 0, 0)
            self._last = made = Plan(groups, self.asarray(plan(groups, amounts)), *ends)
        return made

    def outer_add(self, grad: Array, outer: Outer) -> None:
        made, (d, h, H), scale = self._plan(outer), _factors(outer), grad.dtype.type(outer.scale)
        grid = made.tiles, parts(H, SQUARE)
        self.launch("outer_add", grid, 256, *made.arguments, d, h, H, scale, grad, **_tiled(outer))

    def outer_bias(self, grad: Array, outer: Outer) -> None:
        made, scale, dtype = self._plan(outer), grad.dtype.type(outer.scale), grad.dtype
        given = (*made.arguments, outer.d, scale, grad)
        self.launch("outer_bias", made.biases, 256, *given, shared=256 * dtype.itemsize, REAL=NUMBER[dtype])

    def outer_square_sum(self, outer: Outer) -> Array:
        found = self.xp.empty(self.outer_square_parts(outer), np.float64)
        self.outer_squares_into(outer, found, 0)
        return found.sum().astype(outer.d.dtype)

    def outer_square_parts(self, outer: Outer) -> int:
        """How many numbers `outer_squares_into` writes."""
        return self._plan(outer).squares

    def outer_squares_into(self, outer: Outer, found: Array, place: int) -> None:
        """Sums of the squares of the product, float64, into found[place:]: together they are all of them."""
        made, (d, h, H), scale = self._plan(outer), _factors(outer), outer.d.dtype.type(outer.scale)
        given = (*made.arguments, d, h, H, scale, found[place:])
        self.launch("outer_squares", made.squares, 256, *given, GRAM=GRAM, STRIP=STRIP, **_tiled(outer))

    def outer_update(
        self,
        rule: str,
        value: Array,
        outer: Outer,
        slots: list[Array],
        rate: float,
        l2: float,
        decay: float,
        numbers: tuple[float, float, float],
    ) -> None:
        """`update` of value (V, H) and its memories by a product that is never written to memory."""
        made, (d, h, H), real = self._plan(outer), _factors(outer), value.dtype.type
        by_row = rule in ROWWISE
        memory: list[Any] = [*slots[: len(slots) - by_row], None, None][:2]
        constants = map(real, (rate, l2, rate * decay, *numbers))
        given = (*made.arguments, d, h, H, real(outer.scale), value, *memory, slots[-1] if by_row else None, *constants)
        grid = made.tiles, 1 if by_row else parts(H, SQUARE)
        tiled = _tiled(outer, 3 * SQUARE)  # what the weights of a row share
        self.launch("outer_update", grid, 256, *given, RULE=RULE[rule], **tiled)


def _factors(outer: Outer) -> tuple[Array, Array, int]:
    return outer.d, outer.rows, outer.rows.shape[1]


def _tiled(outer: Outer, more: int = 0) -> dict[str, Any]:
    """Shared memory and constants of the kernels that multiply out, with room for `more` numbers."""
    dtype = outer.d.dtype
    return {"shared": (ROOM + more) * dtype.itemsize, "MANTISSA": mantissa(outer.d), "REAL": NUMBER[dtype]}
