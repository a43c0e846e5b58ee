"""The GPU backend's products, full softmax, tables and element-wise operations, where their kernels' limits are.

What small arguments show is in test_cuda.py; here are several tiles of tokens, rows that do not fit in shared memory,
rounded factors, misaligned arrays, and what is launched.
"""

from __future__ import annotations

import numpy as np
import pytest
from array_checks import REFERENCE, Numbers, agree
from stand_in import record
from stand_in.kernels import set_order

from rnnlm import ops
from rnnlm.ops.cuda import softmax
from rnnlm.ops.reference.elementwise import ACTIVATIONS

BITS = {"tf32": 11, "bf16": 8}


@pytest.fixture
def device(gpu):
    yield ops.ops_for(gpu.zeros(1))
    ops.use_precision("float32")


@pytest.fixture(params=[0, 1, 5])
def order(request):
    """Of the threads; a missing barrier changes results in one of them."""
    set_order(request.param)
    yield request.param
    set_order(0)


def rounded(x, precision):
    """To the precision's bits of mantissa."""
    if precision == "float32":
        return x.astype(np.float64)
    fraction, exponent = np.frexp(x.astype(np.float64))
    return np.ldexp(np.rint(np.ldexp(fraction, BITS[precision])), exponent - BITS[precision])


def views(gpu, x):
    """The matrix as it is, as a transposed view, as a part of wider rows, and as every other column."""
    n, m = x.shape
    apart, spread = np.full((n, m + 3), 7, x.dtype), np.full((n, 2 * m), 7, x.dtype)
    apart[:, :m], spread[:, ::2] = x, x
    yield gpu.asarray(x)
    yield gpu.asarray(np.ascontiguousarray(x.T)).T
    yield gpu.asarray(apart)[:, :m]
    yield gpu.asarray(spread)[:, ::2]


@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16"])
@pytest.mark.parametrize(("n", "k", "m"), [(1, 1, 1), (1, 7, 5), (6, 1, 3), (5, 13, 1), (9, 40, 17)])
def test_a_product_rounds_its_factors_and_nothing_else(gpu, device, precision, n, k, m):
    r = Numbers("float32")
    a, b, c = r(n, k), r(k, m), r(n, m)
    wanted = rounded(a, precision) @ rounded(b, precision)
    exact = 1e-6 * (np.abs(a).astype(np.float64) @ np.abs(b))
    ops.use_precision(precision)
    for left in views(gpu, a):
        for right in views(gpu, b):
            assert (np.abs(device.product(left, right).get() - wanted) <= exact).all()
            room = gpu.asarray(np.ascontiguousarray(np.pad(c, ((0, 0), (0, 2)), constant_values=7)))
            device.product(left, right, out=room[:, :m], add=True)
            assert (np.abs(room.get()[:, :m] - wanted - c) <= exact + 1e-6).all()
            assert (room.get()[:, m:] == 7).all()
    double = gpu.asarray(a.astype(np.float64))
    np.testing.assert_allclose(
        device.product(double, gpu.asarray(b.astype(np.float64))).get(), a.astype(np.float64) @ b, 1e-12, 1e-12
    )


def test_products_of_nothing_are_zero(gpu, device):
    a, b, c = gpu.zeros((3, 0), "float32"), gpu.zeros((0, 2), "float32"), gpu.asarray(np.ones((3, 2), "float32"))
    assert (device.product(a, b).get() == 0).all()
    assert (device.product(a, b, out=c, add=True).get() == 1).all()
    assert (device.product(a, b, out=c).get() == 0).all()
    assert device.product(gpu.zeros((0, 4)), gpu.zeros((4, 2))).shape == (0, 2)


@pytest.mark.parametrize(
    ("precision", "wanted"), [("float32", ["gemmEx"]), ("tf32", ["gemmEx"]), ("bf16", ["affine_round", "gemmEx"])]
)
def test_a_product_of_transposed_views_copies_nothing(gpu, device, precision, wanted):
    ops.use_precision(precision)
    x, dy = gpu.asarray(np.ones((5, 3, 4), "float32")), gpu.asarray(np.ones((15, 6), "float32"))
    record.clear()
    dW = device.weight_gradient(x.reshape(-1, 4), dy)
    assert record.what == wanted
    record.clear()
    y = device.affine(x, dW, None)
    assert record.what == wanted
    record.clear()
    assert device.affine_backward(y, dW).shape == (5, 3, 4)
    assert record.what == wanted


