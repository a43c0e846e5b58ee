"""Gradients in every form: what a parameter makes of them, and the compiled rules against the optimizers' own."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from array_checks import Numbers, agree, shared_kernels

from rnnlm import ops
from rnnlm.checks.cases import CASES as LAYERS
from rnnlm.layers import Param
from rnnlm.ops.gradients import Dense, OuterProduct, RowSparse
from rnnlm.optim.clipping import clip_norm, clip_value, gradient_norm
from rnnlm.recurrent.custom import Custom, Recurrence
from rnnlm.training import OPTIMIZERS

TABLES = [(5, 1), (19, 13), (40, 67), (1009, 131)]
VECTORS = [(1,), (50,), (3001,)]
FILTERS = [(3, 3, 2, 5), (19, 2, 7)]  # more than one axis after the rows


@pytest.fixture(autouse=True)
def usual_backend_afterwards():
    yield
    ops.use()


class Piece(NamedTuple):
    """A gradient: how a parameter is told of it, what it is, and which rows it touches (None: all)."""

    give: Callable[[Param], None]
    dense: np.ndarray
    rows: np.ndarray | None


def whole(r, shape):
    g = r(*shape)
    return Piece(lambda param: param.add(g.copy()), g, None)


def spans(r, shape):
    first = np.arange(0, max(shape[0] - 2, 1), 5) + int(r.rng.integers(0, 2)) * (shape[0] > 3)
    limits = np.stack([first, np.minimum(first + 3, shape[0])], 1)
    rows = np.concatenate([np.arange(a, b) for a, b in limits])
    g = np.zeros(shape, r.dtype)
    g[rows] = r(len(rows), *shape[1:])

    def give(param):
        param.grad += g
        param.touch(limits)

    return Piece(give, g, rows)


def some(r, shape):
    ids = r.rng.integers(-1, shape[0], 2 * shape[0])
    ids[0] = 0
    rows, g = r(len(ids), *shape[1:]), np.zeros(shape, r.dtype)
    np.add.at(g, ids[ids >= 0], rows[ids >= 0])
    return Piece(lambda param: param.add_rows(ids, rows), g, np.unique(ids[ids >= 0]))


def outer(r, shape):
    V, H = shape
    found = r.outer(V, V, max(3, V // 30), H)
    g = np.zeros(shape, r.dtype)
    for first, last, start, end, place in found.groups:
        d = found.d[place : place + (last - first) * (end - start)].reshape(last - first, end - start)
        g[start:end] = found.scale * (d.T @ found.rows[first:last])
    rows = np.concatenate([np.arange(a, b) for a, b in found.spans])
    return Piece(lambda param: param.add_outer_product(copy.deepcopy(found)), g, rows)


def nothing(r, shape):
    none = np.full(3, -1)
    return Piece(lambda param: param.add_rows(none, r(3, *shape[1:])), np.zeros(shape, r.dtype), none[:0])


FORMS = {  # what arrives, one after the other, and the form in which it goes on
    (whole,): Dense,
    (spans,): Dense,
    (some,): RowSparse,
    (outer,): OuterProduct,
    (nothing,): type(None),
    (nothing, some): RowSparse,
    (outer, outer): Dense,
    (outer, whole): Dense,
    (spans, outer): Dense,
    (some, some): Dense,
    (some, outer): Dense,
    (outer, spans, some): Dense,
    (some, whole): Dense,
}


KERNELS = {  # of the Numba backend
    OuterProduct: "update_outer_product",
    RowSparse: "update_row_sparse",
    Dense: "update_dense",
    type(None): "",
}


def choices(mixed):
    """Every form for every shape that it can have; forms that arrive together only for the shapes `mixed`."""
    return [
        pytest.param(makers, shape, id=f"{'+'.join(make.__name__ for make in makers)}-{shape}")
        for makers in FORMS
        for shape in (mixed if len(makers) > 1 else TABLES + VECTORS + FILTERS)
        if len(shape) == 2 or outer not in makers
    ]


def given(pieces, shape, dtype):
    """A parameter that was told of all pieces; their sum, and the rows that they touch."""
    param = Param(np.zeros(shape, dtype))
    for piece in pieces:
        piece.give(param)
    rows = [np.arange(shape[0]) if piece.rows is None else piece.rows for piece in pieces]
    return param, sum(piece.dense for piece in pieces), np.unique(np.concatenate(rows))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(("makers", "shape"), choices(TABLES + VECTORS + FILTERS))
def test_a_gradient_in_pieces_is_their_sum(backend, makers, shape, dtype):
    ops.use(backend)
    r = Numbers(dtype)
    pieces = [make(r, shape) for make in makers]
    squares = np.float64((sum(piece.dense.astype(np.float64) for piece in pieces) ** 2).sum())
    # what is asked first must not matter, so each question has a parameter of its own
    param, dense, rows = given(pieces, shape, dtype)
    assert isinstance(param.gradient(), FORMS[makers])
    np.testing.assert_array_equal(np.arange(shape[0]) if param.rows is None else param.rows, rows)
    param, _, _ = given(pieces, shape, dtype)
    assert gradient_norm([param]) ** 2 == pytest.approx(squares, rel=1e-5 if dtype == "float32" else 1e-12)
    agree(param.grad, dense, dtype)
    param, _, _ = given(pieces, shape, dtype)
    clip_value([param], 0.3)
    agree(param.grad, np.clip(dense, -0.3, 0.3), dtype)
    param, _, _ = given(pieces, shape, dtype)
    norm = clip_norm([param], 0.25)
    assert norm == pytest.approx(squares**0.5, rel=1e-5)
    for piece in pieces:  # more may come after a gradient was scaled
        piece.give(param)
    agree(param.grad, dense * (1 + min(1, 0.25 / max(norm, 0.25))), dtype)
    param.zero()
    assert not param.grad.any()
    assert param.gradient() is None
    assert gradient_norm([param]) == len(param.rows) == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize(("makers", "shape"), choices([(19, 13), (50,), FILTERS[1]]))
def test_compiled_updates_are_those_of_the_optimizers(monkeypatch, rule, makers, shape, dtype):
    """Three updates in a row, each of other rows, from a gradient in its own form and from a dense one in NumPy."""
    together = shared_kernels(monkeypatch)
    r = Numbers(dtype)
    for l2, decay in ((0.0, 0.0), (0.01, 0.0), (0.0, 0.3), (0.01, 0.3)):
        ours, theirs = (Param(value) for value in [r(*shape)] for value in (value, value.copy()))
        one, other = (OPTIMIZERS[rule]({"W": param}, 0.05, l2=l2, decay=decay) for param in (ours, theirs))
        for _ in range(3):
            before, pieces = ours.value.copy(), [make(r, shape) for make in makers]
            ops.use("numba", 3)
            for piece in pieces:
                piece.give(ours)
            one.step()
            ops.use("numpy")
            _, dense, rows = given(pieces, shape, dtype)
            theirs.grad += dense
            theirs.touch(np.stack([rows, rows + 1], 1))
            other.step()
            agree(ours.value, theirs.value, dtype)
            agree(list(one.state()[1].values()), list(other.state()[1].values()), dtype)
            untouched = np.setdiff1d(np.arange(shape[0]), rows)
            np.testing.assert_array_equal(ours.value[untouched], before[untouched])
            assert not len(rows) or (ours.value != before).any()
            assert not ours.grad.any()
            assert ours.gradient() is None
    update = KERNELS[FORMS[makers]]
    assert shape != TABLES[-1] or update in ["", *together]


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_a_value_in_another_order_of_memory_is_updated_too(rule):
    """A transposed starting value, as an orthogonal one may be."""
    start, g = Numbers("float32")(7, 5), Numbers("float32")(7, 5)
    params = [Param(start.copy()), Param(np.asfortranarray(start))]
    ops.use("numba")
    for param in params:
        param.add(g.copy())
        OPTIMIZERS[rule]({"W": param}, 0.05).step()
    assert (params[0].value != start).any()
    np.testing.assert_array_equal(params[1].value, params[0].value)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_gradient_of_the_whole_array_stays_as_it_came(backend):
    """Nothing is copied, filled with zeros or added where it is the only one."""
    ops.use(backend)
    g, more = Numbers("float32")(5, 3), Numbers("float32")(2, 5, 3)[1]
    param, wanted = Param(np.zeros((5, 3), np.float32)), g + more
    param.add(g)
    assert param.gradient().array is g
    param.add(more)
    assert param.grad is g  # and what came second is added to it
    np.testing.assert_array_equal(g, wanted)
    param.zero()
    np.testing.assert_array_equal(g, wanted)  # dropped, not cleared
    assert not param.grad.any()


@pytest.mark.parametrize("g", [np.ones((5, 3)), np.ones((3, 5), np.float32).T, np.ones(3, np.float32)], ids=str)
def test_a_gradient_of_another_type_order_or_shape_is_brought_into_the_parameters_own(g):
    param = Param(np.zeros((5, 3), np.float32))
    param.add(g)
    array = param.gradient().array
    assert (array.dtype, array.flags.c_contiguous, array.tolist()) == (np.float32, True, [[1.0] * 3] * 5)


def written(param):
    """The arrays of a parameter's gradient into which clipping and optimizers write."""
    gradient = param.gradient()
    fields = {Dense: "array", RowSparse: "rows", OuterProduct: "d"}
    return [] if gradient is None else [getattr(gradient, fields[type(gradient)])]


