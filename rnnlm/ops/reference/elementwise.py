"""Activation functions with their derivatives, and a random mask that is the same on every machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..arrays import Array, ArrayOps

CLIP = 20.0  # the ceiling of the clipped ReLU in Hannun et al., "Deep Speech", 2014
LEAK = 0.01  # the slope of the leaky ReLU below 0 in Maas, Hannun & Ng, "Rectifier nonlinearities …", 2013


class Activation(NamedTuple):
    """y = f(a) and dy/da written in terms of the *output* y, so that a network need not keep a.

    That is possible because each of these functions is invertible wherever its derivative is not 0.
    """

    f: Callable[[Any, Array], Array]  # (xp, a) -> y
    slope: Callable[[Any, Array], Array]  # (xp, y) -> f'(a)


ACTIVATIONS: dict[str, Activation] = {
    # tanh' = 1 - y²
    "tanh": Activation(lambda xp, a: xp.tanh(a), lambda xp, y: 1 - y * y),
    # σ(a) = ½ + ½ tanh(a/2), which cannot overflow; σ' = y (1 - y)
    "logistic": Activation(lambda xp, a: 0.5 + 0.5 * xp.tanh(0.5 * a), lambda xp, y: y * (1 - y)),
    "relu": Activation(lambda xp, a: xp.maximum(a, 0), lambda xp, y: (y > 0).astype(y.dtype)),
    "clipped_relu": Activation(lambda xp, a: xp.clip(a, 0, CLIP), lambda xp, y: ((y > 0) & (y < CLIP)).astype(y.dtype)),
    "leaky_relu": Activation(
        lambda xp, a: xp.maximum(a, LEAK * a), lambda xp, y: xp.maximum((y > 0).astype(y.dtype), LEAK)
    ),
    # Clevert et al. 2016, α = 1: a for a > 0, e^a - 1 below, whose derivative is e^a = y + 1
    "elu": Activation(lambda xp, a: xp.where(a > 0, a, xp.expm1(xp.minimum(a, 0))), lambda xp, y: xp.minimum(y, 0) + 1),
}


class ElementwiseOps(ArrayOps):
    """Element by element: activations and dropout masks."""

    def activate(self, name: str, a: Array) -> Array:
        """y = f(a) for the activation called `name`."""
        return ACTIVATIONS[name].f(self.xp, a)

    def activate_backward(self, name: str, dy: Array, y: Array) -> Array:
        """da = dy · f'(a), from the output y."""
        return dy * ACTIVATIONS[name].slope(self.xp, y)

    def dropout(self, x: Array, rate: float, key: tuple[int, int]) -> Array:
        """x · mask: on the way forward, and with the same key on the way back."""
        return x * self.dropout_mask(x.shape, rate, key, x.dtype)

    def dropout_mask(self, shape: tuple[int, ...], rate: float, key: tuple[int, int], dtype: Any) -> Array:
        """0 with probability `rate`, 1/(1 - rate) otherwise: a hash of (key, position), not a stream of draws.

        Element i is a function of key = (seed, step) and i alone (counter-based, Salmon et al. 2011), so a resumed
        run needs no generator state and every machine gives the same mask. The mixing is the finalizer of
        MurmurHash3 (Appleby), once over the position and once more after the second key word.
        """
        xp = self.xp
        n = 1
        for size in shape:
            n *= size
        z = xp.arange(n, dtype=xp.uint32)
        for word in key:
            z = z ^ xp.asarray(mix_key(word), dtype=xp.uint32)
            z = z ^ (z >> 16)
            z = z * xp.asarray(0x85EBCA6B, dtype=xp.uint32)
            z = z ^ (z >> 13)
            z = z * xp.asarray(0xC2B2AE35, dtype=xp.uint32)
            z = z ^ (z >> 16)
        threshold = xp.asarray(dropout_threshold(rate), dtype=xp.uint32)
        return ((z >= threshold) * (1 / (1 - rate))).astype(dtype).reshape(shape)


def dropout_threshold(rate: float) -> int:
    """Hashes below this are dropped: `rate` of all that there are."""
    return min(round(rate * 2**32), 2**32 - 1)


def mix_key(word: int) -> int:
    """Spread a small integer over 32 bits (Weyl step by the golden ratio), so that neighbouring keys share no bits."""
    return (word * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019 >> 16) & 0xFFFFFFFF
