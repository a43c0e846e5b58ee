"""The length of a gradient that touches some rows."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from .jit import kernel
from .reductions import square_total
from .threaded import ThreadedBackend


@kernel
def span_square_sum(g, spans, unit):
    """Σ g² over the rows of the spans, of a flat array with `unit` numbers a row."""
    squares = 0.0
    for k in range(spans.shape[0]):
        squares += float(square_total(g[spans[k, 0] * unit : spans[k, 1] * unit]))
    return squares


class Clipping(ThreadedBackend):
    """The sums of squares of which the length of a gradient is made."""

    def span_square_sum(self, array: Array, spans: np.ndarray) -> float:
        """`Reference.span_square_sum` in one call for all spans."""
        return span_square_sum(array.reshape(-1), spans, array[:1].size)
