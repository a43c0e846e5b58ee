"""The kernels of updates and clipping on many parameters at once, against the optimizers' array code and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from array_checks import Numbers, agree
from stand_in import record
from stand_in.kernels import set_order
from test_cuda import here

from rnnlm import ops
from rnnlm.layers import Param
from rnnlm.ops.cuda import clipping, updates
from rnnlm.ops.gradients import Dense, OuterProduct, RowSparse
from rnnlm.ops.reference.updates import UpdateRule
from rnnlm.optim.clipping import clip_norm
from rnnlm.training import OPTIMIZERS

ORDERS = [0, 1, 5]  # in which the threads run


@pytest.fixture(autouse=True)
def usual_order_and_backend_afterwards():
    ops.use("numpy")
    yield
    set_order(0)
    ops.use()


def whole(gpu, r, shape):
    g = r(*shape)
    return Dense(gpu.asarray(g), None), g, np.arange(shape[0])


def spans(gpu, r, shape):
    """Spans of up to three rows; what is outside them is not to be read."""
    first = np.arange(0, max(shape[0] - 2, 1), 5) + int(r.rng.integers(0, 2)) * (shape[0] > 3)
    return _spans(gpu, r, shape, np.stack([first, np.minimum(first + 3, shape[0])], 1))


def one_span(gpu, r, shape):
    return _spans(gpu, r, shape, np.array([[shape[0] // 3, shape[0]]]))


def rows(gpu, r, shape):
    """Spans of a row each, as where rows by id have been added to others."""
    ids = np.flatnonzero(r.rng.random(shape[0]) < 0.5)
    return _spans(gpu, r, shape, np.stack([ids, ids + 1], 1))


def _spans(gpu, r, shape, limits):
    ids = np.concatenate([np.arange(a, b) for a, b in limits.tolist()] or [limits[:, 0]])
    array, dense = np.full(shape, np.nan, r.dtype), np.zeros(shape, r.dtype)
    array[ids] = dense[ids] = r(len(ids), *shape[1:])
    return Dense(gpu.asarray(array), limits), dense, ids


def some(gpu, r, shape):
    ids, dense = np.flatnonzero(r.rng.random(shape[0]) < 0.4), np.zeros(shape, r.dtype)
    dense[ids] = r(len(ids), *shape[1:])
    return RowSparse(ids, gpu.asarray(dense[ids])), dense, ids


def none(gpu, r, shape):
    ids = np.empty(0, np.int64)
    return RowSparse(ids, gpu.asarray(r(0, *shape[1:]))), np.zeros(shape, r.dtype), ids


def outer(gpu, r, shape):
    found, dense = r.outer(20, shape[0], max(3, shape[0] // 6), shape[1]), np.zeros(shape, r.dtype)
    for first, last, start, end, place in found.groups.tolist():
        d = found.d[place : place + (last - first) * (end - start)].reshape(last - first, end - start)
        dense[start:end] = found.scale * (d.T @ found.rows[first:last])
    ids = np.concatenate([np.arange(a, b) for a, b in found.spans.tolist()])
    return OuterProduct(gpu.asarray(found.d), gpu.asarray(found.rows), found.groups, found.scale), dense, ids


ALL = [  # rows of 1, 3, 14, 50, 128 and 257 numbers; whole ones that are larger than a block's share
    *((whole, shape) for shape in [(1,), (1100,), (9, 1), (19, 3), (22, 50), (3, 2, 7), (5, 257), (7, 128)]),
    *((spans, shape) for shape in [(1,), (50,), (19, 3), (12, 50), (9, 2, 7), (3, 257)]),
    *((one_span, shape) for shape in [(50,), (11, 128)]),
    *((rows, shape) for shape in [(21,), (19, 3), (12, 50), (9, 128)]),
    *((some, shape) for shape in [(21,), (19, 3), (12, 50), (11, 2, 7), (7, 257), (9, 128)]),
    *((none, shape) for shape in [(5,), (5, 3)]),
]


class Both:
    """Parameters of these shapes and an optimizer of theirs, on the device by our kernels and by NumPy."""

    def __init__(self, gpu, r, rule, shapes, **keywords):
        self.host = {str(number): Param(r(*shape)) for number, shape in enumerate(shapes)}
        self.device = {name: Param(gpu.asarray(param.value)) for name, param in self.host.items()}
        self.optimizers = [OPTIMIZERS[rule](params, 0.05, **keywords) for params in (self.device, self.host)]
        self.rule, self.keywords = rule, keywords
        self.ops = ops.ops_for(self.device["0"].value)

    def update(self, made):
        """One update of every parameter by (gradient, the same dense, touched rows): update_all, and the array code."""
        ours, theirs = self.optimizers
        items = []
        for (name, param), (gradient, dense, ids) in zip(self.device.items(), made, strict=True):
            slots = [array for key, array in ours.state()[1].items() if key.startswith(f"{name}/")]
            items.append((param.value, gradient, slots))
            self.host[name].grad += dense
            self.host[name].touch(np.stack([ids, ids + 1], 1))
        l2, decay = self.keywords.get("l2", 0.0), self.keywords.get("decay", 0.0)
        record.clear()
        self.ops.update_all(UpdateRule(self.rule, 0.05, l2, decay, ours.constants()), items)
        theirs.step()

    def agree(self, dtype):
        """All weights at once: one alone may have come to rest near zero, where no digit is left to compare."""
        values = [[here(param.value).ravel() for param in params.values()] for params in (self.device, self.host)]
        agree(*map(np.concatenate, values), dtype)
        found, wanted = (optimizer.state()[1] for optimizer in self.optimizers)
        agree([array.get() for array in found.values()], list(wanted.values()), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_one_launch_updates_every_form_of_gradient(gpu, monkeypatch, rule, dtype):
    """Three updates in a row, each of other rows, in three orders of the threads; the last with many rows a block."""
    r = Numbers(dtype)
    for keywords in ({}, {"l2": 0.01, "decay": 0.3}):
        both = Both(gpu, r, rule, [shape for _, shape in ALL], **keywords)
        for order in ORDERS:
            set_order(order)
            monkeypatch.setattr(updates, "BLOCKS", 1 if order else 2048)
            before = [here(param.value) for param in both.device.values()]
            made = [make(gpu, r, shape) for make, shape in ALL]
            both.update(made)
            assert record.what == ["upload asarray", "updates_all"]
            both.agree(dtype)
            for param, old, (_, _, ids) in zip(both.device.values(), before, made, strict=True):
                untouched = np.setdiff1d(np.arange(len(old)), ids)
                np.testing.assert_array_equal(here(param.value)[untouched], old[untouched])


@pytest.mark.parametrize("rule", ["sgd", "row-adagrad", "adam"])
def test_a_product_has_a_launch_of_its_own(gpu, rule):
    r, shapes = Numbers("float64"), [(30, 5), (19, 3), (50,)]
    both = Both(gpu, r, rule, shapes, l2=0.01, decay=0.3)
    for _ in range(3):
        both.update([make(gpu, r, shape) for make, shape in zip([outer, some, whole], shapes, strict=True)])
        assert record.launches == 2
        assert not record.syncs
        both.agree("float64")


def test_nothing_to_update_is_no_launch(gpu):
    r = Numbers("float32")
    both = Both(gpu, r, "sgd", [(5, 3), (0, 3)])
    both.update([none(gpu, r, (5, 3)), whole(gpu, r, (0, 3))])
    both.ops.update_all(UpdateRule("sgd", 0.1, 0.0, 0.0, (0.0, 0.0, 0.0)), [])
    assert not record.launches
    both.agree("float32")


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_optimizers_end_where_they_end_on_the_host(gpu, rule):
    """With parameters of their own: gradients as layers give them, clipped, one value in another order of memory."""
    r = Numbers("float32")
    values = {"table": r(30, 6), "matrix": np.asfortranarray(r(6, 6)), "bias": r(30)}
    both = [{name: Param(move(value)) for name, value in values.items()} for move in (gpu.asarray, np.copy)]
    both[0]["matrix"] = Param(gpu.asarray(np.ascontiguousarray(values["matrix"].T)).T)
    optimizers = [OPTIMIZERS[rule](params, 0.05, l2=0.01) for params in both]
    for _ in range(3):
        ids, given = r.rng.integers(-1, 30, 12), (r(12, 6), r(6, 6), r(30))
        for params, optimizer, move in zip(both, optimizers, (gpu.asarray, np.copy), strict=True):
            params["table"].add_rows(ids, move(given[0]))
            params["matrix"].add(move(given[1]))
            params["bias"].grad += move(given[2])
            params["bias"].touch([[3, 9], [11, 30]])
            clip_norm(params.values(), 2.0)
            optimizer.step()
        for name, param in both[0].items():
            agree(here(param.value), both[1][name].value, "float32")


LENGTHS = [*ALL, (outer, (30, 5)), (outer, (40, 50))]


def lengths(gpu, dtype):
    """Gradients of every form on the device, and all their numbers."""
    made = [make(gpu, Numbers(dtype), shape) for make, shape in LENGTHS]
    return [gradient for gradient, _, _ in made], [dense for _, dense, _ in made]


def dense(gradient):
    """What the touched rows of a gradient have, on the host."""
    if isinstance(gradient, RowSparse):
        return here(gradient.rows)
    if isinstance(gradient, Dense):
        limits = [[0, len(gradient.array)]] if gradient.spans is None else gradient.spans.tolist()
        return np.concatenate([here(gradient.array)[a:b] for a, b in limits] or [np.zeros(0)])
    return here(gradient.d)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("share", [0.3, 1.0001, 3.0])
def test_clipping_by_norm_takes_two_launches_and_waits_for_none(gpu, monkeypatch, share, dtype):
    monkeypatch.setattr(clipping, "EACH", 512)  # several blocks for the larger ones
    products = sum(make is outer for make, _ in LENGTHS)
    seen = []
    for order in ORDERS:
        set_order(order)
        gradients, numbers = lengths(gpu, dtype)
        device, before = ops.ops_for(gradients[0].array), [dense(gradient) for gradient in gradients]
        wanted = np.sqrt(sum((array.astype(np.float64) ** 2).sum() for array in numbers))
        record.clear()
        norm = device.clip_norm(gradients, share * wanted)
        assert (record.launches, record.syncs) == (2 + products, 0)
        assert record.what[0] == "upload asarray"
        assert record.what[-2:] == ["clipping_squares", "clipping_scale"]
        assert norm.shape == ()
        assert float(norm) == pytest.approx(wanted, rel=1e-5 if dtype == "float32" else 1e-12)
        for gradient, old in zip(gradients, before, strict=True):
            if share > 1:
                np.testing.assert_array_equal(dense(gradient), old)
            else:
                np.testing.assert_allclose(dense(gradient), share * old, 1e-5)
        seen.append((float(norm), [dense(gradient).tobytes() for gradient in gradients]))
    assert seen[0] == seen[1] == seen[2]  # bit for bit


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_length_that_is_no_number_makes_the_gradients_none(gpu, bad):
    values = [np.ones(5, np.float32), np.array([[1, bad]], np.float32)]
    gradients = [Dense(gpu.asarray(value), None) for value in values]
    norm = ops.ops_for(gradients[0].array).clip_norm(gradients, 1.0)
    np.testing.assert_equal(float(norm), bad)
    np.testing.assert_array_equal(here(gradients[0].array), np.full(5, np.nan if np.isnan(bad) else 0))
    assert np.isnan(here(gradients[1].array)[0, 1])


def test_the_length_of_nothing_is_zero(gpu):
    device = ops.ops_for(gpu.asarray(np.ones(1, np.float32)))
    for gradients in ([], [none(gpu, Numbers("float32"), (5, 3))[0]]):
        assert float(device.gradient_norm(gradients)) == float(device.clip_norm(gradients, 1.0)) == 0
    device.clip_value([], 1.0)


def test_sums_of_squares_of_an_array_and_of_spans(gpu):
    r = Numbers("float32")
    array, device = r(30, 7), ops.ops_for(gpu.asarray(np.ones(1, np.float32)))
    there, limits = gpu.asarray(array), np.array([[0, 1], [4, 4], [5, 29]])
    assert float(device.square_sum(there)) == pytest.approx(np.sum(array.astype(float) ** 2), rel=1e-6)
    assert float(device.square_sum(there.T)) == pytest.approx(np.sum(array.astype(float) ** 2), rel=1e-6)
    wanted = np.sum(array[0].astype(float) ** 2) + np.sum(array[5:29].astype(float) ** 2)
    assert float(device.span_square_sum(there, limits)) == pytest.approx(wanted, rel=1e-6)
    assert float(device.span_square_sum(there, limits[:0])) == 0
    assert float(device.span_square_sum(there, np.array([[4, 4], [7, 7]]))) == 0


@pytest.mark.parametrize("order", ORDERS)
def test_a_block_finds_its_run_among_many(gpu, order):
    """More runs than a block has threads, some of them empty: a wrong one is a wrong number."""
    set_order(order)
    r, ends = Numbers("float64"), np.arange(1, 601)
    array, limits = r(601), np.stack([ends - (ends % 7 > 0), ends], 1)
    wanted = np.sum(array[limits[limits[:, 0] < limits[:, 1], 0]] ** 2)
    there = gpu.asarray(array)
    assert float(ops.ops_for(there).span_square_sum(there, limits)) == pytest.approx(wanted, rel=1e-12)


def test_clipping_by_value_takes_one_launch(gpu):
    r = Numbers("float32")
    gradients = [make(gpu, r, shape)[0] for make, shape in ALL]
    before = [dense(gradient) for gradient in gradients]
    record.clear()
    ops.ops_for(gradients[0].array).clip_value(gradients, 0.5)
    assert record.what == ["upload asarray", "clipping_values"]
    for gradient, old in zip(gradients, before, strict=True):
        np.testing.assert_array_equal(dense(gradient), np.clip(old, -0.5, 0.5))
    gradient = Dense(gpu.asarray(np.array([np.nan, 3, -np.inf], np.float32)), None)
    ops.ops_for(gradient.array).clip_value([gradient], 0.5)
    np.testing.assert_array_equal(here(gradient.array), np.float32([np.nan, 0.5, -0.5]))


def test_arrays_of_two_types_are_refused(gpu):
    gradients = [Dense(gpu.asarray(np.ones(3, dtype)), None) for dtype in ("float32", "float64")]
    with pytest.raises(TypeError, match=r"an array of float64 .* where a kernel takes float32 in one piece"):
        ops.ops_for(gradients[0].array).clip_norm(gradients, 1.0)
