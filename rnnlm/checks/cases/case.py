"""A layer as the gradients' checks see it, and how each sort of layer is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...layers import Param
from ...ops import Reference, ops_for

Shape = tuple[int, ...]
Called = tuple[tuple, Callable[..., tuple]]  # inputs -> (outputs, the way back from their gradients)

TRAIN = (7, 3)  # the seed and the update that masks belong to
KEEP = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1], [1, 0, 0], [1, 1, 1]])  # (T, B), 0 where a sentence starts
IDS = np.array([[3, 1], [-1, 3], [0, 10]])


def learning(layer: Any, x: Any) -> Called:
    """A map without memory while it learns."""
    y, tape = layer.forward(x, train=TRAIN)
    return (y,), lambda dy: (layer.backward(dy, tape),)


def used(layer: Any, x: Any) -> Called:
    """A map without memory when it is only used."""
    y, tape = layer.forward(x)
    return (y,), lambda dy: (layer.backward(dy, tape),)


def looked_up(layer: Any) -> Called:
    """A table: the ids have no gradient."""
    y, tape = layer.forward(IDS)

    def backward(dy: Any) -> tuple:
        layer.backward(dy, tape)
        return ()

    return (y,), backward


def window(layer: Any, x: Any, *state: Any) -> Called:
    """A recurrent layer over a window in which sentences start; what it remembers is input and output too."""
    y, after, tape = layer.forward(x, state, ops_for(x).asarray(KEEP, x.dtype), train=TRAIN)

    def backward(dy: Any, *dstate: Any) -> tuple:
        dx, dbefore = layer.backward(dy, dstate, tape)
        return dx, *dbefore

    return (y, *after), backward


def scored(target: np.ndarray) -> Callable[..., Called]:
    """An output layer or a loss with these targets: the sum over its rows."""

    def run(layer: Any, y: Any) -> Called:
        loss, tape = layer.forward(y, target)
        return (loss.sum(),), lambda scale: (layer.backward(tape, scale),)

    return run


def mask(shape: tuple[int, ...], rate: float, number: int = 0) -> np.ndarray:
    """What the Dropout layer of this number multiplies by."""
    seed, step = TRAIN
    return Reference(np).dropout_mask(shape, rate, (seed * 64 + number, step), np.float64)


@dataclass(frozen=True, eq=False)
class Case:
    """A layer, where it is looked at, and its `formula` in autograd.numpy: (parameters, *inputs) -> outputs."""

    layer: str
    make: Callable[[np.random.Generator, str], Any]  # (generator, precision) -> the layer
    inputs: Mapping[str, Shape]
    formula: Callable[..., Any]
    variant: str = ""
    run: Callable[..., Called] = learning
    params: Callable[[Any], Mapping[str, Param]] = lambda layer: getattr(layer, "params", {})
    fixed: frozenset[str] = field(default=frozenset())  # parameters that no gradient touches
    scale: float = 1.0  # of the inputs
    on_gpu: bool = True


def each_row(formula: Callable[..., Any], target: np.ndarray) -> Callable[..., Any]:
    """Σ of a formula (parameters, row, target) over the rows of y."""
    return lambda p, y: sum(formula(p, y[row], t) for row, t in enumerate(target))
