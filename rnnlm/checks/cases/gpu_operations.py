"""Arguments, as in operations.py, for operations that only the CUDA backend overrides."""

from __future__ import annotations

import numpy as np

from ...ops.gradients import Dense, Gradient, RowSparse
from ...ops.reference.elementwise import ACTIVATIONS
from .numbers import Numbers
from .operations import CLASSES, LOGITS, WINDOWS, Arguments, case

SHAPES = [(1,), (3, 5), (70, 3, 13), (900, 131)]


@case(*SHAPES)
def activate_backward(r: Numbers, *shape: int) -> Arguments:
    """Yield gradients and outputs of every activation."""
    for name in ACTIVATIONS:
        yield name, r(*shape), r.hidden(name, *shape)


@case(*SHAPES)
def dropout_mask(r: Numbers, *shape: int) -> Arguments:
    """Yield arguments with a usual, a high and a tiny rate."""
    for rate, key in ((0.3, (1, 2)), (0.9, (77, 123_456)), (1e-12, (3, 0))):
        yield shape, rate, key, r.dtype


@case((1, 1), (3, 4), (70, 13), (900, 131))
def gate(r: Numbers, n: int, H: int) -> Arguments:
    """Yield pre-activations, of units and their gates, in two and in three dimensions."""
    yield (5 * r(n, 2 * H),)
    yield (5 * r(2, n, 2 * H),)


@case((1, 1), (3, 4), (70, 13), (900, 131))
def gate_backward(r: Numbers, n: int, H: int) -> Arguments:
    """Yield a gradient (n, H), the pre-activations (n, 2 H) and the gates (n, H)."""
    yield r(n, H), r(n, 2 * H), r.hidden("logistic", n, H)


@case(*LOGITS)
def log_softmax(r: Numbers, N: int, V: int, H: int) -> Arguments:
    """Yield logits in two and in three dimensions."""
    yield (5 * r(N, V),)
    yield (5 * r(2, N, V),)


@case(*LOGITS)
def softmax(r: Numbers, N: int, V: int, H: int) -> Arguments:
    """Yield logits in two and in three dimensions."""
    yield from log_softmax(r, N, V, H)


@case(*WINDOWS)
def previous(r: Numbers, T: int, B: int, H: int) -> Arguments:
    """Yield states of a window and the one before it, with and without sentence starts."""
    for keep in (None, r.keep(T, B)):
        yield r(T, B, H), r(B, H), keep


@case(*SHAPES)
def total(r: Numbers, *shape: int) -> Arguments:
    """Yield one array."""
    yield (r(*shape),)


@case(*SHAPES)
def square_sum(r: Numbers, *shape: int) -> Arguments:
    """Yield one array."""
    yield (r(*shape),)


def gradients(r: Numbers, V: int, H: int) -> list[Gradient]:
    """Return one gradient of each form except that of an outer product."""
    ids = np.flatnonzero(r.rng.random(V) < 0.5)
    spans = np.array([[V // 3, V // 2 + 1], [V // 2 + 1, V]])
    return [Dense(r(H, H), None), RowSparse(ids, r(len(ids), H)), Dense(r(V, H), spans), Dense(r(V), spans[:1])]


@case(*CLASSES[1:])
def gradient_norm(r: Numbers, N: int, V: int, C: int, H: int) -> Arguments:
    """Yield gradients of all forms, with and without an outer product."""
    yield (gradients(r, V, H),)
    yield ([*gradients(r, V, H), r.outer(N, V, C, H)],)


@case((3, 2), (30, 67), (300, 131))
def clip_norm(r: Numbers, V: int, H: int) -> Arguments:
    """Yield gradients with a limit below their norm, and with one above it."""
    for limit in (0.5, 1e4):
        yield gradients(r, V, H), limit


@case((3, 2), (30, 67), (300, 131))
def clip_value(r: Numbers, V: int, H: int) -> Arguments:
    """Yield gradients and a limit that some of their numbers exceed."""
    yield gradients(r, V, H), 0.3


CONTEXTS = [(1, 1, 1, 1), (4, 2, 3, 3), (5, 3, 13, 6), (35, 4, 20, 5)]  # T, B, E, n


@case(*CONTEXTS)
def context_forward(r: Numbers, T: int, B: int, E: int, n: int) -> Arguments:
    """Yield a window of inputs and those before it, with and without sentence starts."""
    for keep in (None, r.keep(T, B)):
        yield r(T, B, E), r(B, (n - 1) * E), keep, n


@case(*CONTEXTS)
def context_backward(r: Numbers, T: int, B: int, E: int, n: int) -> Arguments:
    """Yield gradients, with and without sentence starts and truncation, or with one of them missing."""
    for keep in (None, r.keep(T, B)):
        for stop in (0, T // 2):
            yield r(T, B, n * E), r(B, (n - 1) * E), r(T, B, E), keep, n, stop
    yield None, r(B, (n - 1) * E), r(T, B, E), None, n, 0
    yield r(T, B, n * E), None, r(T, B, E), r.keep(T, B), n, 0
