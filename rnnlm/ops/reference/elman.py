"""Elman's recurrence over a whole window of steps; see `recurrence` for the letters."""

from __future__ import annotations

from ..arrays import Array
from .elementwise import ElementwiseOps
from .recurrence import RecurrenceOps


class ElmanOps(ElementwiseOps, RecurrenceOps):
    """The time loop forward, and backward through the same steps (J. Elman, "Finding structure in time", 1990)."""

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
        """From dh (T, B, H) and the gradient dlast (B, H) of the last state: (da, dh0, dW, db), where dx = da.

        da (T, B, H) is zero before `stop`; dh0 (B, H) belongs to the state before that step.
        """
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
