"""Gradients that are still two factors (`OuterProduct`): multiplied out a tile at a time, and used at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array
from ..gradients import OuterProduct
from .groups import ROOM, SQUARE, ceil_divide, inclusive_cumsum, mantissa, packed_plan
from .kernels import C_TYPE, Kernels

GRAM = 8  # tokens of a group up to which the squares of its product are taken from its factors' own products
STRIP = 2048  # words that a block goes through for that


class Plan(NamedTuple):
    """Groups on the device, and how many blocks the kernels over them have."""

    groups: np.ndarray  # which groups these are
    data: Array
    tiles: int
    biases: int
    squares: int

    @property
    def arguments(self) -> tuple[Array, int]:
        """The arguments by which a kernel finds the groups."""
        return self.data, len(self.groups)


class OuterProducts(Kernels):
    """Multiplying out, lengths and column sums, each in one launch over all groups."""

    _last: Plan | None = None  # one gradient is met several times in a row; a tuple, so that threads cannot mix two

    def outer_product_plan(self, outer: OuterProduct) -> Plan:
        """The plan for the groups of a gradient; it is sent to the device once for several operations in a row."""
        groups, H = outer.groups, outer.rows.shape[1]
        plan = self._last
        if plan is None or plan.groups is not groups:
            tokens, words = groups[:, 1] - groups[:, 0], groups[:, 3] - groups[:, 2]
            tiles = ceil_divide(words, SQUARE)
            squares = np.where(tokens <= GRAM, ceil_divide(words, STRIP), tiles * ceil_divide(H, SQUARE))
            amounts = inclusive_cumsum(tiles, ceil_divide(words, 32), squares)
            ends = amounts[:, -1].tolist() if len(groups) else (0, 0, 0)
            self._last = plan = Plan(groups, self.asarray(packed_plan(groups, amounts)), *ends)
        return plan

    def outer_product_add(self, grad: Array, outer: OuterProduct) -> None:
        """`Reference.outer_product_add` in one launch."""
        plan, (d, h, H), scale = self.outer_product_plan(outer), factors(outer), grad.dtype.type(outer.scale)
        grid = plan.tiles, ceil_divide(H, SQUARE)
        self.launch("outer_product_add", grid, 256, *plan.arguments, d, h, H, scale, grad, **tiled(outer))

    def outer_product_bias(self, grad: Array, outer: OuterProduct) -> None:
        """`Reference.outer_product_bias` in one launch."""
        plan, scale, dtype = self.outer_product_plan(outer), grad.dtype.type(outer.scale), grad.dtype
        arguments = (*plan.arguments, outer.d, scale, grad)
        shared = 256 * dtype.itemsize
        self.launch("outer_product_bias", plan.biases, 256, *arguments, shared=shared, REAL=C_TYPE[dtype])

    def outer_product_square_sum(self, outer: OuterProduct) -> Array:
        """`Reference.outer_product_square_sum`, summed in float64."""
        parts = self.xp.empty(self.outer_product_square_parts(outer), np.float64)
        self.outer_product_squares_into(outer, parts, 0)
        return parts.sum().astype(outer.d.dtype)

    def outer_product_square_parts(self, outer: OuterProduct) -> int:
        """How many numbers `outer_product_squares_into` writes."""
        return self.outer_product_plan(outer).squares

    def outer_product_squares_into(self, outer: OuterProduct, parts: Array, first: int) -> None:
        """Write sums of squares of the product, float64, to parts[first:]; together they are all of them."""
        plan, (d, h, H), scale = self.outer_product_plan(outer), factors(outer), outer.d.dtype.type(outer.scale)
        arguments = (*plan.arguments, d, h, H, scale, parts[first:])
        self.launch("outer_product_squares", plan.squares, 256, *arguments, GRAM=GRAM, STRIP=STRIP, **tiled(outer))


def factors(outer: OuterProduct) -> tuple[Array, Array, int]:
    """d, the rows, and how long these are."""
    return outer.d, outer.rows, outer.rows.shape[1]


def tiled(outer: OuterProduct, more: int = 0) -> dict[str, Any]:
    """Shared memory and constants of the kernels that multiply out, with room for `more` numbers."""
    dtype = outer.d.dtype
    return {"shared": (ROOM + more) * dtype.itemsize, "MANTISSA": mantissa(outer.d), "REAL": C_TYPE[dtype]}
