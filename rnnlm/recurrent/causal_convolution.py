"""A causal convolution along time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UsageError
from ..layers import Affine, Param
from ..layers.activations import check_activation
from ..ops import ops_for
from ..ops.arrays import Array
from .recurrent import State

GATED = "gated"


class CausalConvolution:
    """A convolution along time in which each step sees its own input and the k - 1 before it, k = `kernel`.

        h_t = f([x_{t-k+1} … x_t] W + b)

    x (T, B, E), W (k E, H), b (H,) -> h (T, B, H). With the activation "gated" W and b are twice as wide and

        a_t, g_t = [x_{t-k+1} … x_t] W + b        h_t = a_t · σ(g_t)                 (gated linear units)

    With `residual` the output is x_t + h_t, which needs E = H; UsageError otherwise. State: the last k - 1 inputs,
    (B, (k - 1) E), zero at the start. Backward, with ã_t = [a_t g_t] or a_t:

        da_t = dh_t · σ(g_t),  dg_t = dh_t · a_t σ'(g_t)  or  da_t = f'(h_t) · dh_t
        dW = Σ_t [x_{t-k+1} … x_t]' dã_t      dx_s = Σ_t of the part of dã_t W' that belongs to x_s

    A. van den Oord et al., "WaveNet: a generative model for raw audio", 2016; Y. Dauphin, A. Fan, M. Auli & D.
    Grangier, "Language modeling with gated convolutional networks", ICML 2017.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        *,
        kernel: int,
        rng: np.random.Generator,
        activation: str = "tanh",
        residual: bool = False,
        dtype: str = "float32",
    ) -> None:
        if residual and inputs != hidden:
            raise UsageError(
                f"a residual connection adds {inputs} inputs to {hidden} hidden units. Give as many of both, or "
                "residual=False."
            )
        self.inputs, self.hidden, self.kernel, self.residual = inputs, hidden, kernel, residual
        self.activation = activation if activation == GATED else check_activation(activation)
        self.affine = Affine(kernel * inputs, hidden * (1 + (activation == GATED)), rng=rng, dtype=dtype)
        self.params: dict[str, Param] = self.affine.params

    def start(self, batch: int) -> State:
        """As `Recurrent.start`: k - 1 inputs (B, (k - 1) E) of zeros."""
        W = self.params["W"].value
        return (ops_for(W).zeros((batch, (self.kernel - 1) * self.inputs), W.dtype),)

    def forward(self, x: Array, state: State, keep: Array | None = None, *, train=None) -> tuple[Array, State, Any]:
        """Forward as `Recurrent.forward`: y is h, or x + h with `residual`; the state is the last k - 1 inputs."""
        ops = ops_for(x)
        context = ops.context_forward(x, state[0], keep, self.kernel)  # 1: the last k inputs, (T, B, k E)
        a, _ = self.affine.forward(context)  # 2: (T, B, H), or 2 H
        activated: tuple[Array, ...]
        if self.activation == GATED:
            h, gate = ops.gate(a)  # 3
            activated = (a, gate)
        else:
            h = ops.activate(self.activation, a)
            activated = (h,)
        y = x + h if self.residual else h  # 4
        return y, (context[-1][:, self.inputs :],), (context, activated, keep)

    def backward(self, dy: Array | None, dstate: State | None, tape: Any, stop: int = 0) -> tuple[Array, State]:
        """Backward as `Recurrent.backward`; the gradient of the state is that of the k - 1 inputs before the window."""
        context, activated, keep = tape
        ops = ops_for(context)
        dcontext = None
        if dy is not None:
            dh = dy[stop:]
            if self.activation == GATED:
                da = ops.gate_backward(dh, activated[0][stop:], activated[1][stop:])  # 3b
            else:
                da = ops.activate_backward(self.activation, dh, activated[0][stop:])
            dcontext = self.affine.backward(da, context[stop:])  # 2b
            if stop:
                dcontext = ops.concatenate([ops.zeros((stop, *dcontext.shape[1:]), dcontext.dtype), dcontext])
        like_x = context[:, :, : self.inputs]
        dlast = None if dstate is None else dstate[0]
        dx, dbefore = ops.context_backward(dcontext, dlast, like_x, keep, self.kernel, stop)  # 1b
        if self.residual and dy is not None:
            dinput = dx[stop:]
            dinput += dy[stop:]  # 4b
        return dx, (dbefore,)
