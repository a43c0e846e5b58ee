"""The hidden layers of a feed-forward language model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layers import Activation, Affine, Dropout, Param
from ..ops import ops_for
from ..ops.arrays import Array
from .recurrent import State


class FeedForward:
    """Bengio's feed-forward network over the last n inputs, n = `window`: h_t = f(x̃_t W + b), x̃_t = [x_{t-n+1} … x_t].

    With `layers` > 1 further hidden layers h ← f(h A + c) stand above it. What comes out is h (T, B, H), and with
    `direct` [h; x̃] (T, B, H + n E), so that an output layer's weights on the second part are direct connections from
    the inputs. x (T, B, E), W (n E, H), A (H, H). State: the last n - 1 inputs (B, (n - 1) E), zero at the start.
    Dropout acts on each layer's way up and on all that comes out.

    Y. Bengio, R. Ducharme, P. Vincent & C. Jauvin, "A neural probabilistic language model", JMLR 3, 2003.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        *,
        window: int,
        rng: np.random.Generator,
        layers: int = 1,
        direct: bool = False,
        activation: str = "tanh",
        dropout: float = 0.0,
        dtype: str = "float32",
    ) -> None:
        self.inputs, self.window, self.direct = inputs, window, direct
        self.affines = [
            Affine(hidden if layer else window * inputs, hidden, rng=rng, dtype=dtype) for layer in range(layers)
        ]
        self.activation = Activation(activation)
        self.dropouts = [Dropout(dropout, number) for number in range(1, 1 + layers)]
        self.params: dict[str, Param] = {
            f"{number}.{name}": param
            for number, affine in enumerate(self.affines)
            for name, param in affine.params.items()
        }

    def start(self, batch: int) -> State:
        """As `Recurrent.start`: n - 1 inputs (B, (n - 1) E) of zeros."""
        W = self.params["0.W"].value
        return (ops_for(W).zeros((batch, (self.window - 1) * self.inputs), W.dtype),)

    def forward(
        self, x: Array, state: State, keep: Array | None = None, *, train: tuple[int, int] | None = None
    ) -> tuple[Array, State, Any]:
        """Forward as `Recurrent.forward`: y (T, B, H), or (T, B, H + n E) with `direct`.

        The state after the window is its last n - 1 inputs.
        """
        context = ops_for(x).context_forward(x, state[0], keep, self.window)  # 1: the last n inputs, (T, B, n E)
        h, tapes = context, []
        for number, (affine, dropout) in enumerate(zip(self.affines, self.dropouts, strict=True), 1):
            a, affine_tape = affine.forward(h)  # 2: hidden layers, (T, B, H)
            h, activation_tape = self.activation.forward(a)
            if self.direct and number == len(self.affines):
                h = ops_for(x).concatenate([h, context], 2)  # 3: and the inputs beside the last one
            h, mask = dropout.forward(h, train=train)
            tapes.append((affine_tape, activation_tape, mask))
        return h, (context[-1][:, self.inputs :],), (context, keep, tapes)

    def backward(self, dy: Array | None, dstate: State | None, tape: Any, stop: int = 0) -> tuple[Array, State]:
        """Backward as `Recurrent.backward`; the gradient of the state is that of the n - 1 inputs before the window."""
        context, keep, tapes = tape
        ops = ops_for(context)
        dcontext = None
        if dy is not None:
            d = dy
            if stop:
                d = dy.copy()
                d[:stop] = 0
            ddirect = None
            for affine, dropout, (affine_tape, activation_tape, mask) in zip(
                self.affines[::-1], self.dropouts[::-1], tapes[::-1], strict=True
            ):
                d = dropout.backward(d, mask)
                if self.direct and ddirect is None:  # 3b
                    H = activation_tape.shape[2]  # the tape of an activation is its output
                    d, ddirect = d[:, :, :H], d[:, :, H:]
                d = affine.backward(self.activation.backward(d, activation_tape), affine_tape)  # 2b
            dcontext = d if ddirect is None else d + ddirect
        dlast = None if dstate is None else dstate[0]
        like_x = context[:, :, : self.inputs]
        dx, dbefore = ops.context_backward(dcontext, dlast, like_x, keep, self.window, stop)  # 1b
        return dx, (dbefore,)
