"""The optimizers' update rules, a row at a time, on gradients in three forms: dense, row-sparse, still two factors."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from ..arrays import Array
from ..gradients import Dense, Gradient, OuterProduct, RowSparse
from ..reference.updates import UpdateRule
from .jit import exact, kernel
from .outer_product import ROWS, OuterProducts, next_block, outer_rows, row_ends
from .reductions import square_total
from .threaded import MIN_NUMBERS_PER_THREAD, contiguous

NUMBER = {"sgd": 0, "momentum": 1, "nesterov": 2, "adagrad": 3, "row-adagrad": 4, "rmsprop": 5, "adam": 6}
SGD, MOMENTUM, NESTEROV, ADAGRAD, ROW_ADAGRAD, RMSPROP, ADAM = range(7)


@exact
def follow(mean, g, beta):
    """The running mean of gradients."""
    rest = mean.dtype.type(1) - beta
    for i in range(mean.size):
        mean[i] = beta * mean[i] + rest * g[i]


@exact
def follow_squares(mean, g, beta):
    """The running mean of squared gradients."""
    rest = mean.dtype.type(1) - beta
    for i in range(mean.size):
        mean[i] = beta * mean[i] + rest * g[i] * g[i]


@kernel
def update_row(rule, w, g, s, s2, s3, p):
    """The weights w by their gradient g, which is changed; the rules stand in `training`.

    s, s2, s3 are the optimizer's memories, of the size of w, or of one number where a rule keeps one for the row.
    p = (rate, L2, rate · decay, ε, first, second): the last two are μ, ρ or β₁ and β₂.
    """
    rate, l2, decay, eps, one, n = p[0], p[1], p[2], p[3], w.dtype.type(1), w.size
    if l2 != 0:
        for i in range(n):
            g[i] += l2 * w[i]
    if decay != 0:
        for i in range(n):
            w[i] -= decay * w[i]
    if rule == SGD:
        for i in range(n):
            w[i] -= rate * g[i]
    elif rule == MOMENTUM:
        for i in range(n):
            s[i] = p[4] * s[i] + g[i]
            w[i] -= rate * s[i]
    elif rule == NESTEROV:
        for i in range(n):
            s[i] = p[4] * s[i] + g[i]
            w[i] -= rate * (g[i] + p[4] * s[i])
    elif rule == ADAGRAD:
        for i in range(n):
            s[i] += g[i] * g[i]
            w[i] -= rate * g[i] / (math.sqrt(s[i]) + eps)
    elif rule == ROW_ADAGRAD:
        s[0] += square_total(g) / w.dtype.type(n)
        step = rate / (math.sqrt(s[0]) + eps)
        for i in range(n):
            w[i] -= step * g[i]
    elif rule == RMSPROP:
        follow_squares(s, g, p[4])
        for i in range(n):
            w[i] -= rate * g[i] / (math.sqrt(s[i]) + eps)
    else:  # Adam, whose count of updates is the row's own
        s3[0] += one
        beta1, beta2 = p[4], p[5]
        unbias1 = one - w.dtype.type(math.pow(beta1, s3[0]))
        unbias2 = one - w.dtype.type(math.pow(beta2, s3[0]))
        follow(s, g, beta1)
        follow_squares(s2, g, beta2)
        for i in range(n):
            w[i] -= rate * (s[i] / unbias1) / (math.sqrt(s2[i] / unbias2) + eps)


@kernel
def update_rows(rule, w, first, g, unit, count, s, s2, s3, p):
    """`count` rows of the table w (flat, `unit` numbers a row) from row `first` on, by as many rows of g."""
    if rule != ROW_ADAGRAD and rule != ADAM:  # rows mean nothing
        begin, end = first * unit, (first + count) * unit
        update_row(rule, w[begin:end], g[: count * unit], s[begin:end], s2, s3, p)
        return
    for i in range(count):
        row = first + i
        begin, end = row * unit, (row + 1) * unit
        mine, more = (s[row : row + 1], s2) if rule == ROW_ADAGRAD else (s[begin:end], s2[begin:end])
        update_row(rule, w[begin:end], g[i * unit : (i + 1) * unit], mine, more, s3[row : row + 1], p)


@kernel
def update_dense(rule, w, g, spans, unit, s, s2, s3, p):
    """A dense gradient g of the weights' own shape, on the rows of the spans (start, end); a row has `unit` numbers."""
    for k in range(spans.shape[0]):
        start, end = spans[k, 0], spans[k, 1]
        update_rows(rule, w, start, g[start * unit : end * unit], unit, end - start, s, s2, s3, p)


