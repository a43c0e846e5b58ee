"""Convolution over images and over time."""

from __future__ import annotations

import numpy as np

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array
from . import initializers
from .param import Param
from .windows import Pair, Windows


class Convolution2d:
    """Convolution over images: the same filters at every place.

        y[n, i, j, f] = b[f] + Σ_uvc x[n, i·s + u - p, j·s + v - p, c] W[u, v, c, f]

    x (N, h, w, C), W (kh, kw, C / groups, F), b (F,) -> y (N, oh, ow, F), with oh = (h + 2p - kh) // s + 1. Outside
    the image x is 0. `size` and `stride` are a number or a pair (rows, columns), `padding` p too, or "same": as many
    zeros as keep h and w, for stride 1. With groups, the filters are divided likewise and each part sees its share of
    the channels only (Krizhevsky, Sutskever & Hinton 2012). Starts with `init` (He et al. 2015) and b = 0. The tape is
    x. `first` says that nobody needs dx, since the layer stands first: `backward` saves that work and returns None.

    LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel 1989.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        size: int | Pair,
        *,
        stride: int | Pair = 1,
        padding: int | Pair | str = 0,
        groups: int = 1,
        bias: bool = True,
        first: bool = False,
        rng: np.random.Generator,
        init=initializers.he,
        dtype: str = "float32",
    ) -> None:
        kind = type(self).__name__
        for name, value in (("channels", channels), ("filters", filters), ("groups", groups)):
            if value < 1:
                raise UsageError(f"{kind}: {name}={value} is too small. Give {name} >= 1.")
        for name, value in (("channels", channels), ("filters", filters)):
            if value % groups:
                raise UsageError(f"{kind}: {name}={value} cannot be divided into groups={groups}. Give a multiple.")
        self.windows = Windows(kind, size, stride, padding)
        self.channels, self.groups, self.first = channels, groups, first
        shape = (*self.windows.size, channels // groups, filters)
        self.params = {"W": Param.starting(init, rng, shape, dtype)}
        if bias:
            self.params["b"] = Param.starting(initializers.zeros, rng, (filters,), dtype)

    def forward(self, x: Array, *, train=None) -> tuple[Array, Array]:
        """Forward as `Layer.forward`: images x (N, h, w, C) -> y (N, oh, ow, F)."""
        self._check(x)
        W, b, ops = self.params["W"].value, self.params.get("b"), ops_for(x)
        bordered = ops.bordered(x, self.windows.border)
        parts = [
            ops.convolve(bordered[..., c], W[..., f], None if b is None else b.value[f], self.windows.stride)
            for c, f in self._parts()
        ]
        return parts[0] if self.groups == 1 else ops.concatenate(parts, axis=3), x

    def backward(self, dy: Array, tape: Array) -> Array | None:
        """Backward as `Layer.backward`: dx (N, h, w, C), or None for a layer that is `first`."""
        x, W, ops = tape, self.params["W"], ops_for(dy)
        size, stride, border = self.windows.size, self.windows.stride, self.windows.border
        bordered = ops.bordered(x, border)
        gradients = [ops.filter_gradient(bordered[..., c], dy[..., f], stride, size) for c, f in self._parts()]
        joined = (ops.concatenate(list(groups), axis=-1) for groups in zip(*gradients, strict=True))
        dW, db = gradients[0] if self.groups == 1 else joined
        W.add(dW)
        if "b" in self.params:
            self.params["b"].add(db)
        if self.first:
            return None
        image = bordered.shape[1:3]
        parts = [ops.convolve_backward(dy[..., f], W.value[..., f], stride, image) for _, f in self._parts()]
        dx = parts[0] if self.groups == 1 else ops.concatenate(parts, axis=3)
        return ops.without_border(dx, border)

    def _parts(self) -> list[tuple[slice, slice]]:
        """The channels and the filters of each group, as slices."""
        c, f = self.channels // self.groups, self.params["W"].value.shape[3] // self.groups
        return [(slice(g * c, (g + 1) * c), slice(g * f, (g + 1) * f)) for g in range(self.groups)]

    def _check(self, x: Array) -> None:
        self.windows.check(x)
        if x.shape[3] != self.channels:
            raise UsageError(
                f"{self.windows.layer} of {self.channels} channels got images of {x.shape[3]}, shape {x.shape}. "
                "Give channels last."
            )


class Convolution1d(Convolution2d):
    """Convolution over time: the same filters at every step of a sequence.

        y[t, b, f] = bias[f] + Σ_uc x[t·s + u - p, b, c] W[u, 0, c, f]

    x (T, B, C), W (k, 1, C / groups, F) -> y (T', B, F). It is the convolution over an image of T rows and B columns.
    With `causal`, y[t] sees x[t - k + 1] … x[t]: the padding stands before the beginning only, and T' = T for stride 1.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        size: int,
        *,
        stride: int = 1,
        padding: int | str = 0,
        causal: bool = False,
        groups: int = 1,
        bias: bool = True,
        first: bool = False,
        rng: np.random.Generator,
        init=initializers.he,
        dtype: str = "float32",
    ) -> None:
        if causal and padding != 0:
            raise UsageError(f"Convolution1d: causal=True fixes the padding, padding={padding!r} cannot be had too.")
        super().__init__(
            channels,
            filters,
            (size, 1),
            stride=(stride, 1),
            padding=padding if padding == "same" else (padding, 0),  # type: ignore[arg-type]
            groups=groups,
            bias=bias,
            first=first,
            rng=rng,
            init=init,
            dtype=dtype,
        )
        if causal:
            self.windows.border = (size - 1, 0), (0, 0)

    def forward(self, x: Array, *, train=None) -> tuple[Array, Array]:
        """Forward as `Layer.forward`: sequences x (T, B, C) -> y (T', B, F). UsageError for other axes."""
        if x.ndim != 3:
            raise UsageError(f"Convolution1d got an array of shape {x.shape}. Give sequences (T, B, channels).")
        y, tape = super().forward(x[None])
        return y[0], tape

    def backward(self, dy: Array, tape: Array) -> Array | None:
        """Backward as `Layer.backward`: dx (T, B, C), or None for a layer that is `first`."""
        dx = super().backward(dy[None], tape)
        return None if dx is None else dx[0]
