"""Jordan's recurrent network."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layers import Affine, Dropout, Param, initializers
from ..layers.activations import check_activation
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.reference.jordan import JordanStates, JordanWeights
from .recurrent import State


class Jordan:
    """Jordan's recurrence: the hidden units see the network's previous *output*.

        h_t = f(x_t + z_{t-1} U + b)        z_t = softmax(h_t R' + r)

    z (B, n) is the output distribution: over the words, or over the word classes where the softmax is class-factorized.
    `readout` = (R, r) are the output layer's own parameters, R (n, H) and r (n,), so what is fed back is what is
    predicted. `feedback` is U (n, H): None makes a matrix of its own; the input table instead feeds the *expected
    embedding* of the next word back, Σ_w P(w) E_w, with no more parameters. With `layers` > 1 further hidden layers
    h ← f(h A + c) stand between the first and the output. State: (z,), zero at the start. Dropout acts on the
    way to the loss, not on what is fed back.
    Backward, from the last step to the first:

        dl_t = z_t · (dz_t − z_t·dz_t)                dh_t = dy_t + dl_t R
        da_t = f'(h_t) · dh_t,  dx_t = da_t           dz_{t-1} = da_t U'
        dU = Σ z_{t-1}' da_t,  db = Σ da_t,  dR = Σ dl_t' h_t,  dr = Σ dl_t

    M. Jordan, "Serial order: a parallel distributed processing approach", ICS report 8604, 1986.
    """

    def __init__(
        self,
        hidden: int,
        *,
        rng: np.random.Generator,
        readout: tuple[Param, Param],
        feedback: Param | None = None,
        layers: int = 1,
        activation: str = "tanh",
        dropout: float = 0.0,
        dtype: str = "float32",
    ) -> None:
        self.hidden = hidden
        self.activation = check_activation(activation)
        self.dropout = Dropout(dropout, number=1)
        self.R, self.r = readout
        self.params = {"b": Param.starting(initializers.zeros, rng, (hidden,), dtype)}
        if feedback is None:
            size = len(self.R.value)
            feedback = self.params["U"] = Param.starting(initializers.uniform, rng, (size, hidden), dtype)
        self.U = feedback
        self.deep = [Affine(hidden, hidden, rng=rng, dtype=dtype) for _ in range(layers - 1)]
        for number, affine in enumerate(self.deep, 1):
            self.params |= {f"{number}.{name}": param for name, param in affine.params.items()}

    def start(self, batch: int) -> State:
        """As `Recurrent.start`: z (B, n) of zeros."""
        R = self.R.value
        return (ops_for(R).zeros((batch, len(R)), R.dtype),)

    def _weights(self) -> JordanWeights:
        deep = [(affine.params["W"].value, affine.params["b"].value) for affine in self.deep]
        return JordanWeights(self.U.value, self.params["b"].value, deep, self.R.value, self.r.value)

    def forward(self, x: Array, state: State, keep: Array | None = None, *, train=None) -> tuple[Array, State, Any]:
        """Forward as `Recurrent.forward`: y is the top hidden layer (T, B, H), the state after it the last z."""
        (z0,) = state
        states = ops_for(x).jordan_forward(x, self._weights(), z0, keep, self.activation)
        y, mask = self.dropout.forward(states.hidden[-1], train=train)
        return y, (states.z[-1],), (*states, z0, keep, mask)  # flat, as checkpoints of all versions hold it

    def backward(self, dy: Array | None, dstate: State | None, tape: Any, stop: int = 0) -> tuple[Array, State]:
        """Backward as `Recurrent.backward`, by the equations of the class.

        It also adds to the gradients of `readout`, and of `feedback` where that was given.
        """
        hidden, z, z0, keep, mask = tape
        ops = ops_for(z)
        dy = None if dy is None else self.dropout.backward(dy, mask)
        dlast = None if dstate is None else dstate[0]
        weights = self._weights()
        das, dlogits, dz0 = ops.jordan_backward(
            dy, dlast, JordanStates(hidden, z), z0, weights, keep, self.activation, stop
        )

        def flat(a: Array) -> Array:
            return a[stop:].reshape(-1, a.shape[-1])

        self.U.add(ops.weight_gradient(flat(ops.previous(z, z0, keep)), flat(das[0])))
        self.params["b"].add(flat(das[0]).sum(0))
        for affine, below, da in zip(self.deep, hidden, das[1:], strict=False):
            affine.params["W"].add(ops.weight_gradient(flat(below), flat(da)))
            affine.params["b"].add(flat(da).sum(0))
        self.R.add(ops.weight_gradient(flat(dlogits), flat(hidden[-1])))
        self.r.add(flat(dlogits).sum(0))
        return das[0], (dz0,)
