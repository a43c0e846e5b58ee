"""Element-wise nonlinear functions as layers."""

from __future__ import annotations

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.reference.elementwise import ACTIVATIONS


def check_activation(name: str) -> str:
    """The name itself; raises UsageError, which lists the known ones, for any other."""
    if name not in ACTIVATIONS:
        raise UsageError(f"activation {name!r} is not known. Give one of {', '.join(ACTIVATIONS)}.")
    return name


class Activation:
    """Applies one function to every number, y = f(a), in any shape.

    f is one of tanh, logistic, relu, clipped_relu, leaky_relu and elu, which `ops/reference/elementwise.py` defines.
    Raises UsageError for another name.
    """

    def __init__(self, name: str) -> None:
        self.name = check_activation(name)
        self.params: dict = {}

    def forward(self, x: Array, *, train=None) -> tuple[Array, Array]:
        """Forward as `Layer.forward`: y of the shape of x. The tape is y."""
        y = ops_for(x).activate(self.name, x)
        return y, y

    def backward(self, dy: Array, tape: Array) -> Array:
        """Backward as `Layer.backward`: dx = dy · f'(a), where f' is computed from y."""
        return ops_for(dy).activate_backward(self.name, dy, tape)
