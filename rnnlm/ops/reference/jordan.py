"""Jordan's recurrence over a whole window of steps; see `recurrence` for the letters."""

from __future__ import annotations

from typing import NamedTuple

from ..arrays import Array
from .elementwise import ElementwiseOps
from .recurrence import RecurrenceOps
from .softmax import SoftmaxOps


class JordanWeights(NamedTuple):
    """The weights of Jordan's network: H hidden units, n outputs that are fed back."""

    U: Array  # (n, H), from the fed-back output to the hidden units
    b: Array  # (H,)
    deep: list[tuple[Array, Array]]  # (A (H, H), c (H,)) of every hidden layer above the first
    R: Array  # (n, H), a row for each output
    r: Array  # (n,)


class JordanStates(NamedTuple):
    """What every step of a window has computed."""

    hidden: list[Array]  # (T, B, H) of each hidden layer, the first one first
    z: Array  # (T, B, n), the outputs that are fed back


class JordanOps(ElementwiseOps, SoftmaxOps, RecurrenceOps):
    """The time loop forward, and backward through the same steps (M. Jordan, "Serial order", 1986)."""

    def jordan_forward(
        self, x: Array, weights: JordanWeights, z0: Array, keep: Array | None, activation: str
    ) -> JordanStates:
        """h_t = f(x_t + z_{t-1} U + b), then the `deep` layers h ← f(h A + c), then z_t = softmax(h R' + r).

        x (T, B, H), z0 (B, n) the output before the window.
        """
        xp = self.xp
        U, b, deep, R, r = weights
        a = x + b
        hidden = [xp.empty_like(a) for _ in range(1 + len(deep))]
        z = xp.empty((*x.shape[:2], len(R)), dtype=a.dtype)
        previous = z0
        for t in range(len(x)):
            if keep is not None:
                previous = previous * keep[t][:, None]
            hidden[0][t] = h = self.activate(activation, a[t] + previous @ U)  # 1: hidden
            for (A, c), layer in zip(deep, hidden[1:], strict=True):
                layer[t] = h = self.activate(activation, h @ A + c)  # 2: hidden layers above it
            z[t] = previous = self.softmax(h @ R.T + r)  # 3: the output that is fed back
        return JordanStates(hidden, z)

    def jordan_backward(
        self,
        dh: Array | None,
        dlast: Array | None,
        states: JordanStates,
        z0: Array,
        weights: JordanWeights,
        keep: Array | None,
        activation: str,
        stop: int,
    ) -> tuple[list[Array], Array, Array]:
        """From dh (T, B, H) of the top layer and dlast (B, n) of the last output: (da, dlogits, dz0).

        da (T, B, H) of every layer and dlogits (T, B, n) are zero before `stop`; dz0 (B, n) belongs to the output
        before that step.
        """
        xp = self.xp
        (hidden, z), (U, _, deep, R, _) = states, weights
        das = [xp.zeros_like(h) for h in hidden]
        dlogits = xp.zeros_like(z)
        dz = xp.zeros_like(z0) if dlast is None else dlast
        for t in range(len(z) - 1, stop - 1, -1):
            dlogits[t] = z[t] * (dz - (z[t] * dz).sum(-1, keepdims=True))  # 3b
            d = dlogits[t] @ R
            if dh is not None:
                d = d + dh[t]
            for layer in range(len(deep), 0, -1):  # 2b
                das[layer][t] = self.activate_backward(activation, d, hidden[layer][t])
                d = das[layer][t] @ deep[layer - 1][0].T
            das[0][t] = self.activate_backward(activation, d, hidden[0][t])  # 1b
            dz = das[0][t] @ U.T
            if keep is not None:
                dz = dz * keep[t][:, None]
        return das, dlogits, dz