@kernel
def update_row_sparse(rule, w, g, ids, unit, s, s2, s3, p, first, last):
    """Row ids[i] of the weights by row i of g, for first ≤ i < last."""
    for i in range(first, last):
        update_rows(rule, w, ids[i], g[i * unit : (i + 1) * unit], unit, 1, s, s2, s3, p)


@kernel
def update_outer_product(rule, w, d, h, groups, ends, scale, s, s2, s3, p, first, last):
    """The gradient scale · d_g' h_g of each group's words, multiplied out and used up `ROWS` rows at a time.

    first…last count through the rows of all groups; ends[g] is their number up to group g.
    """
    H = h.shape[1]
    g = np.empty(ROWS * H, h.dtype)
    row, group = first, 0
    while row < last:
        group, word, r, count = next_block(groups, ends, group, row, last)
        outer_rows(d, h, groups, group, r, count, g)
        for i in range(count * H):
            g[i] *= scale
        update_rows(rule, w, word + r, g, H, count, s, s2, s3, p)
        row += count


class Updates(OuterProducts):
    """All rules, each in one pass over the rows that a gradient touches."""

    rules: ClassVar[frozenset[str]] = frozenset(NUMBER)

    def update(self, rule: UpdateRule, value: Array, gradient: Gradient, slots: list[Array]) -> None:
        """`Reference.update` for the rules that the optimizers have as array code."""
        name = rule.name
        if value.ndim == 1 and name == "row-adagrad":
            name = "adagrad"  # a row of one number
        w, unit = value.reshape(-1), value[0].size
        memory = [slot.reshape(-1) for slot in slots] + [w[:0]] * (3 - len(slots))
        p = np.array([rule.rate, rule.l2, rule.rate * rule.decay, *rule.constants], value.dtype)
        number = NUMBER[name]
        if isinstance(gradient, OuterProduct):
            parts, scale = self._outer_parts(gradient), value.dtype.type(gradient.scale)
            factors = (gradient.d, gradient.rows, gradient.groups, row_ends(gradient), scale)
            self._run(update_outer_product, parts, number, w, *factors, *memory, p)
        elif isinstance(gradient, RowSparse):
            rows = (contiguous(gradient.rows).reshape(-1), gradient.ids, unit)
            parts = self._parts(len(gradient.ids), 1 + MIN_NUMBERS_PER_THREAD // unit)
            self._run(update_row_sparse, parts, number, w, *rows, *memory, p)
        else:
            self._update_dense(number, w, gradient, len(value), unit, memory, p)
        if not value.flags.c_contiguous:  # a transposed starting value, say: w is a copy
            value[...] = w.reshape(value.shape)

    def _update_dense(
        self, rule: int, w: Array, gradient: Dense, rows: int, unit: int, memory: list[Array], p: Array
    ) -> None:
        spans = gradient.spans
        if spans is None:
            parts = [np.array([part]) for part in self._parts(rows, 1 + MIN_NUMBERS_PER_THREAD // unit)]
        else:
            parts = [np.ascontiguousarray(spans[a:b], np.int64) for a, b in self._parts(len(spans), 64)]
        g = gradient.array.reshape(-1)
        self._pool.run(update_dense, [(rule, w, g, part, unit, *memory, p) for part in parts])
