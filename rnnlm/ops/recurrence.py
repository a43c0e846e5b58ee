"""Recurrences over a whole window of steps: the time loops, forward and backward.

T steps, B streams, H hidden units. `keep` (T, B) is 0 where a sentence starts and clears the state there; `stop` is the
first step that the backward loop still visits (truncation). Weight gradients are one matrix product after the loop.
"""

from __future__ import annotations

from .arrays import Array
from .elementwise import ElementwiseOps
from .softmax import SoftmaxOps


class RecurrenceOps(ElementwiseOps, SoftmaxOps):
    """The loops of Elman's and Jordan's networks."""

    def elman_forward(self, x: Array, W: Array, b: Array, h0: Array, keep: Array | None, activation: str) -> Array:
        """h_t = f(x_t + h_{t-1} W + b): x (T, B, H), W (H, H), b (H,), h0 (B, H) -> h (T, B, H)."""
        a = x + b  # (T, B, H)
        h = self.xp.empty_like(a)
        previous = h0
        for t in range(len(x)):
            if keep is not None:
                previous = previous * keep[t][:, None]
            h[t] = previous = self.activate(activation, a[t] + previous @ W)
        return h

    def elman_backward(
        self,
        dh: Array | None,
        dlast: Array | None,
        h: Array,
        h0: Array,
        W: Array,
        keep: Array | None,
        activation: str,
        stop: int,
    ) -> tuple[Array, Array, Array, Array]:
        """From dh (T, B, H) and the gradient dlast of the last state: (da, dh0, dW, db), where dx = da."""
        T, _, H = h.shape
        da = self.xp.zeros_like(h)
        d = self.xp.zeros_like(h0) if dlast is None else dlast
        for t in range(T - 1, stop - 1, -1):
            if dh is not None:
                d = d + dh[t]
            da[t] = self.activate_backward(activation, d, h[t])
            d = da[t] @ W.T
            if keep is not None:
                d = d * keep[t][:, None]
        before = self.previous(h, h0, keep)
        flat = da[stop:].reshape(-1, H)
        return da, d, before[stop:].reshape(-1, H).T @ flat, flat.sum(0)

    def jordan_forward(
        self,
        x: Array,
        U: Array,
        b: Array,
        deep: list[tuple[Array, Array]],
        read: tuple[Array, Array],
        z0: Array,
        keep: Array | None,
        activation: str,
    ) -> tuple[list[Array], Array]:
        """h_t = f(x_t + z_{t-1} U + b), then the `deep` layers h ← f(h A + c), then z_t = softmax(h R' + r).

        x (T, B, H), U (n, H), R (n, H), z0 (B, n) -> the hidden vectors of every layer, each (T, B, H), and z (T, B,
        n).
        """
        xp = self.xp
        R, r = read
        a = x + b
        hs = [xp.empty_like(a) for _ in range(1 + len(deep))]
        z = xp.empty((*x.shape[:2], len(R)), dtype=a.dtype)
        previous = z0
        for t in range(len(x)):
            if keep is not None:
                previous = previous * keep[t][:, None]
            hs[0][t] = h = self.activate(activation, a[t] + previous @ U)  # 1: hidden
            for (A, c), layer in zip(deep, hs[1:], strict=True):
                layer[t] = h = self.activate(activation, h @ A + c)  # 2: hidden layers above it
            z[t] = previous = self.softmax(h @ R.T + r)  # 3: the output that is fed back
        return hs, z

    def jordan_backward(
        self,
        dh: Array | None,
        dlast: Array | None,
        hs: list[Array],
        z: Array,
        z0: Array,
        U: Array,
        deep: list[tuple[Array, Array]],
        R: Array,
        keep: Array | None,
        activation: str,
        stop: int,
    ) -> tuple[list[Array], Array, Array]:
        """From dh of the top layer and dlast (B, n): (da of every layer, dlogits (T, B, n), dz0)."""
        xp = self.xp
        das = [xp.zeros_like(h) for h in hs]
        dlogits = xp.zeros_like(z)
        dz = xp.zeros_like(z0) if dlast is None else dlast
        for t in range(len(z) - 1, stop - 1, -1):
            dlogits[t] = z[t] * (dz - (z[t] * dz).sum(-1, keepdims=True))  # 3b
            d = dlogits[t] @ R
            if dh is not None:
                d = d + dh[t]
            for layer in range(len(deep), 0, -1):  # 2b
                das[layer][t] = self.activate_backward(activation, d, hs[layer][t])
                d = das[layer][t] @ deep[layer - 1][0].T
            das[0][t] = self.activate_backward(activation, d, hs[0][t])  # 1b
            dz = das[0][t] @ U.T
            if keep is not None:
                dz = dz * keep[t][:, None]
        return das, dlogits, dz

    def previous(self, h: Array, h0: Array, keep: Array | None) -> Array:
        """The state that each step saw, (T, B, n): one step earlier, cleared where a sentence starts."""
        before = self.xp.concatenate([h0[None], h[:-1]])
        return before if keep is None else before * keep[:, :, None]
