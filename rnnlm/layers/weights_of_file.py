"""Making a network without its weights, which come from a file or are only counted: nothing is drawn or allocated."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from ..errors import DataError, OutOfMemory
from ..stored import Stored, shown


class WithoutWeights(np.random.Generator):
    """The generator of random numbers with which a network is made that has the shapes of its weights only.

    A layer makes its parameters by `Param.starting`, which asks this generator for each: `take` gives an array of zeros
    that needs no memory. So what a network will need is known before it is made.
    """

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def take(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Return zeros of this shape and type, read-only and without memory of their own. OutOfMemory beyond 2^62."""
        if math.prod(shape) * np.dtype(dtype).itemsize >= 1 << 62:
            size = ", ".join(map(shown, shape))
            raise OutOfMemory(f"weights of the shape ({size}) do not fit in any memory. Make the network smaller.")
        return np.broadcast_to(np.zeros((), dtype), shape)


class WeightsOfFile(WithoutWeights):
    """The generator of random numbers with which a network is made whose weights are in a file.

    `take` also takes one array of that type and shape out of those of the file. Where the file has none left, it raises
    DataError. So settings that ask for other sizes or for more layers than the file has weights for end the making of
    the network at once, whatever the layers are. Afterwards `set_params` puts the weights in.
    """

    def __init__(self, stored: Stored) -> None:
        super().__init__()
        arrays = (stored.arrays[stored.prefix + name] for name in stored.names())
        self._left = Counter((array.dtype, array.shape) for array in arrays)

    def take(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """Return zeros of this shape and type, read-only and without memory of their own."""
        key = np.dtype(dtype), tuple(shape)
        if not self._left[key]:
            size = ", ".join(map(shown, shape))
            raise DataError(
                f"its settings ask for weights of the shape ({size}) in {key[0].name}, and the file has none (left) of "
                "that kind."
            )
        self._left[key] -= 1
        return super().take(shape, dtype)
