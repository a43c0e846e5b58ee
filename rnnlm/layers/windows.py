"""The geometry that convolution and pooling share."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from ..errors import UsageError
from ..ops.arrays import Array

Pair = tuple[int, int]


class Windows:
    """Windows of `size` every `stride` over images with `border` around them: (rows, columns) each.

    An image (h, w) has (h + top + bottom - kh) // sh + 1 windows below one another, and as many side by side; what is
    left over at the end is in no window. Padding "same" keeps h and w: of an even size, the odd line is at the end.
    `layer` is the name of the layer for errors; UsageError for a size, a stride or a padding that is not possible.
    """

    def __init__(self, layer: str, size: int | Pair, stride: int | Pair, padding: int | Pair | str) -> None:
        self.layer = layer
        self.size, self.stride = self._pair("size", size, 1), self._pair("stride", stride, 1)
        if padding == "same":
            if self.stride != (1, 1):
                raise UsageError(f'{layer}: padding="same" with stride={stride} has no one meaning. Give stride=1.')
            rows, columns = ((k - 1) // 2 for k in self.size)
            self.border = (rows, self.size[0] - 1 - rows), (columns, self.size[1] - 1 - columns)
        else:
            rows, columns = self._pair("padding", padding, 0, ' or "same"')
            self.border = (rows, rows), (columns, columns)

    def _pair(self, name: str, value: int | Pair | str, least: int, more: str = "") -> Pair:
        pair = (value, value) if isinstance(value, Integral) else value
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(n, Integral) for n in pair)):
            raise UsageError(f"{self.layer}: {name}={value!r} is not known. Give a whole number, a pair{more}.")
        if min(pair) < least:
            raise UsageError(f"{self.layer}: {name}={value} is too small. Give {name} >= {least}.")
        return int(pair[0]), int(pair[1])

    def places(self, shape: tuple[int, ...]) -> Pair:
        """Return how many windows fit below one another and side by side on an image of this shape (h, w, C).

        Raises UsageError where not one fits.
        """
        self.check(np.broadcast_to(np.float32(0), (1, *shape)))  # without memory for it
        rows, columns = (
            (shape[axis] + sum(self.border[axis]) - self.size[axis]) // self.stride[axis] + 1 for axis in (0, 1)
        )
        return rows, columns

    def check(self, x: Array) -> None:
        """Raise UsageError for what are no images of real numbers, and for images in which not one window fits."""
        if x.ndim != 4:
            raise UsageError(f"{self.layer} got an array of shape {x.shape}. Give images (N, height, width, channels).")
        if x.dtype.kind != "f":
            raise UsageError(
                f"{self.layer} got images of type {x.dtype}. Give float32 or float64: x.astype('float32')."
            )
        for axis, name in enumerate(("rows", "columns")):
            length = x.shape[1 + axis] + sum(self.border[axis])
            if length < self.size[axis]:
                raise UsageError(
                    f"{self.layer}: a window of {self.size[axis]} {name} does not fit into {length}, padding included. "
                    "Give larger images, a smaller size or more padding."
                )
