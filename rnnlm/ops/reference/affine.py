"""The affine map's matrix products."""

from __future__ import annotations

from ..arrays import Array, ArrayOps


class AffineOps(ArrayOps):
    """y = x W + b and its gradients; x (…, n_in), W (n_in, n_out), b (n_out,)."""

    def affine(self, x: Array, W: Array, b: Array | None) -> Array:
        """y = x W + b, (…, n_out); without b where it is None."""
        y = x @ W
        return y if b is None else y + b

    def affine_backward(self, dy: Array, W: Array) -> Array:
        """dx = dy W', (…, n_in)."""
        return dy @ W.T

    def weight_gradient(self, x: Array, dy: Array) -> Array:
        """dW = x' dy, (n_in, n_out), over all rows of x (N, n_in) and dy (N, n_out)."""
        return x.T @ dy
