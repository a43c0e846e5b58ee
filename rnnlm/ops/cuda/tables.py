"""Tables of rows."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

import numpy as np

from ..arrays import Array
from ..gradients import RowSparse
from .kernels import C_TYPE, Kernels, blocks_for


class Tables(Kernels):
    """Looking rows up, and summing the gradients of equal ids."""

    def take_rows(self, table: Array, ids: np.ndarray) -> Array:
        """`Reference.take_rows` in one launch."""
        return self.rows_at(table, self.asarray(ids, np.int32))

    def rows_at(self, table: Array, ids: Array) -> Array:
        """`take_rows` for ids that are on the device, int32."""
        table, width = self.contiguous(table), math.prod(table.shape[1:])
        out = self.xp.empty((*ids.shape, *table.shape[1:]), table.dtype)
        constants: dict[str, Any] = {"WIDE": self.vector_width(width, table), "REAL": C_TYPE[table.dtype]}
        grid = min(blocks_for(ids.size, 8), 32 * self.multiprocessors)
        self.launch("tables_take_rows", grid, 256, table, ids, out, ids.size, width, **constants)
        return out

    def sum_rows(self, ids: np.ndarray, rows: Array) -> RowSparse:
        """`Reference.sum_rows` in one launch, a block an id."""
        order, distinct, bounds = self.by_id(ids)
        if not len(order):
            return RowSparse(distinct, rows[:0])
        rows, width = self.contiguous(rows), math.prod(rows.shape[1:])
        out = self.xp.empty((len(distinct), *rows.shape[1:]), rows.dtype)
        places, begins = self.upload(order, bounds)
        wide = self.vector_width(width, rows)
        lanes = min(width // wide, 256)
        teams = min(256 // lanes, 16)
        constants: dict[str, Any] = {"WIDE": wide, "REAL": C_TYPE[rows.dtype]}
        shared = lanes * teams * wide * rows.itemsize
        arguments = (rows, places, begins, out, width, lanes, teams)
        self.launch("tables_sum_rows", len(distinct), 256, *arguments, shared=shared, **constants)
        return RowSparse(distinct, out)

    def by_id(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`Reference.by_id` by the host's backend, since everything is on the host."""
        return self.host().by_id(ids)

    def upload(self, *arrays: np.ndarray) -> list[Array]:
        """Arrays of whole numbers (n,) of the host as int32 on the device, in one transfer."""
        together = self.asarray(np.concatenate(arrays, dtype=np.int32, casting="unsafe"))
        ends = accumulate(map(len, arrays))
        return [together[end - len(array) : end] for array, end in zip(arrays, ends, strict=True)]
