"""Every operation of the compiled backend against the plain array code.

A table of arguments for each operation: both backends must give the same results from them, and leave the same arrays
behind, for an operation that changes what it was only given to read is wrong too.
"""

from __future__ import annotations

import copy
import inspect

import numpy as np
import pytest
from array_checks import REFERENCE, Numbers, agree, shared_kernels

from rnnlm.ops import Reference
from rnnlm.ops.cpu import Cpu
from rnnlm.ops.elementwise import ACTIVATIONS

CASES = {}


def case(*sizes):
    """Registers a maker of arguments for the operation of its name, for these sizes; the last is shared by threads."""

    def register(make):
        CASES[make.__name__] = (make, sizes)
        return make

    return register


WINDOWS = [(1, 1, 1), (4, 2, 3), (1, 5, 13), (4, 5, 50), (4, 1, 67), (21, 1, 13), (15, 13, 131)]  # T, B, H
LOGITS = [(1, 2, 1), (5, 3, 13), (6, 17, 50), (9, 101, 67), (131, 1009, 131)]  # N, V, H
CLASSES = [(1, 3, 3, 1), (5, 19, 4, 13), (90, 23, 4, 3), (7, 300, 3, 50), (600, 1009, 30, 131)]  # N, V, C, H


@case((1,), (3, 5), (70, 3, 13), (130_001,))
def activate(r, *shape):
    for name in ACTIVATIONS:
        yield name, r(*shape)
        yield name, r.hidden("elu", *shape).T


@case((1,), (3, 5), (70, 3, 13), (130_001,))
def dropout(r, *shape):
    for rate, key in ((0.3, (1, 2)), (0.9, (77, 123_456)), (1e-12, (3, 0))):
        yield r(*shape), rate, key


@case((1, 1, 1), (4, 3, 7), (40, 50, 13), (1500, 300, 131))
def take_rows(r, N, V, E):
    yield r(V, E), r.rng.integers(-1, V, (N, 2)).astype(np.int32)
    yield r(V, E), np.full((2, N), -1)


@case((1, 1, 1), (4, 3, 7), (40, 5, 13), (5000, 1500, 131))
def sum_rows(r, N, V, E):
    for shape in ((N, E), (N,)):
        yield r.rng.integers(-1, V, N).astype(np.int32), r(*shape)
        yield np.full(N, -1), r(*shape)


@case((1, 1), (3, 7), (20, 300), (300, 20_000))
def children(r, V, n):
    for integer in (np.int32, np.int64):
        sizes = r.rng.integers(0, V, V, endpoint=True)
        sizes[-1] = V  # a node whose children are all words, at the end of the table
        words = [np.arange(V), *(np.sort(r.rng.permutation(V)[:size]) for size in sizes)]
        first = V + np.cumsum(np.append(0, sizes))
        nodes, ids = r.rng.integers(-1, V, n), r.rng.integers(-1, V, n)
        nodes[-1], ids[-1] = V - 1, V - 1
        yield np.concatenate(words).astype(integer), first.astype(integer), nodes.astype(integer), ids.astype(np.int32)


@case((1, 1, 1), (3, 13, 1), (5, 1, 67), (7, 50, 13), (200, 301, 403))
def affine(r, N, n, m):
    yield r(N, n), r(n, m), r(m)
    yield r(2, N, n), r(n, m), None


@case((1, 1, 1), (3, 13, 1), (5, 1, 67), (7, 50, 13), (200, 301, 403))
def affine_backward(r, N, n, m):
    yield r(N, m), r(n, m)
    yield r(2, N, m), r(n, m)


@case((1, 1, 1), (3, 13, 1), (5, 1, 67), (7, 50, 13), (0, 5, 3), (300, 131, 129))
def weight_gradient(r, N, n, m):
    yield r(N, n), r(N, m)


