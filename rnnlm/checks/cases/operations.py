"""Arguments on which the operations that a backend overrides are compared: small ones, and ones with odd sizes.

`OPERATIONS[name]` is a pair of a function and the sizes to call it with: `make(numbers, *size)` yields tuples of
arguments for the operation `name` of `Reference`. Those of operations on images are in image_operations.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...ops.reference.class_softmax import ClassWeights
from ...ops.reference.elementwise import ACTIVATIONS
from ...ops.reference.jordan import JordanStates, JordanWeights
from .numbers import REFERENCE, Numbers

Arguments = Iterator[tuple[Any, ...]]

OPERATIONS: dict[str, tuple[Callable[..., Arguments], tuple[Any, ...]]] = {}


def case(*sizes: Any) -> Callable[[Callable[..., Arguments]], Callable[..., Arguments]]:
    """Register a function that yields arguments for the operation of its name, with the sizes to call it with.

    The last size is so large that the operation uses several threads.
    """

    def register(make: Callable[..., Arguments]) -> Callable[..., Arguments]:
        OPERATIONS[make.__name__] = (make, sizes)
        return make

    return register


WINDOWS = [(1, 1, 1), (4, 2, 3), (1, 5, 13), (4, 5, 50), (4, 1, 67), (21, 1, 13), (15, 13, 131)]  # T, B, H
LOGITS = [(1, 2, 1), (5, 3, 13), (6, 17, 50), (9, 101, 67), (131, 1009, 131)]  # N, V, H
CLASSES = [(1, 3, 3, 1), (5, 19, 4, 13), (90, 23, 4, 3), (7, 300, 3, 50), (600, 1009, 30, 131)]  # N, V, C, H


@case((1,), (3, 5), (70, 3, 13), (130_001,))
def activate(r: Numbers, *shape: int) -> Arguments:
    """Yield arguments for every activation, of contiguous and of transposed arrays."""
    for name in ACTIVATIONS:
        yield name, r(*shape)
        yield name, r.hidden("elu", *shape).T


@case((1,), (3, 5), (70, 3, 13), (130_001,))
def dropout(r: Numbers, *shape: int) -> Arguments:
    """Yield arguments with a usual, a high and a tiny rate."""
    for rate, key in ((0.3, (1, 2)), (0.9, (77, 123_456)), (1e-12, (3, 0))):
        yield r(*shape), rate, key


@case((1, 1, 1), (4, 3, 7), (40, 50, 13), (1500, 300, 131))
def take_rows(r: Numbers, N: int, V: int, E: int) -> Arguments:
    """Yield a table (V, E) and ids (N, 2) of its rows, some or all of them -1."""
    yield r(V, E), r.rng.integers(-1, V, (N, 2)).astype(np.int32)
    yield r(V, E), np.full((2, N), -1)


@case((1, 1, 1), (4, 3, 7), (40, 5, 13), (5000, 1500, 131))
def sum_rows(r: Numbers, N: int, V: int, E: int) -> Arguments:
    """Yield ids (N,), some or all of them -1, and the rows (N, E) or numbers (N,) to add up for each id."""
    for shape in ((N, E), (N,)):
        yield r.rng.integers(-1, V, N).astype(np.int32), r(*shape)
        yield np.full(N, -1), r(*shape)


@case((1, 1), (70, 3), (3, 2048), (500, 70), (3000, 5_000_000))
def by_id(r: Numbers, N: int, V: int) -> Arguments:
    """Yield ids (N,) that are random, few different ones, all -1, or all 0."""
    for ids in (r.rng.integers(-1, V, N), V - 1 - r.rng.integers(0, min(V, 9), N), np.full(N, -1), np.zeros(N, int)):
        yield (ids.astype(np.int32),)


@case((1, 1), (3, 7), (20, 300), (300, 20_000))
def children(r: Numbers, V: int, n: int) -> Arguments:
    """Yield a table of n-gram nodes with their sorted children, and n pairs (node, word) to look up."""
    for integer in (np.int32, np.int64):
        sizes = r.rng.integers(0, V, V, endpoint=True)
        sizes[-1] = V  # the last node has all words as children
        words = [np.arange(V), *(np.sort(r.rng.permutation(V)[:size]) for size in sizes)]
        first = V + np.cumsum(np.append(0, sizes))
        nodes, ids = r.rng.integers(-1, V, n), r.rng.integers(-1, V, n)
        nodes[-1], ids[-1] = V - 1, V - 1
        yield np.concatenate(words).astype(integer), first.astype(integer), nodes.astype(integer), ids.astype(np.int32)


@case((1, 1, 1), (3, 13, 1), (5, 1, 67), (7, 50, 13), (200, 301, 403))
def affine(r: Numbers, N: int, n: int, m: int) -> Arguments:
    """Yield arguments with a bias and N rows, and without a bias and 2 N rows."""
    yield r(N, n), r(n, m), r(m)
    yield r(2, N, n), r(n, m), None


@case((1, 1, 1), (3, 13, 1), (5, 1, 67), (7, 50, 13), (200, 301, 403))
def affine_backward(r: Numbers, N: int, n: int, m: int) -> Arguments:
    """Yield the gradient of the outputs, of N or 2 N rows, and the weights."""
    yield r(N, m), r(n, m)
    yield r(2, N, m), r(n, m)


@case((1, 1, 1), (3, 13, 1), (5, 1, 67), (7, 50, 13), (0, 5, 3), (300, 131, 129))
def weight_gradient(r: Numbers, N: int, n: int, m: int) -> Arguments:
    """Yield inputs (N, n) and gradients of the outputs (N, m)."""
    yield r(N, n), r(N, m)


def window_variants(r: Numbers, T: int, B: int) -> Arguments:
    """Yield (number, activation, keep, stop) for every activation, with and without sentence starts and truncation."""
    for number, name in enumerate(ACTIVATIONS):
        for keep in (None, r.keep(T, B)):
            for stop in (0, T // 2):
                yield number, name, keep, stop


@case(*WINDOWS)
def elman_forward(r: Numbers, T: int, B: int, H: int) -> Arguments:
    """Yield arguments for every activation, with and without sentence starts."""
    for _, name, keep, _ in window_variants(r, T, B):
        yield r(T, B, H), r.weights(H, H), r(H), r(B, H), keep, name


@case(*WINDOWS)
def elman_backward(r: Numbers, T: int, B: int, H: int) -> Arguments:
    """Yield arguments for every variant of a window, and for loss on outputs or last state only."""
    for number, name, keep, stop in window_variants(r, T, B):
        dh, dlast = None if number == 1 else r(T, B, H), None if number == 2 else r(B, H)
        yield dh, dlast, r.hidden(name, T, B, H), r(B, H), r.weights(H, H), keep, name, stop


@case(*((*window, layers) for window in WINDOWS for layers in (1, 3)))
def jordan_forward(r: Numbers, T: int, B: int, H: int, layers: int) -> Arguments:
    """Yield arguments for every activation, with and without sentence starts."""
    n = H + 2
    for _, name, keep, _ in window_variants(r, T, B):
        deep = [(r.weights(H, H), r(H)) for _ in range(layers - 1)]
        R, c, z0 = r.weights(H, n).T, r(n), REFERENCE.softmax(r(B, n))
        yield r(T, B, H), JordanWeights(r.weights(n, H), r(H), deep, R, c), z0, keep, name


@case(*((*window, layers) for window in WINDOWS for layers in (1, 3)))
def jordan_backward(r: Numbers, T: int, B: int, H: int, layers: int) -> Arguments:
    """Yield arguments for every variant of a window, and for loss on outputs or last state only."""
    n = H + 2
    for number, name, keep, stop in window_variants(r, T, B):
        dh, dlast = None if number == 1 else r(T, B, H), None if number == 2 else r(B, n)
        hidden, deep = (
            [r.hidden(name, T, B, H) for _ in range(layers)],
            [(r.weights(H, H), r(H)) for _ in range(layers - 1)],
        )
        z, z0 = REFERENCE.softmax(r(T, B, n)), REFERENCE.softmax(r(B, n))
        no_bias = np.zeros(0, r.dtype)  # the backward pass does not read it
        weights = JordanWeights(r(n, H), no_bias, deep, r(n, H), no_bias)
        yield dh, dlast, JordanStates(hidden, z), z0, weights, keep, name, stop


@case(*LOGITS)
def softmax_nll(r: Numbers, N: int, V: int, H: int) -> Arguments:
    """Yield arguments with some, all or no tokens scored, with and without gradients."""
    for target in (r.rng.integers(-1, V, N), r.rng.integers(0, V, N), np.full(N, -1)):
        order = np.flatnonzero(target >= 0)[::-1]
        for gradient in (True, False):
            yield 5 * r(N, H), order, target[order].astype(np.int32), r.weights(V, H), r(V), gradient


@case(*CLASSES)
def by_class(r: Numbers, N: int, V: int, C: int, H: int) -> Arguments:
    """Yield targets (N,), some, none or all of them -1, and the word classes."""
    of, start = r.classes(V, C)
    for target in (r.rng.integers(-1, V, N), r.rng.integers(0, V, N), np.full(N, -1)):
        yield target.astype(np.int32), of, start


@case(*CLASSES)
def class_softmax_nll(r: Numbers, N: int, V: int, C: int, H: int) -> Arguments:
    """Yield arguments with some, all or no tokens scored, with and without gradients."""
    for target, of, start in by_class(r, N, V, C, H):
        tokens, C = REFERENCE.by_class(target, of, start), len(start) - 1
        for gradient in (True, False):
            h, weights = 5 * r(N, H), ClassWeights(r.weights(C, H), r(C), r.weights(V, H), r(V))
            yield h, tokens, weights, gradient


@case(*LOGITS)
def softmax_draw(r: Numbers, N: int, V: int, H: int) -> Arguments:
    """Yield random numbers, and numbers up to the ends of [0, 1), to draw words with."""
    yield 5 * r(N, H), r.rng.random(N), r.weights(V, H), r(V)
    b = r(V)
    b[[0, -1]] = -2000  # exp underflows to P = 0, so that the word is never drawn
    yield 5 * r(N, H), np.linspace(0, 1 - 2**-53, N), r.weights(V, H), b


@case(*CLASSES)
def class_softmax_draw(r: Numbers, N: int, V: int, C: int, H: int) -> Arguments:
    """Yield random numbers, and numbers up to the ends of [0, 1), to draw classes and words with."""
    start = r.classes(V, C)[1]
    C = len(start) - 1
    for u in (r.rng.random((N, 2)), np.linspace((0, 1 - 2**-53), (1 - 2**-53, 0), N)):
        yield 5 * r(N, H), u, start, ClassWeights(r.weights(C, H), r(C), r.weights(V, H), r(V))


@case(*CLASSES[1:])
def outer_product_add(r: Numbers, N: int, V: int, C: int, H: int) -> Arguments:
    """Yield an array (V, H) and the outer product to add to it."""
    yield r(V, H), r.outer(N, V, C, H)


@case(*CLASSES[1:])
def outer_product_square_sum(r: Numbers, N: int, V: int, C: int, H: int) -> Arguments:
    """Yield outer products."""
    yield (r.outer(N, V, C, H),)


@case(*CLASSES)
def outer_product_bias(r: Numbers, N: int, V: int, C: int, H: int) -> Arguments:
    """Yield a bias (V,) and the outer product whose part for it is added."""
    yield r(V), r.outer(N, V, C, H)


@case((1, 1), (9, 13), (30, 67), (90, 131))
def span_square_sum(r: Numbers, V: int, H: int) -> Arguments:
    """Yield an array of V rows, of H numbers or of one, and the spans of its rows that count."""
    spans = np.arange(0, V - V % 2)[:: max(V // 6, 1)].reshape(-1, 2) if V > 1 else np.empty((0, 2), np.int64)
    yield r(V, H), spans
    yield r(V), spans
