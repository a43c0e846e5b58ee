"""Cases of the recurrent layers and the other layers with memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.random import Generator

from ... import layers, recurrent
from ..formulas import context
from ..formulas import recurrent as ref
from .case import KEEP, Case, Shape, mask, window
from .outputs import MAKERS, H, V, class_starts
from .own import ELMAN

T, B = KEEP.shape
RATE = 0.4


def unrolled(step: Callable[[Any], Any], *masked: int) -> Callable[..., Any]:
    """Return the formula that runs a step of the formulas over the window: (parameters, x, *state) -> (y, *state).

    `masked` are the sizes of the vectors that the dropout layers 1, 2, … act on.
    """
    masks = [mask((T, B, size), RATE, number) for number, size in enumerate(masked, 1)]

    def formula(p: Any, x: Any, *state: Any) -> tuple:
        y, after = ref.unroll(step(p), x, state, KEEP, masks)
        return y, *after

    return formula


def inputs(*state: int) -> Mapping[str, Shape]:
    """Return the shapes of x (T, B, H) and of the arrays of the state, whose sizes are given."""
    return {"x": (T, B, H)} | {f"state {number}": (B, n) for number, n in enumerate(state, 1)}


def elman(activation: str) -> Case:
    """Return the case of an Elman layer with this activation."""

    def make(r: Generator, d: str) -> recurrent.Elman:
        return recurrent.Elman(H, rng=r, activation=activation, dtype=d)

    formula = unrolled(lambda p: ref.elman(p, activation))
    scale = 15 if activation == "clipped_relu" else 1  # so that units lie on both sides of the limit
    return Case("Elman", make, inputs(H), formula, activation, window, scale=scale)


def jordan(readout: str) -> Case:
    """Return the case of a Jordan layer with two hidden layers, whose feedback is one of words, classes, embedding."""

    def make(r: Generator, d: str) -> recurrent.Jordan:
        output: Any = MAKERS["ClassSoftmax" if readout == "classes" else "Softmax"](V, H, r, d)
        table = layers.Embedding(V, H, rng=r, dtype=d).params["W"] if readout == "embedding" else None
        return recurrent.Jordan(H, rng=r, readout=output.readout(), feedback=table, layers=2, dropout=RATE, dtype=d)

    def params(layer: recurrent.Jordan) -> dict[str, layers.Param]:
        return layer.params | {"U": layer.U, "R": layer.R, "r": layer.r}

    state = len(class_starts(V)) - 1 if readout == "classes" else V
    formula = unrolled(lambda p: ref.jordan(p, "tanh", 2), H)
    return Case("Jordan", make, inputs(state), formula, readout, window, params)


def stack(r: Generator, d: str) -> recurrent.Stack:
    """Return two Elman layers on top of each other, with an affine layer between them and dropout."""
    between = [layers.Affine(H, H, rng=r, dtype=d)]
    return recurrent.Stack([recurrent.Elman(H, rng=r, dtype=d) for _ in range(2)], between, RATE)


def causal(activation: str, residual: bool) -> Case:
    """Return the case of a causal convolution over three inputs, with or without a residual connection."""

    def make(r: Generator, d: str) -> recurrent.CausalConvolution:
        return recurrent.CausalConvolution(H, H, kernel=3, rng=r, activation=activation, residual=residual, dtype=d)

    def formula(p: Any) -> Any:
        return context.convolution({f"0.{name}": array for name, array in p.items()}, activation, 1, residual)

    return Case("CausalConvolution", make, inputs(2 * H), unrolled(formula), activation, window)


RECURRENT = [
    *(elman(name) for name in ref.ACTIVATIONS),
    *(jordan(readout) for readout in ("words", "classes", "embedding")),
    Case("Stack", stack, inputs(H, H), unrolled(lambda p: ref.stack(p, "tanh", 2), H, H), run=window),
    Case(
        "FeedForward",
        lambda r, d: recurrent.FeedForward(
            H, 4, window=3, rng=r, layers=2, direct=True, activation="tanh", dropout=RATE, dtype=d
        ),
        inputs(2 * H),
        unrolled(lambda p: context.feedforward(p, "tanh", 2, True), 4, 4 + 3 * H),
        run=window,
    ),
    causal("tanh", residual=False),
    causal("gated", residual=True),
    Case(
        "Custom",
        lambda r, d: recurrent.Custom(ELMAN, H, rng=r, dtype=d),
        inputs(H),
        unrolled(lambda p: ref.elman(p, "tanh")),
        run=window,
        on_gpu=False,  # autograd works on NumPy arrays only
    ),
]
