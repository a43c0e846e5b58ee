"""The affine map."""

from __future__ import annotations

import numpy as np

from ..ops import ops_for
from ..ops.arrays import Array
from . import initializers
from .param import Param


class Affine:
    """The affine map y = x W + b, also called a fully connected, dense or linear layer.

    x (…, n_in), W (n_in, n_out), b (n_out,) -> y (…, n_out). Starts with `init` (Glorot & Bengio 2010) and b = 0.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        rng: np.random.Generator,
        bias: bool = True,
        init=initializers.glorot_uniform,
        dtype: str = "float32",
    ) -> None:
        self.params = {"W": Param.starting(init, rng, (n_in, n_out), dtype)}
        if bias:
            self.params["b"] = Param.starting(initializers.zeros, rng, (n_out,), dtype)

    def forward(self, x: Array, *, train=None) -> tuple[Array, Array]:
        """Forward as `Layer.forward`: x (…, n_in) -> y (…, n_out). The tape is x."""
        W, b = self.params["W"].value, self.params.get("b")
        return ops_for(x).affine(x, W, None if b is None else b.value), x

    def backward(self, dy: Array, tape: Array) -> Array:
        """Backward as `Layer.backward`: dx = dy W', dW = Σ x' dy and db = Σ dy over all rows."""
        x, W, ops = tape, self.params["W"], ops_for(dy)
        flat = dy.reshape(-1, dy.shape[-1])  # (N, n_out)
        W.add(ops.weight_gradient(x.reshape(-1, x.shape[-1]), flat))
        if "b" in self.params:
            self.params["b"].add(flat.sum(0))
        return ops.affine_backward(dy, W.value)
