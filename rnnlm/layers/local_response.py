"""Local response normalization."""

from __future__ import annotations

from typing import Any

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array


class LocalResponseNorm:
    """Divides each channel by the strength of the channels near it.

        y_i = x_i / (k + α Σ_j x_j²)^β,   j from i - n/2 to i + n/2, as far as there are channels

    x (…, C), n = `size`; n/2 is rounded down, so an even n is a window of n + 1 channels. The sum is not divided by n,
    as it is in PyTorch: `alpha` here is PyTorch's alpha / n. The defaults are the paper's; PyTorch's k is 1.
    Raises UsageError for n < 1, k that is not positive, or a negative α.

    A. Krizhevsky, I. Sutskever & G. Hinton, "ImageNet classification with deep convolutional neural networks", NIPS
    2012, section 3.3.
    """

    def __init__(self, size: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75) -> None:
        if size < 1:
            raise UsageError(f"size={size} of LocalResponseNorm is no number of channels. Give size >= 1.")
        if not k > 0 or not alpha >= 0:
            raise UsageError(f"k={k}, alpha={alpha} of LocalResponseNorm can divide by 0. Give k > 0 and alpha >= 0.")
        self.size, self.k, self.alpha, self.beta = size, k, alpha, beta
        self.params: dict = {}

    def forward(self, x: Array, *, train=None) -> tuple[Array, Any]:
        """Forward as `Layer.forward`: x (…, C) -> y of the same shape."""
        y, s, power = ops_for(x).local_response(x, self.size // 2, self.k, self.alpha, self.beta)
        return y, (x, s, power)

    def backward(self, dy: Array, tape: Any) -> Array:
        """Backward as `Layer.backward`: dx of the shape of x; a channel also divides those near it."""
        x, s, power = tape
        return ops_for(dy).local_response_backward(dy, x, s, power, self.size // 2, self.alpha, self.beta)
