"""Layer normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import ops_for
from ..ops.arrays import Array
from .scaled import Scaled


class LayerNorm(Scaled):
    """Normalizes each row by the mean and variance over its features.

        y = gain · (x - mean) / √(variance + ε) + b

    x (…, features), any number of axes before the last; the same while a model learns and when it is used. The variance
    is divided by the number of features. Raises UsageError as `Scaled` says.

    J. L. Ba, J. R. Kiros & G. Hinton, "Layer normalization", arXiv:1607.06450, 2016.
    """

    def __init__(
        self, features: int, *, eps: float = 1e-5, dtype: str = "float32", rng: np.random.Generator | None = None
    ) -> None:
        super().__init__(features, eps=eps, dtype=dtype, rng=rng)

    def forward(self, x: Array, *, train=None) -> tuple[Array, Any]:
        """Forward as `Layer.forward`: x (…, features) -> y of the same shape."""
        z, r, _, _ = ops_for(x).normalize(self._rows(x), -1, self.eps)
        return self._scale(z).reshape(x.shape), (z, r)

    def backward(self, dy: Array, tape: Any) -> Array:
        """Backward as `Layer.backward`: dx of the shape of x; mean and variance depend on x too."""
        z, r = tape
        dz = self._scale_backward(self._rows(dy), z)
        return ops_for(dy).normalize_backward(dz, z, r, -1).reshape(dy.shape)