def scores(device, h, target, W, b, gradient=True):
    order = np.flatnonzero(target >= 0)[::-1]
    nll, dh, found = device.softmax_nll(h, order, target[order], W, b, gradient)
    return (nll, *device.softmax_gradient(found, dh, 0.3)) if gradient else (nll,)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("N", "V", "H", "tile", "kept"),
    [
        (7, 2, 3, 1, 1 << 20),  # a token a tile
        (23, 101, 5, 3 * 104 * 4, 1 << 20),
        (23, 101, 5, 1 << 20, 48),  # three vectors of a row wait in shared memory, the others are read again
        (5, 1203, 3, 2 * 1208 * 8, 0),
    ],
)
def test_softmax_in_tiles_of_tokens(gpu, device, monkeypatch, order, dtype, N, V, H, tile, kept):
    monkeypatch.setattr(softmax, "TILE", tile)
    monkeypatch.setattr(softmax, "KEPT", kept)
    r = Numbers(dtype)
    W, b = r.weights(V, H), r(V)
    few = np.where(np.arange(N) % 5 == 1, r.rng.integers(0, V, N), -1)
    for target in (r.rng.integers(0, V, N), np.where(few < 0, V - 1, -1), few, np.full(N, -1)):
        h = r(N, H)
        moved = [gpu.asarray(array) for array in (h, W, b)]
        found = scores(device, moved[0], target, *moved[1:])
        agree(tuple(array.get() for array in found), scores(REFERENCE, h, target, W, b), dtype)
        (alone,) = scores(device, moved[0], target, *moved[1:], gradient=False)
        np.testing.assert_array_equal(alone.get(), found[0].get())


def test_softmax_waits_for_nothing_and_takes_six_launches(gpu, device):
    r = Numbers("float32")
    h, W, b = (gpu.asarray(array) for array in (r(12, 8), r(30, 8), r(30)))
    target = np.arange(12)
    for precision, launches in (("float32", 5), ("tf32", 5), ("bf16", 6)):
        ops.use_precision(precision)
        record.clear()
        _, dh, found = device.softmax_nll(h, np.arange(12), target, W, b, True)
        assert (record.launches, record.uploads, record.syncs) == (launches, 1, 0), record.what
        record.clear()
        device.softmax_gradient(found, dh, 0.5)
        assert (record.launches, record.uploads, record.syncs) == (1, 0, 0), record.what
    ops.use_precision("float32")
    record.clear()
    device.softmax_nll(h, np.arange(12), target, W, b, False)
    assert record.what == ["upload asarray", "gemmEx", "softmax_rows"]


@pytest.mark.parametrize("tile", [4 * 104, 1 << 20])
def test_softmax_of_rounded_factors(gpu, device, monkeypatch, order, tile):
    monkeypatch.setattr(softmax, "TILE", tile)
    r = Numbers("float32")
    N, V, H = 11, 101, 7
    h, W, b, target = 3 * r(N, H), r(V, H), r(V), r.rng.integers(0, V, N)
    ops.use_precision("bf16")
    found = scores(device, *(gpu.asarray(h), target), *(gpu.asarray(array) for array in (W, b)))
    h, W = rounded(h, "bf16"), rounded(W, "bf16")
    logp = REFERENCE.log_softmax(h @ W.T + b)
    d = np.exp(logp)
    d[np.arange(N), target] -= 1
    nll, dh, dW, db = (array.get() for array in found)
    np.testing.assert_allclose(nll, -logp[np.arange(N), target], 1e-5, 1e-5)
    d = rounded(d, "bf16")  # on the edge it may go either way
    for ours, theirs in ((dh, 0.3 * d @ W), (dW, 0.3 * d.T @ h), (db, 0.3 * d.sum(0))):
        np.testing.assert_allclose(ours, theirs, 0, 2e-4 * np.abs(theirs).max())


@pytest.mark.parametrize("shape", [(1, 2), (5, 101), (2, 3, 40), (3, 1300)])
def test_softmax_and_its_logarithm(gpu, device, order, shape):
    for dtype in ("float32", "float64"):
        x = 30 * Numbers(dtype)(*shape)
        for name in ("softmax", "log_softmax"):
            given = gpu.asarray(x)
            record.clear()
            found = getattr(device, name)(given)
            assert record.what == ["softmax_rows"]
            agree(found.get(), getattr(REFERENCE, name)(x), dtype)


@pytest.mark.parametrize(("V", "tile"), [(2, 1), (101, 8 * 104 * 3), (1300, 1 << 20)])
def test_draws_are_those_of_the_plain_array_code(gpu, device, monkeypatch, order, V, tile):
    monkeypatch.setattr(softmax, "TILE", tile)
    r = Numbers("float64")
    h, W, b, u = r(9, 3), r(V, 3), r(V), r.rng.random(9)
    wanted = REFERENCE.softmax_draw(h, u, W, b)
    given = [gpu.asarray(array) for array in (h, W, b)]
    record.clear()
    ids, logp = device.softmax_draw(given[0], u, *given[1:])
    assert record.syncs == 1
    np.testing.assert_array_equal(ids, wanted[0])
    agree(logp, wanted[1], "float64")


