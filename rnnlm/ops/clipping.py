"""The length of a gradient in all its forms, and keeping it from exploding (Pascanu, Mikolov & Bengio 2013)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np  # spans are host arrays

from .arrays import Array, elsewhere
from .gradients import Gradient, Outer, Some, Whole
from .outer import OuterOps


class ClippingOps(OuterOps):
    """Clipping writes into the gradients' own arrays. On a GPU nothing here waits for the device."""

    def gradient_norm(self, gradients: list[Gradient]) -> Any:
        """√(Σ g²) over all gradients: a float, or an array of no dimensions where they are on a GPU."""
        squares: Any = sum(map(self._squares, gradients))
        return self.xp.sqrt(squares) if elsewhere(squares) else float(squares) ** 0.5

    def clip_norm(self, gradients: list[Gradient], limit: float) -> Any:
        """Multiply all gradients by min(1, limit / norm); returns the norm before, as `gradient_norm` does.

        A length that is no number makes every gradient none either, on a GPU; on the host it leaves them alone.
        """
        norm = self.gradient_norm(gradients)
        if elsewhere(norm):
            factor = self.xp.minimum(limit / norm, 1)
        elif norm > limit:
            factor = limit / norm
        else:
            return norm
        for gradient in gradients:
            self._scale(gradient, factor)
        return norm

    def clip_value(self, gradients: list[Whole | Some], limit: float) -> None:
        """Cut every element of the gradients to [-limit, limit]."""
        for gradient in gradients:
            if isinstance(gradient, Some) or gradient.spans is None:
                array = gradient.rows if isinstance(gradient, Some) else gradient.array
                self.xp.clip(array, -limit, limit, out=array)
                continue
            for index in self._touched(gradient):
                gradient.array[index] = self.xp.clip(gradient.array[index], -limit, limit)

    def _squares(self, gradient: Gradient) -> Any:
        if isinstance(gradient, Outer):
            return self.outer_square_sum(gradient)
        if isinstance(gradient, Some):
            return self.square_sum(gradient.rows)
        if gradient.spans is None:
            return self.square_sum(gradient.array)
        return self.span_square_sum(gradient.array, gradient.spans)

    def _scale(self, gradient: Gradient, factor: Any) -> None:
        if isinstance(gradient, Some):
            rows = gradient.rows
            rows *= factor
        elif isinstance(gradient, Whole):
            for index in self._touched(gradient):
                gradient.array[index] *= factor
        elif elsewhere(factor):
            gradient.d *= factor
        else:
            gradient.scale *= factor

    def _touched(self, gradient: Whole) -> Iterator[slice | Array]:
        """Index objects that select the rows of the spans: slices, or ids where every span is one row.

        On a GPU one slice is everything, since each index is a launch, and other rows are zero anyway.
        """
        spans = gradient.spans
        if spans is None:
            yield slice(None)
        elif (spans[:, 1] - spans[:, 0] == 1).all():
            yield self.asarray(np.ascontiguousarray(spans[:, 0]))
        elif elsewhere(gradient.array):
            yield slice(None)
        else:
            for start, end in spans.tolist():
                yield slice(start, end)
