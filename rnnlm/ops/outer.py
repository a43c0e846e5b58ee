"""Arithmetic on gradients that are still two factors (`Outer`)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np  # spans and groups are host arrays

from .arrays import Array, ArrayOps
from .gradients import Outer


class OuterOps(ArrayOps):
    """Multiplying out, and the length."""

    def _products(self, outer: Outer) -> Iterator[tuple[int, int, Array]]:
        for first, last, start, end, place in outer.groups.tolist():
            d = outer.d[place : place + (last - first) * (end - start)].reshape(last - first, end - start)
            yield start, end, outer.scale * (d.T @ outer.rows[first:last])

    def outer_add(self, grad: Array, outer: Outer) -> None:
        """grad += the product, on the rows that it has."""
        for start, end, product in self._products(outer):
            grad[start:end] += product

    def outer_square_sum(self, outer: Outer) -> Array:
        """Σ of the product's squares."""
        return sum((self.square_sum(product) for _, _, product in self._products(outer)), self.zeros((), outer.d.dtype))

    def span_square_sum(self, array: Array, spans: np.ndarray) -> Array:
        """Σ of the squares of the rows in the spans (start, end)."""
        parts = (self.square_sum(array[start:end]) for start, end in spans.tolist())
        return sum(parts, self.zeros((), array.dtype))

    def outer_bias(self, grad: Array, outer: Outer) -> None:
        """grad (V,) += the gradient of the biases: scale · Σ of d over a group's tokens."""
        for first, last, start, end, place in outer.groups.tolist():
            d = outer.d[place : place + (last - first) * (end - start)].reshape(last - first, end - start)
            grad[start:end] += outer.scale * d.sum(0)
