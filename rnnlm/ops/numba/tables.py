"""Tables of rows: looking up, and summing the gradients of equal ids."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..gradients import RowSparse
from .jit import kernel
from .threaded import MIN_NUMBERS_PER_THREAD, ThreadedBackend, contiguous

DIGIT = 10  # bits of an id by which it is sorted at a time: two rounds for a million words


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


@kernel
def by_id(ids, order, bounds, distinct):
    """A stable sort of the places of the valid ids, digit by digit; returns how many there are, and distinct ids."""
    n, most = 0, 0
    keys, spare = np.empty(ids.size, np.int64), np.empty(ids.size, np.int64)  # an id, and 32 bits for its place
    for place in range(ids.size):
        if ids[place] >= 0:
            keys[n] = ids[place] << 32 | place
            n += 1
            most = max(most, ids[place])
    starts = np.empty(1 << DIGIT, np.int64)
    shift = 0
    while most >> shift:
        starts[:] = 0
        for key in keys[:n]:
            starts[key >> 32 + shift & (1 << DIGIT) - 1] += 1
        total = 0
        for digit in range(starts.size):
            count = starts[digit]
            starts[digit] = total
            total += count
        for key in keys[:n]:
            digit = key >> 32 + shift & (1 << DIGIT) - 1
            spare[starts[digit]] = key
            starts[digit] += 1
        keys, spare = spare, keys
        shift += DIGIT
    different, last = 0, -1
    for k in range(n):
        one = keys[k] >> 32
        order[k] = keys[k] & 0xFFFFFFFF
        if one != last:
            distinct[different], bounds[different] = one, k
            different += 1
            last = one
    bounds[different] = n
    return n, different


class Tables(ThreadedBackend):
    """Looking up, and summing the gradients of equal ids."""

    def take_rows(self, table: Array, ids: np.ndarray) -> Array:
        """`Reference.take_rows` in one pass."""
        flat = contiguous(ids, np.int64).reshape(-1)
        out = np.empty((len(flat), table.shape[1]), table.dtype)
        parts = self._parts(len(flat), 1 + MIN_NUMBERS_PER_THREAD // table.shape[1])
        self._run(take_rows, parts, contiguous(table), flat, out)
        return out.reshape(*ids.shape, table.shape[1])

    def sum_rows(self, ids: np.ndarray, rows: Array) -> RowSparse:
        """`Reference.sum_rows`; the rows are not sorted, only their places."""
        order, distinct, bounds = self.by_id(ids)
        flat = contiguous(rows).reshape(len(rows), rows[:1].size or 1)
        out = np.empty((len(distinct), flat.shape[1]), rows.dtype)
        parts = self._parts(len(distinct), 1 + MIN_NUMBERS_PER_THREAD // flat.shape[1])
        self._run(sum_rows, parts, flat, order, bounds, out)
        return RowSparse(distinct, out.reshape(-1, *rows.shape[1:]))

    def by_id(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`Reference.by_id` by counting digits."""
        order, bounds, distinct = (np.empty(len(ids) + 1, np.int64) for _ in range(3))
        valid, different = by_id(contiguous(ids, np.int64), order, bounds, distinct)
        return order[:valid], distinct[:different], bounds[: different + 1]
