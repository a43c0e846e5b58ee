"""Recurrent layers on top of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..layers import Affine, Dropout, Param
from ..ops.arrays import Array
from .recurrent import Recurrent, State


class Stack:
    """Recurrent layers, each fed by the one below through dropout and an affine map; itself a Recurrent.

    between[i] leads from layer i to layer i + 1; without `between` each layer takes what the one below gives. The state
    is the layers' states in a row, each of as many arrays as the layer keeps. Dropout acts on the way up and on the way
    out, never along time (Zaremba, Sutskever & Vinyals, "Recurrent neural network regularization", 2014).
    """

    def __init__(
        self, layers: Sequence[Recurrent], between: Sequence[Affine] | None = None, dropout: float = 0.0
    ) -> None:
        self.layers = layers
        self.between = between or []
        self.dropouts = [Dropout(dropout, number) for number in range(1, 1 + len(layers))]
        self.sizes = [len(layer.start(1)) for layer in layers]  # arrays in each layer's state
        self.params: dict[str, Param] = {}
        for number, layer in enumerate(layers):
            self.params |= {f"{number}.{name}": param for name, param in layer.params.items()}
        for number, affine in enumerate(self.between, 1):
            self.params |= {f"{number}.input.{name}": param for name, param in affine.params.items()}

    def start(self, batch: int) -> State:
        """As `Recurrent.start`: the layers' states one after another."""
        return tuple(part for layer in self.layers for part in layer.start(batch))

    def _split(self, state: State) -> list[State]:
        """The part of a state that belongs to each layer."""
        parts, rest = [], state
        for size in self.sizes:
            parts.append(rest[:size])
            rest = rest[size:]
        return parts

    def forward(
        self, x: Array, state: State, keep: Array | None = None, *, train: tuple[int, int] | None = None
    ) -> tuple[Array, State, Any]:
        """Forward as `Recurrent.forward`, from the lowest layer to the top one. The tape has an entry a layer."""
        after: State = ()
        tapes = []
        for number, (layer, dropout, layer_state) in enumerate(
            zip(self.layers, self.dropouts, self._split(state), strict=True)
        ):
            affine_tape = None
            if number and self.between:
                x, affine_tape = self.between[number - 1].forward(x)
            h, layer_state, layer_tape = layer.forward(x, layer_state, keep, train=train)
            x, mask = dropout.forward(h, train=train)
            after += layer_state
            tapes.append((affine_tape, layer_tape, mask))
        return x, after, tapes

    def backward(self, dy: Array | None, dstate: State | None, tape: Any, stop: int = 0) -> tuple[Array, State]:
        """Backward as `Recurrent.backward`, from the top layer down."""
        before: State = ()
        dlayer_states = [None] * len(self.layers) if dstate is None else self._split(dstate)
        for number in range(len(self.layers) - 1, -1, -1):
            affine_tape, layer_tape, mask = tape[number]
            dh = None if dy is None else self.dropouts[number].backward(dy, mask)
            dy, dlayer_state = self.layers[number].backward(dh, dlayer_states[number], layer_tape, stop)
            before = dlayer_state + before
            if number and self.between:
                dy = self.between[number - 1].backward(dy, affine_tape)
        return dy, before