def window_variants(r, T, B):
    """Every activation with and without sentence starts, truncated or not."""
    for number, name in enumerate(ACTIVATIONS):
        for keep in (None, r.keep(T, B)):
            for stop in (0, T // 2):
                yield number, name, keep, stop


@case(*WINDOWS)
def elman_forward(r, T, B, H):
    for _, name, keep, _ in window_variants(r, T, B):
        yield r(T, B, H), r.weights(H, H), r(H), r(B, H), keep, name


@case(*WINDOWS)
def elman_backward(r, T, B, H):
    for number, name, keep, stop in window_variants(r, T, B):
        dh, dlast = None if number == 1 else r(T, B, H), None if number == 2 else r(B, H)
        yield dh, dlast, r.hidden(name, T, B, H), r(B, H), r.weights(H, H), keep, name, stop


@case(*((*window, layers) for window in WINDOWS for layers in (1, 3)))
def jordan_forward(r, T, B, H, layers):
    n = H + 2
    for _, name, keep, _ in window_variants(r, T, B):
        deep = [(r.weights(H, H), r(H)) for _ in range(layers - 1)]
        read, z0 = (r.weights(H, n).T, r(n)), REFERENCE.softmax(r(B, n))
        yield r(T, B, H), r.weights(n, H), r(H), deep, read, z0, keep, name


@case(*((*window, layers) for window in WINDOWS for layers in (1, 3)))
def jordan_backward(r, T, B, H, layers):
    n = H + 2
    for number, name, keep, stop in window_variants(r, T, B):
        dh, dlast = None if number == 1 else r(T, B, H), None if number == 2 else r(B, n)
        hs, deep = (
            [r.hidden(name, T, B, H) for _ in range(layers)],
            [(r.weights(H, H), r(H)) for _ in range(layers - 1)],
        )
        z, z0 = REFERENCE.softmax(r(T, B, n)), REFERENCE.softmax(r(B, n))
        yield dh, dlast, hs, z, z0, r(n, H), deep, r(n, H), keep, name, stop


@case(*LOGITS)
def softmax_nll(r, N, V, H):
    for target in (r.rng.integers(-1, V, N), r.rng.integers(0, V, N), np.full(N, -1)):
        order = np.flatnonzero(target >= 0)[::-1]
        for gradient in (True, False):
            yield 5 * r(N, H), order, target[order].astype(np.int32), r.weights(V, H), r(V), gradient


@case(*CLASSES)
def by_class(r, N, V, C, H):
    of, start = r.classes(V, C)
    for target in (r.rng.integers(-1, V, N), r.rng.integers(0, V, N), np.full(N, -1)):
        yield target.astype(np.int32), of, start


@case(*CLASSES)
def class_softmax_nll(r, N, V, C, H):
    for target, of, start in by_class(r, N, V, C, H):
        order, groups = REFERENCE.by_class(target, of, start)
        words, C = target[order], len(start) - 1
        for gradient in (True, False):
            given = 5 * r(N, H), order, words, of[words], groups
            yield *given, r.weights(C, H), r(C), r.weights(V, H), r(V), gradient


@case(*LOGITS)
def softmax_draw(r, N, V, H):
    yield 5 * r(N, H), r.rng.random(N), r.weights(V, H), r(V)
    b = r(V)
    b[[0, -1]] = -2000  # P = 0 to the last bit: never drawn
    yield 5 * r(N, H), np.linspace(0, 1 - 2**-53, N), r.weights(V, H), b


@case(*CLASSES)
def class_softmax_draw(r, N, V, C, H):
    start = r.classes(V, C)[1]
    C = len(start) - 1
    for u in (r.rng.random((N, 2)), np.linspace((0, 1 - 2**-53), (1 - 2**-53, 0), N)):
        yield 5 * r(N, H), u, start, r.weights(C, H), r(C), r.weights(V, H), r(V)


@case(*CLASSES[1:])
def outer_add(r, N, V, C, H):
    yield r(V, H), r.outer(N, V, C, H)


@case(*CLASSES[1:])
def outer_square_sum(r, N, V, C, H):
    yield (r.outer(N, V, C, H),)


@case(*CLASSES)
def outer_bias(r, N, V, C, H):
    yield r(V), r.outer(N, V, C, H)


@case((1, 1), (9, 13), (30, 67), (90, 131))
def span_square_sum(r, V, H):
    spans = np.arange(0, V - V % 2)[:: max(V // 6, 1)].reshape(-1, 2) if V > 1 else np.empty((0, 2), np.int64)
    yield r(V, H), spans
    yield r(V), spans


# (N, h, w, C), F, size, stride
CONVOLUTIONS = [
    ((1, 1, 1, 1), 1, (1, 1), (1, 1)),
    ((0, 3, 3, 2), 3, (2, 2), (1, 1)),
    ((2, 6, 5, 3), 7, (3, 2), (1, 2)),
    ((1, 9, 70, 2), 50, (2, 7), (4, 1)),
    ((2, 13, 11, 17), 33, (5, 5), (1, 1)),
    ((1, 300, 3, 40), 24, (3, 1), (1, 1)),
    ((5, 30, 31, 20), 50, (5, 5), (1, 1)),
]


def windows_of(image, size, stride):
    return tuple((image[1 + axis] - size[axis]) // stride[axis] + 1 for axis in (0, 1))


@case(*CONVOLUTIONS)
def convolve(r, image, F, size, stride):
    yield r(*image), r(*size, image[3], F), r(F), stride
    yield r(*image[:3], 2 * image[3])[..., image[3] :], r(*size, image[3], 2 * F)[..., F:], None, stride


@case(*CONVOLUTIONS)
def convolve_backward(r, image, F, size, stride):
    for room in (1, 2):
        dy = r(image[0], *windows_of(image, size, stride), room * F)[..., -F:]
        yield dy, r(*size, image[3], room * F)[..., -F:], stride, image[1:3]


@case(*CONVOLUTIONS)
def filter_gradient(r, image, F, size, stride):
    for room in (1, 2):
        dy = r(image[0], *windows_of(image, size, stride), room * F)[..., -F:]
        yield r(*image[:3], room * image[3])[..., -image[3] :], dy, stride, size


# (N, h, w, C), size, stride, border
POOLS = [
    ((1, 1, 1, 1), (1, 1), (1, 1), ((0, 0), (0, 0))),
    ((0, 3, 3, 2), (2, 2), (1, 1), ((0, 0), (0, 0))),
    ((2, 6, 5, 3), (3, 2), (1, 2), ((1, 1), (0, 0))),
    ((1, 9, 7, 13), (2, 3), (3, 1), ((0, 1), (2, 1))),
    ((3, 40, 41, 50), (3, 3), (2, 2), ((1, 1), (1, 1))),
]


def pooled(r, image, size, stride, border):
    room = tuple(image[1 + axis] + sum(border[axis]) for axis in (0, 1))
    return r(image[0], *windows_of((0, *room), size, stride), image[3])


@case(*POOLS)
def max_pool(r, image, size, stride, border):
    yield r(*image), size, stride, border
    yield -np.ones(image, r.dtype), size, stride, border


@case(*POOLS)
def max_pool_backward(r, image, size, stride, border):
    where = REFERENCE.max_pool(r(*image), size, stride, border)[1]
    yield pooled(r, image, size, stride, border), where, size, stride, border, image[1:3]


@case(*POOLS)
def average_pool(r, image, size, stride, border):
    yield r(*image), size, stride, border


@case(*POOLS)
def average_pool_backward(r, image, size, stride, border):
    yield pooled(r, image, size, stride, border), size, stride, border, image[1:3]


OVERRIDES = {
    name
    for name in dir(Reference)
    if not name.startswith("_") and callable(getattr(Cpu, name)) and getattr(Cpu, name) is not getattr(Reference, name)
}
SERIAL = {"by_class", "outer_bias", "span_square_sum"}  # not worth a second thread at any size that occurs
SINGLE = {"convolve", "convolve_backward", "filter_gradient"}  # compiled in float32 only


def test_the_compiled_backend_has_the_signatures_of_the_reference():
    assert {*CASES, "update"} == OVERRIDES  # `update` is tested against the optimizers in test_updates.py
    for name in OVERRIDES:
        ours, theirs = (inspect.signature(getattr(kind, name)).parameters for kind in (Cpu, Reference))
        assert [(p.name, p.kind, p.default) for p in ours.values()] == [
            (p.name, p.kind, p.default) for p in theirs.values()
        ], name


@pytest.fixture
def together(monkeypatch):
    return shared_kernels(monkeypatch)


@pytest.fixture(scope="module")
def cpu():
    return Cpu(3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "size"), [(name, size) for name, (_, sizes) in CASES.items() for size in sizes], ids=str
)
def test_every_operation_agrees_with_the_plain_array_code(cpu, together, name, size, dtype):
    make, sizes = CASES[name]
    for arguments in make(Numbers(dtype), *size):
        given, kept = copy.deepcopy(arguments), copy.deepcopy(arguments)
        ours, theirs = getattr(cpu, name)(*given), getattr(REFERENCE, name)(*kept)
        if name.endswith("_nll") and not arguments[-1]:
            ours, theirs = ours[0], theirs[0]  # the rest means nothing without gradient
        if name.endswith("_draw") and dtype == "float32":  # where two words meet, either may be drawn
            same = ours[0] == theirs[0]
            assert (~same).sum() <= 1 + 0.01 * len(same)
            ours, theirs = (tuple(array[same] for array in found) for found in (ours, theirs))
        agree(ours, theirs, dtype)
        agree(given, kept, dtype)
    alone = name in SERIAL or (name in SINGLE and dtype == "float64")
    assert size != sizes[-1] or bool(together) != alone
