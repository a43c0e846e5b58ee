"""Tables of rows: looking rows up by id, and adding gradients into them."""

from __future__ import annotations

from .arrays import Array, ArrayOps


class TableOps(ArrayOps):
    """Rows of a table (V, E), chosen by word id; id -1 stands for no word and gives a row of zeros."""

    def take_rows(self, table: Array, ids: Array) -> Array:
        """table[ids], with zeros where an id is -1: (…,) -> (…, E)."""
        rows = table[ids]
        missing = ids < 0
        return self.xp.where(missing[..., None], 0, rows).astype(table.dtype, copy=False)

    def add_rows(self, table: Array, ids: Array, rows: Array) -> None:
        """table[id] += row for every (id, row), repeated ids adding up; id -1 adds nothing. ids (N,), rows (N, E).

        The sum over equal ids is one product with a 0/1 matrix (U, N): a fixed order of sums, and much faster
        than a scatter of single rows.
        """
        xp = self.xp
        distinct, position = xp.unique(ids, return_inverse=True)
        chosen = (position.reshape(1, -1) == xp.arange(len(distinct)).reshape(-1, 1)).astype(rows.dtype)
        sums = chosen @ rows
        first = 1 if len(distinct) and distinct[0] < 0 else 0
        table[distinct[first:]] += sums[first:]