def flat(value):
    """All arrays in a nest of tuples and lists."""
    if isinstance(value, np.ndarray):
        return [value]
    return [array for part in value for array in flat(part)] if isinstance(value, tuple | list) else []


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    "case", [case for cases in LAYERS.values() for case in cases], ids=lambda case: f"{case.layer} {case.variant}"
)
def test_a_layer_hands_over_gradients_that_nothing_else_uses(backend, case):
    """Clipping and optimizers write into them, which must change no input, output, weight or other gradient."""
    ops.use(backend)
    rng = np.random.default_rng(3)
    layer = case.make(rng, "float32")
    params = case.params(layer)
    given = [rng.normal(0, case.scale, shape).astype(np.float32) for shape in case.inputs.values()]
    outputs, backward = case.run(layer, *given)
    d = [rng.normal(size=np.shape(y)).astype(np.float32) if np.ndim(y) else 1.0 for y in outputs]
    found = backward(*d)
    others = [param.value for param in params.values()] + flat([given, list(outputs), d, list(found)])
    gradients = [array for param in params.values() for array in written(param)]
    for number, one in enumerate(gradients):
        assert not any(np.shares_memory(one, other) for other in [*others, *gradients[:number]])


def test_two_parameters_of_an_own_recurrence_that_have_the_same_gradient():
    def parameters(rng, hidden):
        return {"a": np.zeros(hidden), "b": np.zeros(hidden)}

    def step(p, x, state):
        y = x + state[0] + (p["a"] + p["b"])
        return y, (y,)

    layer = Custom(Recurrence(parameters, step), 4, rng=np.random.default_rng(0))
    x = np.ones((3, 2, 4), np.float32)
    y, _, tape = layer.forward(x, layer.start(2))
    layer.backward(np.ones_like(y), None, tape)
    (a,), (b,) = map(written, layer.params.values())
    assert not np.shares_memory(a, b)
    assert a.tolist() == b.tolist() == [12.0] * 4  # 3 + 2 + 1 steps of 2 streams
