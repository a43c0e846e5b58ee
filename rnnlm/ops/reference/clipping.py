"""The length of a gradient in all its forms, and keeping it from exploding (Pascanu, Mikolov & Bengio 2013)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np  # spans are host arrays

from ..arrays import Array, is_device_array
from ..gradients import Dense, Gradient, OuterProduct, RowSparse
from .outer_product import OuterProductOps


class ClippingOps(OuterProductOps):
    """Clipping writes into the gradients' own arrays. On a GPU nothing here waits for the device."""

    def square_sum(self, array: Array) -> Array:
        """Σ a², as an array of no dimensions, so that nothing waits for the device."""
        flat = array.reshape(-1)
        return self.xp.dot(flat, flat)

    def span_square_sum(self, array: Array, spans: np.ndarray) -> Array:
        """Σ of the squares of the rows in the spans (start, end), (k, 2) on the host."""
        parts = (self.square_sum(array[start:end]) for start, end in spans.tolist())
        return sum(parts, self.zeros((), array.dtype))

    def gradient_norm(self, gradients: list[Gradient]) -> Any:
        """√(Σ g²) over all gradients: a float, or an array of no dimensions where they are on a GPU."""
        squares: Any = sum(map(self._squares, gradients))
        return self.xp.sqrt(squares) if is_device_array(squares) else float(squares) ** 0.5

    def clip_norm(self, gradients: list[Gradient], limit: float) -> Any:
        """Multiply all gradients by min(1, limit / norm); returns the norm before, as `gradient_norm` does.

        A length that is no number makes every gradient none either, on a GPU; on the host it leaves them alone.
        """
        norm = self.gradient_norm(gradients)
        if is_device_array(norm):
            factor = self.xp.minimum(limit / norm, 1)
        elif norm > limit:
            factor = limit / norm
        else:
            return norm
        for gradient in gradients:
            self._scale(gradient, factor)
        return norm

    def clip_value(self, gradients: list[Dense | RowSparse], limit: float) -> None:
        """Cut every element of the gradients to [-limit, limit]."""
        for gradient in gradients:
            if isinstance(gradient, RowSparse) or gradient.spans is None:
                array = gradient.rows if isinstance(gradient, RowSparse) else gradient.array
                self.xp.clip(array, -limit, limit, out=array)
                continue
            for index in self._touched(gradient):
                gradient.array[index] = self.xp.clip(gradient.array[index], -limit, limit)

    def _squares(self, gradient: Gradient) -> Any:
        """Σ g² of a gradient in any form."""
        if isinstance(gradient, OuterProduct):
            return self.outer_product_square_sum(gradient)
        if isinstance(gradient, RowSparse):
            return self.square_sum(gradient.rows)
        if gradient.spans is None:
            return self.square_sum(gradient.array)
        return self.span_square_sum(gradient.array, gradient.spans)

    def _scale(self, gradient: Gradient, factor: Any) -> None:
        """Multiply a gradient in any form by a factor, in place."""
        if isinstance(gradient, RowSparse):
            rows = gradient.rows
            rows *= factor
        elif isinstance(gradient, Dense):
            for index in self._touched(gradient):
                gradient.array[index] *= factor
        elif is_device_array(factor):
            gradient.d *= factor
        else:
            gradient.scale *= factor

    def _touched(self, gradient: Dense) -> Iterator[slice | Array]:
        """Index objects that select the rows of the spans: slices, or ids where every span is one row.

        On a GPU one slice is everything, since each index is a launch, and other rows are zero anyway.
        """
        spans = gradient.spans
        if spans is None:
            yield slice(None)
        elif (spans[:, 1] - spans[:, 0] == 1).all():
            yield self.asarray(np.ascontiguousarray(spans[:, 0]))
        elif is_device_array(gradient.array):
            yield slice(None)
        else:
            for start, end in spans.tolist():
                yield slice(start, end)
