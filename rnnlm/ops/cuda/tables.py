"""Tables of rows."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Array
from .kernels import NUMBER, Kernels, blocks_for


class Tables(Kernels):
    """Looking rows up, and summing the gradients of equal ids."""

    def take_rows(self, table: Array, ids: np.ndarray) -> Array:
        width = math.prod(table.shape[1:])
        out = self.xp.empty((*ids.shape, *table.shape[1:]), table.dtype)
        places = self.asarray(ids, np.int32)
        grid = min(blocks_for(out.size, 256), 32 * self.multiprocessors)
        self.launch("take_rows", grid, 256, self.whole(table), places, out, ids.size, width, REAL=NUMBER[table.dtype.name])
        return out
