"""Dividing by what stands beside a number: across channels, over a batch, over a layer."""

from __future__ import annotations

from ..arrays import Array, ArrayOps


class NormalizationOps(ArrayOps):
    """Local response normalization, and the mean 0 and variance 1 of batch and layer normalization."""

    def local_response(self, x: Array, reach: int, k: float, alpha: float, beta: float) -> tuple[Array, Array, Array]:
        """y = x s^-β with s = k + α Σ x_j² over the channels j up to `reach` away: (y, s, s^-β); x (…, C)."""
        s = self._neighbours(x * x, reach)
        s *= alpha
        s += k
        power = self.xp.exp(-beta * self.xp.log(s))  # half the time of s ** -beta
        return x * power, s, power

    def local_response_backward(
        self, dy: Array, x: Array, s: Array, power: Array, reach: int, alpha: float, beta: float
    ) -> Array:
        """dx_i = dy_i s_i^-β - 2 α β x_i Σ_j dy_j x_j s_j^(-β-1); to be a neighbour is mutual."""
        straight = dy * power
        beside = self._neighbours(straight * x / s, reach)
        beside *= x
        beside *= 2 * alpha * beta
        return straight - beside

    def _neighbours(self, a: Array, reach: int) -> Array:
        """Σ of a_j over |j - i| ≤ reach along the last axis, with nothing beyond its ends."""
        total = a.copy()
        for distance in range(1, min(reach, a.shape[-1] - 1) + 1):
            total[..., distance:] += a[..., :-distance]
            total[..., :-distance] += a[..., distance:]
        return total

    def normalize(self, x: Array, axis: int, eps: float) -> tuple[Array, Array, Array, Array]:
        """z = (x - mean) r, r = 1/√(variance + ε), along one axis: (z, r, mean, variance), the last three kept as 1."""
        mean = x.mean(axis, keepdims=True)
        centred = x - mean
        variance = (centred * centred).mean(axis, keepdims=True)
        r = 1 / self.xp.sqrt(variance + eps)
        centred *= r
        return centred, r, mean, variance

    def normalize_backward(self, dz: Array, z: Array, r: Array, axis: int) -> Array:
        """dx = r (dz - mean dz - z · mean of dz z): mean and variance depend on x too."""
        return r * (dz - dz.mean(axis, keepdims=True) - z * (dz * z).mean(axis, keepdims=True))
