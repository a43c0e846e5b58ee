"""Inputs with mean 0 and standard deviation 1, as measured on the training data."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np  # the statistics are taken on the host, where the data are

from ..errors import DataError, UsageError
from ..ops import ops_for
from ..ops.arrays import Array
from . import initializers
from .param import Param

HOW = ("none", "mean", "each")
PIECE = 2**22  # numbers that are in float64 at a time: 32 MiB


class Standardize:
    """Shifts and scales inputs x (N, *shape): y = (x - mean) / scale, both learnt from the training inputs.

    how="mean" subtracts the mean input and divides by one number, the root mean square of what is left: a difference
    between two places of an image keeps its size. how="each" divides every number of the input by its own standard
    deviation (by 1 where it never changes). how="none" passes x on. `learn` sets `mean` and `scale`, which are
    parameters that no gradient touches; before, they are 0 and 1. `rng` is there for
    weights of a file. Raises UsageError for another `how`.

    Y. LeCun, L. Bottou, G. Orr & K.-R. Müller, "Efficient BackProp", 1998, section 4.3.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        how: str = "mean",
        *,
        dtype: str = "float32",
        rng: np.random.Generator | None = None,
    ) -> None:
        if how not in HOW:
            raise UsageError(f"standardization {how!r} is not known. Give one of {', '.join(HOW)}.")
        self.shape, self.how = tuple(shape), how
        self.params: dict[str, Param] = {}
        if how != "none":
            size, smallest = self.shape if how == "each" else (1,), float(np.finfo(dtype).smallest_subnormal)
            self.params["mean"] = Param.starting(initializers.zeros, rng, self.shape, dtype)
            self.params["scale"] = Param.starting(initializers.ones, rng, size, dtype, least=smallest)

    def learn(self, x: Array) -> None:
        """Take mean and scale from the training inputs x (N, *shape), of any number type, in float64.

        Raises UsageError for no inputs or inputs of another shape, DataError for infinite numbers and NaN.
        """
        if len(x) == 0 or x.shape[1:] != self.shape:
            raise UsageError(
                f"Standardize for inputs of shape {self.shape} cannot learn from an array of shape {x.shape}. "
                f"Give one of shape (N, {', '.join(map(str, self.shape))}) with N >= 1."
            )
        if self.how == "none":
            return
        first = next(self._pieces(x))[0]  # without it a number that never changes has deviation 0, with no rounding
        with np.errstate(invalid="ignore"):  # the error below says it
            mean = sum((piece - first).sum(0) for piece in self._pieces(x)) / len(x)
            square = sum(((piece - first - mean) ** 2).sum(0) for piece in self._pieces(x)) / len(x)
        if not np.isfinite(square).all():
            raise DataError("the training inputs hold infinite numbers or NaN. Remove those inputs.")
        scale = np.sqrt(square if self.how == "each" else square.mean())
        for name, statistic in (("mean", first + mean), ("scale", np.where(scale > 0, scale, 1.0))):
            value = self.params[name].value
            value[...] = ops_for(value).asarray(statistic, value.dtype)

    def _pieces(self, x: Array) -> Iterator[np.ndarray]:
        """The numbers of x, a piece at a time, as float64 arrays on the host."""
        rows, ops = max(1, PIECE // max(math.prod(self.shape), 1)), ops_for(x)
        for begin in range(0, len(x), rows):
            yield ops.to_host(x[begin : begin + rows]).astype(np.float64)

    def forward(self, x: Array, *, train=None) -> tuple[Array, None]:
        """Forward as `Layer.forward`: x (N, *shape) -> y of the same shape. There is no tape."""
        if self.how == "none":
            return x, None
        return (x - self.params["mean"].value) / self.params["scale"].value, None

    def backward(self, dy: Array, tape: None) -> Array:
        """Backward as `Layer.backward`: dx = dy / scale."""
        return dy if self.how == "none" else dy / self.params["scale"].value
