"""Softmax as a layer."""

from __future__ import annotations

from ..ops import ops_for
from ..ops.arrays import Array


class Softmax:
    """y_i = e^(x_i) / Σ_j e^(x_j) over the last axis; the tape is y. Backward: dx_i = y_i (dy_i - Σ_j dy_j y_j).

    For a network whose probabilities are wanted inside it. To learn a classification, leave it out: `CrossEntropy`
    takes logits, and does the two in one step that cannot lose digits.
    """

    def __init__(self) -> None:
        self.params: dict = {}

    def forward(self, x: Array, *, train=None) -> tuple[Array, Array]:
        y = ops_for(x).softmax(x)
        return y, y

    def backward(self, dy: Array, tape: Array) -> Array:
        return tape * (dy - (dy * tape).sum(-1, keepdims=True))
