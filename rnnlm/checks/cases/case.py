"""The class `Case`, a layer whose gradients are checked, and how each sort of layer is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...layers import Param
from ...ops import Reference, ops_for

Shape = tuple[int, ...]
Called = tuple[tuple, Callable[..., tuple]]  # (outputs, their gradients -> the gradients of the inputs)

TRAIN = (7, 3)  # seed and number of the update, which dropout masks depend on
KEEP = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1], [1, 0, 0], [1, 1, 1]])  # (T, B), 0 where a sentence starts
IDS = np.array([[3, 1], [-1, 3], [0, 10]])  # (T, B) word ids, -1 for no word


def learning(layer: Any, x: Any) -> Called:
    """Call a layer without memory as in training."""
    y, tape = layer.forward(x, train=TRAIN)
    return (y,), lambda dy: (layer.backward(dy, tape),)


def used(layer: Any, x: Any) -> Called:
    """Call a layer without memory as after training."""
    y, tape = layer.forward(x)
    return (y,), lambda dy: (layer.backward(dy, tape),)


def looked_up(layer: Any) -> Called:
    """Call an embedding on word ids, which have no gradient."""
    y, tape = layer.forward(IDS)

    def backward(dy: Any) -> tuple:
        layer.backward(dy, tape)
        return ()

    return (y,), backward


def window(layer: Any, x: Any, *state: Any) -> Called:
    """Call a recurrent layer on a window in which sentences start; the state is an input and an output too."""
    y, after, tape = layer.forward(x, state, ops_for(x).asarray(KEEP, x.dtype), train=TRAIN)

    def backward(dy: Any, *dstate: Any) -> tuple:
        dx, dbefore = layer.backward(dy, dstate, tape)
        return dx, *dbefore

    return (y, *after), backward


def scored(target: np.ndarray) -> Callable[..., Called]:
    """Return the function that calls an output layer or a loss with these targets and sums over the rows."""

    def run(layer: Any, y: Any) -> Called:
        loss, tape = layer.forward(y, target)
        return (loss.sum(),), lambda scale: (layer.backward(tape, scale),)

    return run


def mask(shape: tuple[int, ...], rate: float, number: int = 0) -> np.ndarray:
    """Return the mask that the dropout layer of this number multiplies by."""
    seed, step = TRAIN
    return Reference(np).dropout_mask(shape, rate, (seed * 64 + number, step), np.float64)


@dataclass(frozen=True, eq=False)
class Case:
    """A layer with its formula, and the point at which its gradients are checked.

    `layer`    the name of its class
    `make`     (generator, precision) -> the layer
    `inputs`   the shapes of its inputs by name
    `formula`  the same in autograd.numpy: (parameters by name, *inputs) -> outputs
    `variant`  which of several cases of the layer, "" for the only one
    `run`      (layer, *inputs) -> outputs and backward function; see `learning`
    `params`   layer -> its parameters by name
    `fixed`    parameters that have no gradient
    `scale`    the standard deviation of the inputs
    `on_gpu`   whether the layer works on CuPy arrays
    """

    layer: str
    make: Callable[[np.random.Generator, str], Any]
    inputs: Mapping[str, Shape]
    formula: Callable[..., Any]
    variant: str = ""
    run: Callable[..., Called] = learning
    params: Callable[[Any], Mapping[str, Param]] = lambda layer: getattr(layer, "params", {})
    fixed: frozenset[str] = field(default=frozenset())
    scale: float = 1.0
    on_gpu: bool = True


def each_row(formula: Callable[..., Any], target: np.ndarray) -> Callable[..., Any]:
    """Return (parameters, y) -> the sum of formula(parameters, row, target) over the rows of y."""
    return lambda p, y: sum(formula(p, y[row], t) for row, t in enumerate(target))
