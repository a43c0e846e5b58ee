"""The blocks of a convolution network, each written as a short text: "conv 20 5", "pool 2", "norm", "affine 100".

| block                                             | layers                                           |
|---------------------------------------------------|--------------------------------------------------|
| conv F K [stride S] [pad P or same] [groups G]    | F filters of K×K, then the activation            |
| pool K [stride S] [pad P], average K …            | the largest of K×K numbers, or their mean        |
| norm, batch, layer                                | local response, batch, layer normalization       |
| affine H                                          | H units, then the activation                     |
| dropout R                                         | dropout at the rate R                            |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DataError, UsageError
from ..layers import (
    Activation,
    Affine,
    AveragePool2d,
    BatchNorm,
    Convolution2d,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    MaxPool2d,
)
from ..layers.initializers import for_activation

FORMS = {
    "conv": "conv FILTERS SIZE [stride S] [pad P|same] [groups G]",
    "pool": "pool SIZE [stride S] [pad P]",
    "average": "average SIZE [stride S] [pad P]",
    "norm": "norm",
    "batch": "batch",
    "layer": "layer",
    "affine": "affine UNITS",
    "dropout": "dropout RATE",
}


class Builder:
    """Builds the layers of a network block by block.

    `shape` is that of one input to the next layer, (h, w, C) or (n,); `units` is how many numbers the layers so far
    compute from one input, which memory estimates need.
    """

    def __init__(self, shape: Sequence[int], activation: str, rng: np.random.Generator, dtype: str) -> None:
        self.shape, self.activation, self.rng, self.dtype = tuple(shape), activation, rng, dtype
        self.layers: list[Layer] = []
        self.dropouts = self.units = 0

    def add(self, *layers: Layer, shape: tuple[int, ...] | None = None) -> None:
        """Append layers whose output for one input has this `shape`; None is the shape of their input."""
        self.shape = self.shape if shape is None else shape
        self.layers += layers
        self.units += len(layers) * math.prod(self.shape)

    def block(self, text: str) -> None:
        """Append a block. UsageError for one that is not known, or does not fit on the layers below it."""
        words = text.split()
        if not words or words[0] not in FORMS:
            raise UsageError(f"block {text!r} is not known. Blocks are: {', '.join(FORMS.values())}.")
        try:
            positional, named = _arguments(words[1:])
            _MAKERS[words[0]](self, *positional, **named)
        except DataError:  # from a file: see `WeightsOfFile`
            raise
        except UsageError as error:
            raise UsageError(f"block {text!r} on an input of {'×'.join(map(str, self.shape))}: {error}") from error
        except (TypeError, ValueError) as error:
            raise UsageError(f"block {text!r} is not written as it should be: {FORMS[words[0]]}.") from error

    def affine(self, size: int, *, activated: bool = True) -> None:
        """Append an affine map to `size` units, and the activation unless `activated` is False.

        Images are flattened first. UsageError for a size below 1.
        """
        units = _positive(size)
        if len(self.shape) > 1:
            self.add(Flatten(), shape=(math.prod(self.shape),))
        init = for_activation(self.activation if activated else "tanh")
        self.add(Affine(self.shape[0], units, rng=self.rng, init=init, dtype=self.dtype), shape=(units,))
        if activated:
            self.add(Activation(self.activation))

    def _convolution(self, filters: str, size: str, *, stride: str = "1", pad: str = "0", groups: str = "1") -> None:
        self._require_image()
        padding: Any = pad if pad == "same" else int(pad)
        patch = int(size) ** 2 * self.shape[2]
        layer = Convolution2d(
            self.shape[2],
            _positive(filters),
            int(size),
            stride=int(stride),
            padding=padding,
            groups=int(groups),
            first=not self.layers,
            rng=self.rng,
            init=for_activation(self.activation),
            dtype=self.dtype,
        )
        self.add(layer, Activation(self.activation), shape=(*layer.windows.places(self.shape), int(filters)))
        self.units += self.shape[0] * self.shape[1] * patch

    def _pool(self, size: str, *, stride: str | None = None, pad: str = "0") -> None:
        self._require_image()
        self._add_pool(MaxPool2d(int(size), None if stride is None else int(stride), int(pad)))

    def _average(self, size: str, *, stride: str | None = None, pad: str = "0") -> None:
        self._require_image()
        self._add_pool(AveragePool2d(int(size), None if stride is None else int(stride), int(pad)))

    def _add_pool(self, layer: MaxPool2d | AveragePool2d) -> None:
        self.add(layer, shape=(*layer.windows.places(self.shape), self.shape[2]))

    def _dropout(self, rate: str) -> None:
        self.add(Dropout(float(rate), self.dropouts))
        self.dropouts += 1

    def _require_image(self) -> None:
        if len(self.shape) != 3:
            raise UsageError(
                "it needs images, height × width × channels. Give the shape of the images, or take the model "
                "feedforward."
            )


_NAMED = ("stride", "pad", "groups")
_MAKERS: dict[str, Callable[..., None]] = {
    "conv": Builder._convolution,
    "pool": Builder._pool,
    "average": Builder._average,
    "norm": lambda self: self.add(LocalResponseNorm()),
    "batch": lambda self: self.add(BatchNorm(self.shape[-1], dtype=self.dtype, rng=self.rng)),
    "layer": lambda self: self.add(LayerNorm(self.shape[-1], dtype=self.dtype, rng=self.rng)),
    "affine": Builder.affine,
    "dropout": Builder._dropout,
}


def _arguments(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """The numbers behind a block's name, and the named ones after them: F K stride S -> [F, K], {stride: S}."""
    first = next((place for place, word in enumerate(words) if word in _NAMED), len(words))
    names, numbers = words[first::2], words[first + 1 :: 2]
    if len(names) != len(numbers) or len(set(names)) != len(names):
        raise ValueError("a name without its number, or one that comes twice")
    return words[:first], dict(zip(names, numbers, strict=True))


def _positive(number: str | int) -> int:
    """The number as a size. UsageError below 1."""
    if int(number) < 1:
        raise UsageError(f"{number} is not possible, give at least 1.")
    return int(number)
