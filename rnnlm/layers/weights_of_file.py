"""Making a network whose weights come from a file: no number is drawn, and nothing is allocated."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from ..errors import DataError
from ..stored import Stored, shown


class WeightsOfFile(np.random.Generator):
    """The generator of random numbers with which a network is made whose weights are in a file.

    A layer makes its parameters by `Param.starting`, which asks this generator for each: `take` gives an array of zeros
    that needs no memory, and takes one array of that type and shape out of those of the file. Where the file has none
    left, it raises DataError. So settings that ask for other sizes or for more layers than the file has weights for end
    the making of the network at once, whatever the layers are. Afterwards `set_params` puts the weights in.
    """

    def __init__(self, stored: Stored) -> None:
        super().__init__(np.random.PCG64(0))
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
        return np.broadcast_to(np.zeros((), dtype), shape)
