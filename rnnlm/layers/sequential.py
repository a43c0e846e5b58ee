"""Layers in a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import UsageError
from ..ops.arrays import Array
from .dropout import Dropout
from .layer import Layer
from .param import Param


class Sequential:
    """Layers one after another, each fed by the one before; a Sequential is itself a layer and can contain others.

    Parameters are called after the place of their layer, counted from 1: "1.W", "1.b", "3.W". Backward goes through the
    layers in reverse; one that returns None, because its input needs no gradient, ends it there, and None is
    what comes back. Raises UsageError for two Dropout layers of the same number, whose masks would be the same, and
    for an input that a layer cannot take, naming the layer.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)
        numbers = [dropout.number for dropout in _dropouts(self.layers)]
        repeated = next((number for number in numbers if numbers.count(number) > 1), None)
        if repeated is not None:
            raise UsageError(
                f"{numbers.count(repeated)} Dropout layers have the number {repeated}, so their masks would be the "
                "same. Give each its own: Dropout(rate, 1), Dropout(rate, 2)."
            )
        self.params: dict[str, Param] = {
            f"{place}.{name}": param
            for place, layer in enumerate(self.layers, 1)
            for name, param in layer.params.items()
        }

    def forward(self, x: Array, *, train: tuple[int, int] | None = None) -> tuple[Array, list[Any]]:
        """Forward as `Layer.forward`, through all layers in order. The tape is the list of their tapes.

        Raises UsageError, with the place and the type of the layer, for an input that one of them cannot take.
        """
        tapes = []
        for place, layer in enumerate(self.layers, 1):
            shape = x.shape
            try:
                x, tape = layer.forward(x, train=train)
            except ValueError as error:
                raise UsageError(
                    f"layer {place} ({type(layer).__name__}) cannot take an input of shape {shape}: {error}"
                ) from error
            tapes.append(tape)
        return x, tapes

    def backward(self, dy: Array, tape: list[Any]) -> Array | None:
        """Backward as `Layer.backward`, through the layers in reverse; None where one of them returns None."""
        dx: Array | None = dy
        for layer, layer_tape in zip(reversed(self.layers), reversed(tape), strict=True):
            dx = layer.backward(dx, layer_tape)
            if dx is None:
                break
        return dx


def _dropouts(layers: Sequence[Layer]) -> Iterator[Dropout]:
    """The Dropout layers, also those inside Sequentials among the layers."""
    for layer in layers:
        if isinstance(layer, Dropout):
            yield layer
        elif isinstance(layer, Sequential):
            yield from _dropouts(layer.layers)
