"""Tables of rows: looking up, and summing the gradients of equal ids."""

from __future__ import annotations

from .jit import kernel


@kernel
def take_rows(table, ids, out, first, last):
    """out[i] = table[ids[i]], zeros for an id of -1."""
    for i in range(first, last):
        row = ids[i]
        for j in range(table.shape[1]):
            out[i, j] = table[row, j] if row >= 0 else 0


@kernel
def sum_rows(rows, order, bounds, out, first, last):
    """out[i] = Σ rows[order[k]] for bounds[i] ≤ k < bounds[i + 1], in the order of the text."""
    for i in range(first, last):
        for j in range(rows.shape[1]):
            out[i, j] = rows[order[bounds[i]], j]
        for k in range(bounds[i] + 1, bounds[i + 1]):
            for j in range(rows.shape[1]):
                out[i, j] += rows[order[k], j]
