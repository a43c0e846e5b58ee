"""What batch and layer normalization share: a learnt gain and bias for each feature."""

from __future__ import annotations

import numpy as np

from ..errors import UsageError
from ..ops.arrays import Array
from . import initializers
from .param import Param


class Scaled:
    """y = gain · z + b over the last axis, for a normalized z; gain (features,) starts at 1, b (features,) at 0.

    `rng` is there for weights that come from a file (`WeightsOfFile`).
    Raises UsageError for fewer than one feature or an ε that is not positive, and for an input with other features.
    """

    def __init__(self, features: int, *, eps: float, dtype: str, rng: np.random.Generator | None = None) -> None:
        if features < 1:
            raise UsageError(f"{type(self).__name__} of {features} features is not possible. Give features >= 1.")
        if not eps > 0:
            raise UsageError(f"eps={eps} does not keep {type(self).__name__} from dividing by 0. Give eps > 0.")
        self.features, self.eps = features, eps
        self.params = {
            "gain": Param.starting(initializers.ones, rng, (features,), dtype),
            "b": Param.starting(initializers.zeros, rng, (features,), dtype),
        }

    def _rows(self, x: Array) -> Array:
        """x (…, features) as (N, features)."""
        if x.shape[-1:] != (self.features,):
            raise UsageError(
                f"{type(self).__name__} of {self.features} features got an input of shape {x.shape}. "
                f"Give one whose last axis is {self.features}."
            )
        return x.reshape(-1, self.features)

    def _scale(self, z: Array) -> Array:
        return z * self.params["gain"].value + self.params["b"].value

    def _scale_backward(self, dy: Array, z: Array) -> Array:
        """dgain = Σ dy z, db = Σ dy, and dz = dy · gain; dy and z (N, features)."""
        self.params["gain"].add((dy * z).sum(0))
        self.params["b"].add(dy.sum(0))
        return dy * self.params["gain"].value
