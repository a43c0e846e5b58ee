"""Arithmetic on gradients that are still two factors (`OuterProduct`)."""

from __future__ import annotations

from collections.abc import Iterator

from ..arrays import Array, ArrayOps
from ..gradients import OuterProduct


class OuterProductOps(ArrayOps):
    """Multiplying out, the length, and the gradient of the biases that belong to the weights."""

    def _products(self, outer: OuterProduct) -> Iterator[tuple[int, int, Array]]:
        """The product of each group, with the first and the last row of the parameter that it belongs to."""
        for first, last, start, end, place in outer.groups.tolist():
            d = outer.d[place : place + (last - first) * (end - start)].reshape(last - first, end - start)
            yield start, end, outer.scale * (d.T @ outer.rows[first:last])

    def outer_product_add(self, grad: Array, outer: OuterProduct) -> None:
        """grad (V, H) += the product, on the rows that it has."""
        for start, end, product in self._products(outer):
            grad[start:end] += product

    def outer_product_square_sum(self, outer: OuterProduct) -> Array:
        """Σ of the product's squares, as an array of no dimensions or a number."""
        squares = self.zeros((), outer.d.dtype)
        for _, _, product in self._products(outer):
            flat = product.reshape(-1)
            squares = squares + self.xp.dot(flat, flat)
        return squares

    def outer_product_bias(self, grad: Array, outer: OuterProduct) -> None:
        """grad (V,) += the gradient of the biases: scale · Σ of d over a group's tokens."""
        for first, last, start, end, place in outer.groups.tolist():
            d = outer.d[place : place + (last - first) * (end - start)].reshape(last - first, end - start)
            grad[start:end] += outer.scale * d.sum(0)
