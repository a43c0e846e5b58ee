"""What every layer promises."""

from __future__ import annotations

from typing import Any, Protocol

from ..ops.arrays import Array
from .param import Param


class Layer(Protocol):
    """A differentiable map without memory.

    `forward` hands its memory over as a tape instead of hiding it, so a layer can be used twice or from several
    threads; `backward` adds into the gradients of `params` and returns the gradient of the loss with respect to the
    input. `train` is None when a model is only used, and the pair (seed, step) that fixes the random masks while it
    learns.
    """

    params: dict[str, Param]

    def forward(self, x: Array, *, train: tuple[int, int] | None = None) -> tuple[Array, Any]: ...

    def backward(self, dy: Array, tape: Any) -> Array: ...