def test_draws_follow_the_distribution(gpu, device):
    share = np.array([0.1, 0.0, 0.55, 0.35])
    with np.errstate(divide="ignore"):
        b = np.maximum(np.log(share), -1000).astype(np.float32)
    h, W = gpu.zeros((200, 3), "float32"), gpu.zeros((4, 3), "float32")
    ids, logp = device.softmax_draw(h, (np.arange(200) + 0.5) / 200, W, gpu.asarray(b))
    assert np.bincount(ids, minlength=4).tolist() == [20, 0, 110, 70]
    np.testing.assert_allclose(np.exp(logp), share[ids], 1e-5)


def test_a_draw_from_what_is_no_number_is_the_first_word(gpu, device):
    for bad in (np.nan, np.inf):
        b, h, W = np.full(70, bad, np.float32), np.zeros((1, 3), np.float32), np.zeros((70, 3), np.float32)
        ids, logp = device.softmax_draw(gpu.asarray(h), np.array([0.5]), gpu.asarray(W), gpu.asarray(b))
        assert ids[0] == 0  # and not the word before it, which would be outside the array
        assert np.isnan(logp[0])


def test_rows_wait_in_the_shared_memory_that_there_is(gpu, device, monkeypatch):
    """Less than KEPT, as on a GPU of 2018."""
    seen, launch = [], type(device).launch

    def note(self, name, *arguments, shared=0, **more):
        seen.append(shared)
        launch(self, name, *arguments, shared=shared, **more)

    monkeypatch.setattr(type(device), "launch", note)
    monkeypatch.setattr(type(device), "shared_memory", 64 << 10)
    x = Numbers("float32")(2, 20_000)
    agree(device.softmax(gpu.asarray(x)).get(), REFERENCE.softmax(x), "float32")
    assert 60 << 10 < max(seen) <= 64 << 10


@pytest.mark.parametrize(("N", "V", "E"), [(90, 4, 12), (200, 3, 1), (40, 7, 1030), (30, 2, 1032)])
def test_rows_of_frequent_ids_are_added_up(gpu, device, order, N, V, E):
    r = Numbers("float64")
    ids, rows = r.rng.integers(-1, V, N), r(N, E)
    there = gpu.asarray(rows)
    record.clear()
    found = device.sum_rows(ids, there)
    assert record.what == ["upload asarray", "tables_sum_rows"]
    wanted = np.zeros((V, E))
    np.add.at(wanted, ids[ids >= 0], rows[ids >= 0])
    assert found.ids.tolist() == sorted(set(ids.tolist()) - {-1})
    np.testing.assert_allclose(found.rows.get(), wanted[found.ids], 1e-12, 1e-12)


def test_arrays_that_begin_between_sixteen_bytes(gpu, device):
    r = Numbers("float32")
    flat = r(49)
    table, there = flat[1:].reshape(12, 4), gpu.asarray(flat)[1:].reshape(12, 4)
    ids = np.array([3, -1, 11, 0])
    np.testing.assert_array_equal(device.take_rows(there, ids).get(), REFERENCE.take_rows(table, ids))
    np.testing.assert_allclose(device.sum_rows(ids, there[:4]).rows.get(), table[[3, 0, 2]])
    np.testing.assert_array_equal(device.activate("relu", there).get(), np.maximum(table, 0))
    agree(device.softmax(there).get(), REFERENCE.softmax(table), "float32")
    h, b, target = r(5, 4), flat[1:13], np.arange(5)
    found = scores(device, gpu.asarray(h), target, there, gpu.asarray(flat)[1:13])
    agree(tuple(array.get() for array in found), scores(REFERENCE, h, target, table, b), "float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (4, 3, 8)])
def test_every_element_is_changed_in_one_launch(gpu, device, shape, dtype):
    r = Numbers(dtype)
    for name in ACTIVATIONS:
        dy, y = r(*shape), r.hidden(name, *shape)
        given = gpu.asarray(dy), gpu.asarray(y)
        record.clear()
        found = device.activate_backward(name, *given)
        assert record.what == ["elementwise_activation"]
        agree(found.get(), REFERENCE.activate_backward(name, dy, y), dtype)
    for rate, key in ((0.3, (1, 2)), (0.9, (77, 123_456)), (1e-12, (3, 0))):
        record.clear()
        mask = device.dropout_mask(shape, rate, key, dtype)
        assert record.what == ["elementwise_dropout"]
        np.testing.assert_array_equal(mask.get(), REFERENCE.dropout_mask(shape, rate, key, dtype))
        x = r(*shape)
        np.testing.assert_array_equal(device.dropout(gpu.asarray(x), rate, key).get(), x * mask.get())
