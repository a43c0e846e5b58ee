"""The input table: a row for each word."""

from __future__ import annotations

import numpy as np  # ids are host arrays: they come from the corpus

from ..ops import ops_for
from ..ops.arrays import Array
from . import initializers
from .param import Param


class Embedding:
    """Looks up a row of a table for each word, y = W[id]: what a one-hot vector times W would be.

    ids (…) integers on the host, W (V, E) -> y (…, E). Id -1 stands for no word (an unknown one without `<unk>`) and
    gives a row of zeros. The gradient touches only the rows that were looked up.
    """

    def __init__(
        self,
        words: int,
        size: int,
        *,
        rng: np.random.Generator,
        init=initializers.uniform,
        dtype: str = "float32",
    ) -> None:
        self.params = {"W": Param.starting(init, rng, (words, size), dtype)}

    def forward(self, x: np.ndarray, *, train=None) -> tuple[Array, np.ndarray]:
        """Forward as `Layer.forward`: x holds the ids. The tape is x."""
        W = self.params["W"].value
        return ops_for(W).take_rows(W, x), x

    def backward(self, dy: Array, tape: np.ndarray) -> None:
        """Adds dy to the gradients of the rows that were looked up; ids have no gradient, so it returns None."""
        self.params["W"].add_rows(tape.reshape(-1), dy.reshape(-1, dy.shape[-1]))
