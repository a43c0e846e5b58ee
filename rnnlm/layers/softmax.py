"""Softmax as a layer."""

from __future__ import annotations

from ..ops import ops_for
from ..ops.arrays import Array


class Softmax:
    """The softmax over the last axis, y_i = e^(x_i) / Σ_j e^(x_j).

    For a network whose probabilities are wanted inside it. To learn a classification, leave it out: `CrossEntropy`
    takes logits, and does the two in one step that cannot lose digits.
    """

    def __init__(self) -> None:
        self.params: dict = {}

    def forward(self, x: Array, *, train=None) -> tuple[Array, Array]:
        """Forward as `Layer.forward`: y of the shape of x, whose last axis sums to 1. The tape is y."""
        y = ops_for(x).softmax(x)
        return y, y

    def backward(self, dy: Array, tape: Array) -> Array:
        """Backward as `Layer.backward`: dx_i = y_i (dy_i - Σ_j dy_j y_j)."""
        return tape * (dy - (dy * tape).sum(-1, keepdims=True))
