"""Gradients that are still two factors (`OuterProduct`): multiplied out a few rows at a time, and used at once."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..gradients import OuterProduct
from .jit import kernel
from .product import product
from .reductions import inner, square_total
from .threaded import MIN_NUMBERS_PER_THREAD, Parts, ThreadedBackend

ROWS = 16  # rows of a gradient that is multiplied out, updated with and forgotten, all in the first-level cache


@kernel
def outer_rows(d, h, groups, g, r, count, out):
    """out (count, H) = rows r… of d_g' h_g: the gradient of `count` words of one class."""
    H = h.shape[1]
    first, last, word, beyond, place = groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3], groups[g, 4]
    n = beyond - word
    product(d, place + r, 1, n, h.reshape(-1), first * H, H, out, 0, H, count, H, last - first, 0)


@kernel
def outer_product_bias(d, groups, scale, out):
    """out[word] += scale · Σ over the tokens of its class of d: the gradient of the biases."""
    for g in range(groups.shape[0]):
        first, last, word, beyond, place = groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3], groups[g, 4]
        n = beyond - word
        mine = out[word : word + n]
        for i in range(last - first):
            of_token = d[place + i * n : place + (i + 1) * n]
            for j in range(n):
                mine[j] += scale * of_token[j]


@kernel
def next_block(groups, ends, group, row, last):
    """The group that holds a row, its first word, the row's place in it, and how many rows to take from there."""
    while ends[group] <= row:
        group += 1
    word, beyond = groups[group, 2], groups[group, 3]
    r = row - (ends[group] - (beyond - word))
    return group, word, r, min(ROWS, beyond - word - r, last - row)


@kernel
def outer_product_add(d, h, groups, ends, scale, out, first, last):
    """out (V, H) flat += scale · d_g' h_g, for the rows first…last counted through all groups."""
    H = h.shape[1]
    g = np.empty(ROWS * H, h.dtype)
    row, group = first, 0
    while row < last:
        group, word, r, count = next_block(groups, ends, group, row, last)
        outer_rows(d, h, groups, group, r, count, g)
        mine = out[(word + r) * H : (word + r + count) * H]
        for i in range(count * H):
            mine[i] += scale * g[i]
        row += count


@kernel
def outer_product_squares(d, h, groups, squares, first, last):
    """squares[g] = the sum of the squares of d_g' h_g for the groups first…last.

    Σ_wj (Σ_n d_nw h_nj)² is also Σ_nm (d_n · d_m)(h_n · h_m), which is much less work where a class has few tokens.
    """
    H = h.shape[1]
    for g in range(first, last):
        begin, end, word, beyond, place = groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3], groups[g, 4]
        n, tokens, total = beyond - word, end - begin, 0.0
        if tokens * (n + H) < n * H:
            for a in range(tokens):
                of_a = d[place + a * n : place + (a + 1) * n]
                for b in range(a + 1):
                    both = float(inner(of_a, d[place + b * n : place + (b + 1) * n])) * float(
                        inner(h[begin + a], h[begin + b])
                    )
                    total += both if a == b else 2 * both
        else:
            product_rows = np.empty(ROWS * H, h.dtype)
            for r in range(0, n, ROWS):
                count = min(ROWS, n - r)
                outer_rows(d, h, groups, g, r, count, product_rows)
                total += float(square_total(product_rows[: count * H]))
        squares[g] = total


class OuterProducts(ThreadedBackend):
    """Multiplying out, the length, and the gradient of the biases."""

    def _outer_parts(self, outer: OuterProduct) -> Parts:
        """The rows of all groups, counted one after the other, in parts for the threads."""
        return self._parts(int(row_ends(outer)[-1]), 1 + MIN_NUMBERS_PER_THREAD // outer.rows.shape[1], ROWS)

    def outer_product_add(self, grad: Array, outer: OuterProduct) -> None:
        """`Reference.outer_product_add`, without the product in memory."""
        factors = (outer.d, outer.rows, outer.groups, row_ends(outer), grad.dtype.type(outer.scale))
        self._run(outer_product_add, self._outer_parts(outer), *factors, grad.reshape(-1))

    def outer_product_square_sum(self, outer: OuterProduct) -> float:
        """`Reference.outer_product_square_sum`; of few tokens from the factors' own products."""
        squares = np.empty(len(outer.groups))
        tokens, sizes = outer.groups[:, 1] - outer.groups[:, 0], outer.groups[:, 3] - outer.groups[:, 2]
        parts = self._by_cost(np.cumsum(tokens * sizes * outer.rows.shape[1]))
        self._run(outer_product_squares, parts, outer.d, outer.rows, outer.groups, squares)
        return outer.scale**2 * float(squares.sum())

    def outer_product_bias(self, grad: Array, outer: OuterProduct) -> None:
        """`Reference.outer_product_bias` in one pass over d."""
        outer_product_bias(outer.d, outer.groups, grad.dtype.type(outer.scale), grad)


def row_ends(outer: OuterProduct) -> np.ndarray:
    """How many rows of the parameter the groups up to each have, (G,)."""
    return np.cumsum(outer.groups[:, 3] - outer.groups[:, 2])
