"""Batch normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array
from . import initializers
from .param import Param
from .scaled import Scaled


class BatchNorm(Scaled):
    """Normalizes each feature by its mean and variance over the batch.

        y = gain · (x - mean) / √(variance + ε) + b

    x (…, features): vectors, images with channels last, sequences (T, B, features), where the statistics run over steps
    and streams (sequence-wise normalization: Amodei et al., "Deep Speech 2", 2016); padded steps count like others.
    While a model learns (`train` is given), mean and variance are those of the N numbers that each feature has, the
    variance divided by N, and running ones follow them, the variance as its unbiased estimate, divided by N - 1:

        running = momentum · running + (1 - momentum) · batch

    Otherwise the running ones are used. They are the parameters "mean" (starts at 0) and "variance" (at 1), which no
    gradient touches: they are the one thing that a forward pass changes. Raises UsageError while learning from a
    batch of one row, whose variance says nothing.

    S. Ioffe & C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
    shift", ICML 2015.
    """

    def __init__(
        self,
        features: int,
        *,
        momentum: float = 0.9,
        eps: float = 1e-5,
        dtype: str = "float32",
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(features, eps=eps, dtype=dtype, rng=rng)
        if not 0 <= momentum < 1:
            raise UsageError(f"momentum={momentum} of BatchNorm is not a share of the past. Give 0 <= momentum < 1.")
        self.momentum = momentum
        self.params["mean"] = Param.starting(initializers.zeros, rng, (features,), dtype)
        self.params["variance"] = Param.starting(initializers.ones, rng, (features,), dtype, least=0)

    def forward(self, x: Array, *, train: tuple[int, int] | None = None) -> tuple[Array, Any]:
        """Forward as `Layer.forward`; with `train`, it also updates the running mean and variance."""
        rows, ops = self._rows(x), ops_for(x)
        mean, variance = self.params["mean"].value, self.params["variance"].value
        if train is None:
            r = 1 / ops.xp.sqrt(variance + self.eps)
            z = (rows - mean) * r
        else:
            n = len(rows)
            if n < 2:
                raise UsageError(
                    f"BatchNorm cannot learn from a batch of {n} row (input of shape {x.shape}): "
                    "its variance is unknown. Give batches of 2 or more."
                )
            z, r, batch_mean, batch_variance = ops.normalize(rows, 0, self.eps)
            mean[...] = self.momentum * mean + (1 - self.momentum) * batch_mean[0]
            variance[...] = self.momentum * variance + (1 - self.momentum) * n / (n - 1) * batch_variance[0]
        return self._scale(z).reshape(x.shape), (z, r, train)

    def backward(self, dy: Array, tape: Any) -> Array:
        """Backward as `Layer.backward`: the batch's mean and variance depend on x too, the running ones do not."""
        z, r, train = tape
        dz = self._scale_backward(self._rows(dy), z)
        dx = dz * r if train is None else ops_for(dy).normalize_backward(dz, z, r, 0)
        return dx.reshape(dy.shape)
