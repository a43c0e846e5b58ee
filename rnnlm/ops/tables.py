"""Tables of rows: looking rows up by id, and adding gradients into them."""

from __future__ import annotations

import numpy as np  # ids are host arrays: they come from the corpus

from .arrays import Array, ArrayOps


class TableOps(ArrayOps):
    """Rows of a table (V, E), chosen by word id; id -1 stands for no word and gives a row of zeros."""

    def take_rows(self, table: Array, ids: Array) -> Array:
        """table[ids], with zeros where an id is -1: (…,) -> (…, E)."""
        rows = table[ids]
        missing = ids < 0
        return self.xp.where(missing[..., None], 0, rows).astype(table.dtype, copy=False)

    def add_rows(self, table: Array, ids: np.ndarray, rows: Array) -> None:
        """table[id] += row for every (id, row), repeated ids adding up; id -1 adds nothing. ids (N,), rows (N, E).

        Equal ids are brought together by a stable sort and summed in their order in the text: a fixed order of sums,
        and much faster than a scatter of single rows. The ids are on the host.
        """
        order = np.argsort(ids, kind="stable")
        order = order[np.searchsorted(ids[order], 0) :]
        if not len(order):
            return
        distinct, first = np.unique(ids[order], return_index=True)
        sums = self.xp.add.reduceat(rows[self.asarray(order)], self.asarray(first), axis=0)
        table[self.asarray(distinct)] += sums
