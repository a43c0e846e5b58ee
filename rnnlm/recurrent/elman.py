"""Elman's simple recurrent network."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layers import Param, initializers
from ..layers.activations import check_activation
from ..ops import ops_for
from ..ops.arrays import Array
from .recurrent import State


class Elman:
    """Elman's recurrence: the hidden units see their own previous values.

        h_t = f(x_t + h_{t-1} W + b)

    x (T, B, H) comes from the layer below, already of the hidden size: for a word, a row of the input table.
    W (H, H), b (H,). State: (h,), h (B, H), zero at the start. f is any activation; UsageError for another name.
    W starts as `initializers.RECURRENT` says for f, b at 0. Backward, from the last step to the first:

        da_t = f'(h_t) · (dy_t + dh_t)      dx_t = da_t
        dh_{t-1} = da_t W'                  dW = Σ_t h_{t-1}' da_t      db = Σ_t da_t

    J. Elman, "Finding structure in time", Cognitive Science 14, 1990.
    """

    def __init__(
        self,
        hidden: int,
        *,
        rng: np.random.Generator,
        activation: str = "tanh",
        init=None,
        dtype: str = "float32",
    ) -> None:
        self.hidden = hidden
        self.activation = check_activation(activation)
        init = init or initializers.RECURRENT[activation]
        self.params = {
            "W": Param.starting(init, rng, (hidden, hidden), dtype),
            "b": Param.starting(initializers.zeros, rng, (hidden,), dtype),
        }

    def start(self, batch: int) -> State:
        """As `Recurrent.start`: h (B, H) of zeros."""
        W = self.params["W"].value
        return (ops_for(W).zeros((batch, self.hidden), W.dtype),)

    def forward(
        self, x: Array, state: State, keep: Array | None = None, *, train=None
    ) -> tuple[Array, State, tuple[Array, Array, Array | None]]:
        """Forward as `Recurrent.forward`: y is h (T, B, H), the state after the window its last step."""
        (h0,) = state
        W, b = self.params["W"].value, self.params["b"].value
        h = ops_for(x).elman_forward(x, W, b, h0, keep, self.activation)
        return h, (h[-1],), (h, h0, keep)

    def backward(self, dy: Array | None, dstate: State | None, tape: Any, stop: int = 0) -> tuple[Array, State]:
        """Backward as `Recurrent.backward`, by the equations of the class."""
        h, h0, keep = tape
        W = self.params["W"]
        dlast = None if dstate is None else dstate[0]
        dx, dh0, dW, db = ops_for(h).elman_backward(dy, dlast, h, h0, W.value, keep, self.activation, stop)
        W.add(dW)
        self.params["b"].add(db)
        return dx, (dh0,)
