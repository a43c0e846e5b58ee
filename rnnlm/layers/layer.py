"""The protocol that every layer follows."""

from __future__ import annotations

from typing import Any, Protocol

from ..ops.arrays import Array
from .param import Param


class Layer(Protocol):
    """A differentiable map without memory.

    Nothing that `backward` needs is kept on the layer: `forward` returns it as the tape, so a layer can be used twice
    or from several threads. `params` are the learnt arrays by name, none for a layer that learns nothing.
    """

    params: dict[str, Param]

    def forward(self, x: Array, *, train: tuple[int, int] | None = None) -> tuple[Array, Any]:
        """Apply the layer to x: the output y, and the tape from which `backward` differentiates this call.

        `train` is None when a model is only used, and the pair (seed, step) that fixes the random masks while it
        learns. Raises UsageError or ValueError for an input that the layer cannot take.
        """

    def backward(self, dy: Array, tape: Any) -> Array:
        """The gradient dx of the loss with respect to the input, from dy, that with respect to the output.

        Adds the gradients of the parameters to those that they have. A layer whose input needs no gradient returns
        None.
        """
