"""The optimizers' update rules, a row at a time, on gradients in three forms: whole, some rows, still two factors."""

from __future__ import annotations

import math

import numpy as np

from .elementwise import inner, square_total
from .jit import exact, kernel
from .outputs import outer_rows

NUMBER = {"sgd": 0, "momentum": 1, "nesterov": 2, "adagrad": 3, "row-adagrad": 4, "rmsprop": 5, "adam": 6}
SGD, MOMENTUM, NESTEROV, ADAGRAD, ROW_ADAGRAD, RMSPROP, ADAM = range(7)
ROWS = 16  # rows of a gradient that is multiplied out, updated with and forgotten, all in the first-level cache


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
def update_spans(rule, w, g, spans, unit, s, s2, s3, p):
    """A whole gradient g of the weights' own shape, on the rows of the spans (start, end); a row has `unit` numbers."""
    for k in range(spans.shape[0]):
        start, end = spans[k, 0], spans[k, 1]
        update_rows(rule, w, start, g[start * unit : end * unit], unit, end - start, s, s2, s3, p)


@kernel
def update_some(rule, w, g, ids, unit, s, s2, s3, p, first, last):
    """Row ids[i] of the weights by row i of g, for first ≤ i < last."""
    for i in range(first, last):
        update_rows(rule, w, ids[i], g[i * unit : (i + 1) * unit], unit, 1, s, s2, s3, p)


@kernel
def next_block(groups, ends, group, row, last):
    """The group that holds a row, its first word, the row's place in it, and how many rows to take from there."""
    while ends[group] <= row:
        group += 1
    word, beyond = groups[group, 2], groups[group, 3]
    r = row - (ends[group] - (beyond - word))
    return group, word, r, min(ROWS, beyond - word - r, last - row)


@kernel
def update_outer(rule, w, d, h, groups, ends, scale, s, s2, s3, p, first, last):
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


@kernel
def outer_into(d, h, groups, ends, scale, out, first, last):
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
def outer_squares(d, h, groups, squares, first, last):
    """squares[g] = the sum of the squares of d_g' h_g for the groups first…last.

    Σ_wj (Σ_n d_nw h_nj)² is also Σ_nm (d_n · d_m)(h_n · h_m), which is much less work where a class has few tokens.
    """
    H = h.shape[1]
    for g in range(first, last):
        begin, end, word, beyond, place = groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3], groups[g, 4]
        n, tokens, found = beyond - word, end - begin, 0.0
        if tokens * (n + H) < n * H:
            for a in range(tokens):
                of_a = d[place + a * n : place + (a + 1) * n]
                for b in range(a + 1):
                    both = float(inner(of_a, d[place + b * n : place + (b + 1) * n])) * float(
                        inner(h[begin + a], h[begin + b])
                    )
                    found += both if a == b else 2 * both
        else:
            product_rows = np.empty(ROWS * H, h.dtype)
            for r in range(0, n, ROWS):
                count = min(ROWS, n - r)
                outer_rows(d, h, groups, g, r, count, product_rows)
                found += float(square_total(product_rows[: count * H]))
        squares[g] = found


@kernel
def squares_of(g, spans, unit):
    """Σ g² over the rows of the spans, of a flat array with `unit` numbers a row."""
    squares = 0.0
    for k in range(spans.shape[0]):
        squares += float(square_total(g[spans[k, 0] * unit : spans[k, 1] * unit]))
    return squares
