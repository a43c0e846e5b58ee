"""Tables of rows."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

import numpy as np

from .. import backend
from ..arrays import Array
from ..gradients import Some
from .kernels import NUMBER, Kernels, blocks_for


class Tables(Kernels):
    """Looking rows up, and summing the gradients of equal ids."""

    def take_rows(self, table: Array, ids: np.ndarray) -> Array:
        return self.rows_at(table, self.asarray(ids, np.int32))

    def rows_at(self, table: Array, ids: Array) -> Array:
        """`take_rows` for ids that are on the device, int32."""
        table, width = self.whole(table), math.prod(table.shape[1:])
        out = self.xp.empty((*ids.shape, *table.shape[1:]), table.dtype)
        constants: dict[str, Any] = {"WIDE": self.at_once(width, table), "REAL": NUMBER[table.dtype]}
        grid = min(blocks_for(ids.size, 8), 32 * self.multiprocessors)
        self.launch("take_rows", grid, 256, table, ids, out, ids.size, width, **constants)
        return out

    def sum_rows(self, ids: np.ndarray, rows: Array) -> Some:
        order, distinct, bounds = self.by_id(ids)
        if not len(order):
            return Some(distinct, rows[:0])
        rows, width = self.whole(rows), math.prod(rows.shape[1:])
        out = self.xp.empty((len(distinct), *rows.shape[1:]), rows.dtype)
        places, begins = self.upload(order, bounds)
        wide = self.at_once(width, rows)
        lanes = min(width // wide, 256)
        teams = min(256 // lanes, 16)
        constants: dict[str, Any] = {"WIDE": wide, "REAL": NUMBER[rows.dtype]}
        shared = lanes * teams * wide * rows.itemsize
        given = (rows, places, begins, out, width, lanes, teams)
        self.launch("sum_rows", len(distinct), 256, *given, shared=shared, **constants)
        return Some(distinct, out)

    def by_id(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return backend().by_id(ids)  # everything is on the host

    def upload(self, *arrays: np.ndarray) -> list[Array]:
        """Arrays of whole numbers (n,) of the host as int32 on the device, in one transfer."""
        there = self.asarray(np.concatenate(arrays, dtype=np.int32, casting="unsafe"))
        ends = accumulate(map(len, arrays))
        return [there[end - len(array) : end] for array, end in zip(arrays, ends, strict=True)]

    @staticmethod
    def at_once(width: int, *arrays: Array) -> int:
        """How many neighbouring numbers a kernel may read at once, for rows so wide: 4 where all begin at 16 bytes."""
        return 4 if width % 4 == 0 and all(array.data.ptr % 16 == 0 for array in arrays) else 1
