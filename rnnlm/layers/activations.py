"""Element-wise nonlinear functions as layers."""

from __future__ import annotations

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.reference.elementwise import ACTIVATIONS


def check_activation(name: str) -> str:
    """The name itself, or a UsageError that lists the known ones."""
    if name not in ACTIVATIONS:
        raise UsageError(f"activation {name!r} is not known. Give one of {', '.join(ACTIVATIONS)}.")
    return name


class Activation:
    """y = f(a), with f one of tanh, logistic, relu, clipped_relu, leaky_relu, elu. Any shape; the tape is y."""

    def __init__(self, name: str) -> None:
        self.name = check_activation(name)
        self.params: dict = {}

    def forward(self, x: Array, *, train=None) -> tuple[Array, Array]:
        y = ops_for(x).activate(self.name, x)
        return y, y

    def backward(self, dy: Array, tape: Array) -> Array:
        return ops_for(dy).activate_backward(self.name, dy, tape)
