"""Tables of rows: looking rows up by id, and the gradient of having done so."""

from __future__ import annotations

import numpy as np  # ids are host arrays: they come from the corpus

from ..arrays import Array, ArrayOps
from ..gradients import RowSparse


class TableOps(ArrayOps):
    """Rows of a table (V, E), chosen by word id; id -1 stands for no word and gives a row of zeros."""

    def take_rows(self, table: Array, ids: np.ndarray) -> Array:
        """table[ids], with zeros where an id is -1: (…,) -> (…, E)."""
        places = self.asarray(ids)
        return self.xp.where((places < 0)[..., None], 0, table[places]).astype(table.dtype, copy=False)

    def sum_rows(self, ids: np.ndarray, rows: Array) -> RowSparse:
        """Rows of equal ids added up; id -1 is left out. ids (N,) on the host, rows (N, …).

        Equal ids are brought together by a stable sort and summed in their order in the text: a fixed order of sums,
        and much faster than a scatter of single rows.
        """
        order, distinct, bounds = self.by_id(ids)
        if not len(order):
            return RowSparse(distinct, rows[:0])
        return RowSparse(distinct, self.xp.add.reduceat(rows[self.asarray(order)], self.asarray(bounds[:-1]), axis=0))

    def by_id(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The places of the valid ids (N,) in rising order of id, stably; the k distinct ids; where each begins there.

        The last of the k + 1 `bounds` is the end. All three are on the host.
        """
        order = np.argsort(ids, kind="stable")
        ranked = ids[order]
        skip = np.searchsorted(ranked, 0)
        order, ranked = order[skip:], ranked[skip:]
        first = beginnings(ranked)
        return order, ranked[first].astype(np.int64), np.append(first, len(order))


def beginnings(ranked: np.ndarray) -> np.ndarray:
    """Where in a rising array each value stands first."""
    new = np.ones(len(ranked), dtype=bool)
    np.not_equal(ranked[1:], ranked[:-1], out=new[1:])
    return np.flatnonzero(new)
