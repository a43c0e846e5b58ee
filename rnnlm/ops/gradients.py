"""A gradient in the three forms in which layers find it, so that no more of it is written than is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .arrays import Array


class Dense(NamedTuple):
    """An array of the parameter's own shape, zero outside the spans of rows (start, end); None: no limits."""

    array: Array
    spans: np.ndarray | None  # (k, 2), disjoint, rising


class RowSparse(NamedTuple):
    """Row ids[i] has the gradient rows[i]; all others have none. ids (k,) on the host, without repetition, rising."""

    ids: np.ndarray
    rows: Array


@dataclass(slots=True, eq=False)
class OuterProduct:
    """scale · d_g' rows_g on the rows of each group g: a product that has not been multiplied out.

    That is what the gradient of an output layer's weights is: d (tokens x words) times hidden vectors (tokens x H).
    The factors are ten times smaller than the product, and the optimizer can multiply out a few rows at a time, use
    and forget them, so that the gradient of a table of words is never written to memory.

    groups (G, 5) on the host: first token, last token, first row, last row, place of d_g in the flat array d; d_g is
    (last token - first token, last row - first row). rows (tokens, H). Groups share no row of the parameter. Clipping
    changes the scale, or d where the factor is on a GPU.
    """

    d: Array
    rows: Array
    groups: np.ndarray
    scale: float

    @property
    def spans(self) -> np.ndarray:
        """The rows of the parameter that have a gradient, as (start, end) pairs."""
        return self.groups[:, 2:4]


Gradient = Dense | RowSparse | OuterProduct
