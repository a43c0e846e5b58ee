"""Gated units: one half of the numbers decides how much of the other half passes."""

from __future__ import annotations

from ..arrays import Array
from .elementwise import ElementwiseOps


class GatingOps(ElementwiseOps):
    """h = a · σ(g) for inputs [a, g] side by side, and its gradient: Dauphin et al. 2017."""

    def gate(self, x: Array) -> tuple[Array, Array]:
        """x = [a, g] (…, 2 H) -> h = a · σ(g) and σ(g), each (…, H)."""
        H = x.shape[-1] // 2
        opened = self.activate("logistic", x[..., H:])
        return x[..., :H] * opened, opened

    def gate_backward(self, dh: Array, x: Array, opened: Array) -> Array:
        """dx = [dh · σ(g), dh · a · σ'(g)] (…, 2 H), from σ(g)."""
        H = opened.shape[-1]
        slopes = self.activate_backward("logistic", dh * x[..., :H], opened)
        return self.concatenate([dh * opened, slopes], dh.ndim - 1)
