"""Losses: how far the outputs of a network are from their targets, which is what training makes small."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np  # targets are host arrays: they come from the data

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array


class Loss(Protocol):
    """A number for each row of outputs: how far it is from its target, and 0 where there is none."""

    def forward(self, y: Array, target: np.ndarray) -> tuple[Array, Any]:
        """The loss (N,) of outputs y (N, K), and the tape.

        `target` is on the host: class ids (N,), of which -1 stands for no target, unless the loss takes others. Raises
        UsageError for targets that do not fit the outputs.
        """

    def backward(self, tape: Any, scale: float) -> Array:
        """The gradient dy (N, K) of scale · Σ loss, in y's precision; rows without a target have none."""


class CrossEntropy:
    """The cross-entropy of outputs that are logits: loss = -log P(target) where P = softmax(y).

    dy = scale · (P - 1[target]). Raises UsageError for targets that are no class ids (N,).
    """

    def forward(self, y: Array, target: np.ndarray) -> tuple[Array, Any]:
        """Forward as `Loss.forward`: loss (N,) in nats."""
        ops, (rows, ids) = ops_for(y), scored(y, target)
        logp = ops.log_softmax(y[rows])  # (n, K), of the rows that have a target
        loss = ops.zeros(y.shape[:1], y.dtype)
        loss[rows] = -logp[ops.xp.arange(len(ids)), ids]
        return loss, (logp, rows, ids, len(y))

    def backward(self, tape: Any, scale: float) -> Array:
        """Backward as `Loss.backward`: dy = scale · (P - 1[target]), (N, K)."""
        logp, rows, ids, N = tape
        ops = ops_for(logp)
        d = ops.xp.exp(logp)
        d[ops.xp.arange(len(ids)), ids] -= 1
        dy = ops.zeros((N, logp.shape[1]), logp.dtype)
        dy[rows] = d * scale
        return dy


class Hinge:
    """The multi-class hinge loss: every other class stays `margin` below the target t, or costs.

        loss = Σ_j≠t max(0, margin - y_t + y_j)

    That is the loss of Weston & Watkins 1999, with all violations summed; that of Crammer & Singer 2001 would take the
    largest alone. dy_j = scale for each j that violates the margin, dy_t = -scale · their number; 0 on the kink. Raises
    UsageError for targets that are no class ids (N,), or a margin that is not positive.
    """

    def __init__(self, margin: float = 1.0) -> None:
        if not 0 < margin < float("inf"):
            raise UsageError(f"margin={margin} is not possible. Give a positive number.")
        self.margin = margin

    def forward(self, y: Array, target: np.ndarray) -> tuple[Array, Any]:
        """Forward as `Loss.forward`: loss (N,), the sum of the violations of each row."""
        ops, (rows, ids) = ops_for(y), scored(y, target)
        row, outputs = ops.xp.arange(len(ids)), y[rows]
        violation = ops.xp.maximum(self.margin - outputs[row, ids][:, None] + outputs, 0)  # (n, K)
        violation[row, ids] = 0
        loss = ops.zeros(y.shape[:1], y.dtype)
        loss[rows] = violation.sum(1)
        return loss, (violation > 0, rows, ids, y)

    def backward(self, tape: Any, scale: float) -> Array:
        """Backward as `Loss.backward`: dy (N, K) from which classes violate the margin."""
        violated, rows, ids, y = tape
        ops = ops_for(y)
        d = violated.astype(y.dtype)
        d[ops.xp.arange(len(ids)), ids] = -d.sum(1)
        dy = ops.xp.zeros_like(y)
        dy[rows] = d * scale
        return dy


class SquaredError:
    """Half the squared distance from the target: loss = ½ Σ_k (y_k - target_k)², dy = scale · (y - target).

    The mean over rows is ½ K times the mean squared error. target (N, K) numbers, or class ids (N,), which stand for a
    1 at the class and 0 elsewhere. Raises UsageError for targets of another shape.
    """

    def forward(self, y: Array, target: np.ndarray) -> tuple[Array, Array]:
        """Forward as `Loss.forward`, also for targets (N, K) of numbers. The tape is y - target."""
        ops = ops_for(y)
        if np.ndim(target) == 1:
            rows, ids = scored(y, target)
            difference = ops.xp.zeros_like(y)
            difference[rows] = y[rows]
            difference[rows, ids] -= 1
        elif np.shape(target) == y.shape:
            difference = y - ops.asarray(target, y.dtype)
        else:
            raise UsageError(
                f"targets of the shape {np.shape(target)} do not fit outputs of the shape {y.shape}. Give as many "
                "numbers as outputs, or a class id for each row."
            )
        return (difference * difference).sum(1) / 2, difference

    def backward(self, tape: Array, scale: float) -> Array:
        """Backward as `Loss.backward`: dy = scale · (y - target), (N, K)."""
        return tape * float(scale)  # a NumPy number would make it float64


def scored(y: Array, target: np.ndarray) -> tuple[Array, Array]:
    """The rows of y (N, K) that have a target, and their class ids, both on the machine where y is.

    Raises UsageError for targets that are no class ids (N,), or ids that are no class of y.
    """
    ids = np.asarray(target)
    if y.ndim != 2 or ids.shape != y.shape[:1] or ids.dtype.kind not in "iu":
        raise UsageError(
            f"targets of the shape {ids.shape} and type {ids.dtype} do not fit outputs of the shape {y.shape}. Give "
            "outputs (N, K) and N class ids, whole numbers."
        )
    wrong = np.flatnonzero((ids < -1) | (ids >= y.shape[1]))
    if len(wrong):
        raise UsageError(
            f"the target {ids[wrong[0]]} of row {wrong[0]} is no class. Give 0 to {y.shape[1] - 1}, or -1 for none."
        )
    rows, ops = np.flatnonzero(ids >= 0), ops_for(y)
    return ops.asarray(rows), ops.asarray(ids[rows])
