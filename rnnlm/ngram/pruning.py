"""Smaller tables: n-grams that hardly change the model are left out."""

from __future__ import annotations

import numpy as np

from .table import Table


def keep(table: Table, kept: np.ndarray) -> Table:
    """The table of the n-grams that are marked in kept (nodes,), which must hold the beginning of each one marked."""
    before = np.concatenate([[0], np.cumsum(kept)])  # (nodes + 1,) how many stay before each node
    contexts = kept[: table.levels[-2]]
    first = np.append(before[table.first[:-1][contexts]], before[-1])
    return Table(
        order=table.order,
        levels=tuple(int(before[level]) for level in table.levels),
        words=table.words[kept],
        first=first.astype(table.first.dtype),
        logp=table.logp[kept],
        backoff=table.backoff[contexts],
    )
