"""Layers that divide: values, gradients, running statistics, learnt statistics, and what they refuse."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from gradient_checks import agree, gradients, randomize, values

from rnnlm.checks.formulas import normalization as ref
from rnnlm.checks.formulas import recurrent
from rnnlm.errors import DataError, UsageError
from rnnlm.layers import Activation, BatchNorm, LayerNorm, LocalResponseNorm, Softmax, Standardize
from rnnlm.training import OPTIMIZERS

C = 5
SHAPES = [(4, C), (2, 1, C), (3, 2, C), (2, 3, 2, C)]
EPS = 1e-3


def rng(seed=0):
    return np.random.default_rng(seed)


def batch_norm(x, p):
    """Over all axes but the last."""
    y = ref.batch_norm(anp.reshape(x, (-1, C)), p["gain"], p["b"], EPS)
    return anp.reshape(y, x.shape)


def batch_norm_inference(x, p):
    return ref.each(lambda row: ref.batch_norm_inference(row, p["gain"], p["b"], p["mean"], p["variance"], EPS), x)


def local_response(x, p, n=5):
    return ref.each(lambda row: ref.local_response(row, n, 2.0, 0.3, 0.75), x)


CASES = {  # layer, formula, train
    "local response": (lambda: LocalResponseNorm(5, 2.0, 0.3, 0.75), local_response, None),
    "local response of 4": (
        lambda: LocalResponseNorm(4, 2.0, 0.3, 0.75),
        lambda x, p: local_response(x, p, 4),
        None,
    ),
    "local response of 1": (
        lambda: LocalResponseNorm(1, 2.0, 0.3, 0.75),
        lambda x, p: x / (2 + 0.3 * x**2) ** 0.75,
        (1, 0),
    ),
    "batch": (lambda: BatchNorm(C, eps=EPS, dtype="float64"), batch_norm, (1, 0)),
    "batch in use": (lambda: BatchNorm(C, eps=EPS, dtype="float64"), batch_norm_inference, None),
    "layer": (
        lambda: LayerNorm(C, eps=EPS, dtype="float64"),
        lambda x, p: ref.each(lambda row: ref.layer_norm(row, p["gain"], p["b"], EPS), x),
        None,
    ),
    "softmax": (Softmax, lambda x, p: ref.each(recurrent.softmax, x), None),
}


def prepared(make):
    layer = make()
    randomize(layer.params, 1)
    if "variance" in layer.params:
        layer.params["variance"].value[...] = rng(9).uniform(0.5, 3, C)
    return layer


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("make", "formula", "train"), CASES.values(), ids=CASES)
def test_values_and_gradients(make, formula, train, shape):
    layer = prepared(make)
    x, dy = rng(2).normal(0.5, 2, shape), rng(3).normal(size=shape)
    p = values(layer.params)
    y, tape = layer.forward(x, train=train)
    agree(y, formula(x, p))
    expected, dx = grad(lambda both: anp.sum(dy * formula(both[1], both[0])))((p, x))
    for name in {"mean", "variance"} & expected.keys():  # constants: no gradient touches them
        expected[name] = np.zeros(C)
        assert layer.params[name].rows.tolist() == []
    agree(layer.backward(dy, tape), dx)
    agree(gradients(layer.params), expected)
    layer.backward(dy, tape)
    agree(gradients(layer.params), {name: 2 * g for name, g in expected.items()})


@pytest.mark.parametrize(("make", "formula", "train"), CASES.values(), ids=CASES)
def test_float32_stays_float32(make, formula, train):
    layer = prepared(make)
    for param in layer.params.values():
        param.set(param.value.astype(np.float32))
    p = values(layer.params)
    x, dy = rng(2).normal(0.5, 2, (2, 4, 3, C)).astype(np.float32), rng(3).normal(size=(2, 4, 3, C)).astype(np.float32)
    kept = x.copy()
    y, tape = layer.forward(x, train=train)
    dx = layer.backward(dy, tape)
    assert y.dtype == dx.dtype == np.float32
    assert all(param.value.dtype == param.grad.dtype == np.float32 for param in layer.params.values())
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_allclose(y, formula(x.astype(float), p), rtol=1e-4, atol=1e-5)


def test_local_response_by_hand():
    y, _ = LocalResponseNorm(3, k=1.0, alpha=0.5, beta=1.0).forward(np.array([[2.0, 4.0, 0.0, 6.0]]))
    agree(y, np.array([[2 / 11, 4 / 11, 0.0, 6 / 19]]))
    wide, _ = LocalResponseNorm(99, k=1.0, alpha=0.5, beta=1.0).forward(np.array([[2.0, 4.0, 0.0, 6.0]]))
    agree(wide, np.array([[2.0, 4.0, 0.0, 6.0]]) / 29)


def test_running_statistics_after_three_batches_by_hand():
    layer = BatchNorm(2, momentum=0.5, dtype="float64")
    batches = [
        [[1.0, 0.0], [3.0, 0.0]],  # means 2, 0; unbiased variances 2, 0
        [[0.0, 1.0], [0.0, -1.0]],  # 0, 0; 0, 2
        [[4.0, 2.0], [4.0, 2.0], [10.0, 2.0], [2.0, 6.0]],  # 5, 3; (1 + 1 + 25 + 9) / 3 = 12, 12 / 3 = 4
    ]
    for batch in batches:
        layer.forward(np.array(batch), train=(1, 0))
    agree(layer.params["mean"].value, np.array([0.5 * (0.5 * 1 + 0) + 2.5, 1.5]))
    # 1 -> 1.5 -> 0.75 -> 6.375 and 1 -> 0.5 -> 1.25 -> 2.625
    agree(layer.params["variance"].value, np.array([6.375, 2.625]))
    before = values(layer.params)
    y, _ = layer.forward(np.array([[2.75, 1.5]]))  # one row is enough when a model is used
    agree(y, (np.array([[2.75, 1.5]]) - before["mean"]) / np.sqrt(before["variance"] + 1e-5))
    agree(values(layer.params), before)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers_leave_running_statistics_alone(optimizer):
    layer = prepared(CASES["batch"][0])
    chosen = OPTIMIZERS[optimizer](layer.params, 0.1, l2=0.1)
    for step in range(2):
        y, tape = layer.forward(rng(step).normal(size=(4, C)), train=(1, step))
        before = values(layer.params)
        layer.backward(y, tape)
        chosen.step()
        assert (layer.params["gain"].value != before["gain"]).all()
        agree(layer.params["mean"].value, before["mean"])
        agree(layer.params["variance"].value, before["variance"])


def test_softmax_of_large_numbers_stays_finite():
    y, tape = Softmax().forward(np.array([[1e4, 1e4, -1e4]]))
    assert y.tolist() == [[0.5, 0.5, 0]]
    assert Softmax().backward(np.array([[1.0, 0.0, 7.0]]), tape).tolist() == [[0.25, -0.25, 0]]


def test_the_slope_of_the_leaky_relu():
    layer = Activation("leaky_relu")
    y, tape = layer.forward(np.array([-1e4, -2.0, 0.0, 2.0, 1e4], np.float32))
    np.testing.assert_allclose(y, [-100, -0.02, 0, 2, 1e4], rtol=1e-6)
    dx = layer.backward(np.ones(5, np.float32), tape)
    assert dx.dtype == np.float32
    np.testing.assert_allclose(dx, [0.01, 0.01, 0.01, 1, 1], rtol=1e-6)


# Standardization -----------------------------------------------------------------------------------

DATA = rng(4).normal([[1.0, 2.0], [3.0, 100.0]], [[1.0, 0.1], [0.0, 5.0]], (50, 2, 2))  # one place is constant


@pytest.mark.parametrize("piece", [1, 12, 2**22])
@pytest.mark.parametrize("how", ["none", "mean", "each"])
def test_standardize(how, piece, monkeypatch):
    monkeypatch.setattr("rnnlm.layers.standardize.PIECE", piece)
    layer = Standardize((2, 2), how, dtype="float64")
    agree(layer.forward(DATA)[0], DATA)  # before it has learnt
    layer.learn(DATA)
    mean = 0.0 if how == "none" else DATA.mean(0)
    deviation = DATA.std(0)
    deviation[1, 0] = 1
    scale = {"none": 1.0, "mean": ((DATA - mean) ** 2).mean() ** 0.5, "each": deviation}[how]
    y, tape = layer.forward(DATA, train=(1, 0))
    agree(y, (DATA - mean) / scale)
    agree(layer.backward(DATA, tape), DATA / scale)
    assert all(param.rows.tolist() == [] for param in layer.params.values())
    assert list(layer.params) == ([] if how == "none" else ["mean", "scale"])


@pytest.mark.parametrize("how", ["mean", "each"])
def test_standardize_learns_from_bytes_and_from_constants(how):
    images = rng(5).integers(0, 256, (300, 4, 4, 1), dtype=np.uint8)
    layer = Standardize((4, 4, 1), how)
    layer.learn(images)
    y, _ = layer.forward(images.astype(np.float32))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std() if how == "mean" else y.std(0), 1, rtol=1e-5)
    constant = np.full((7, 4, 4, 1), 0.1, np.float32)  # 0.1 is rounded, and so would be the mean of many
    layer.learn(constant)
    assert (layer.params["scale"].value == 1).all()
    assert not layer.forward(constant)[0].any()


# Refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LocalResponseNorm(0), "size=0 .* Give size >= 1"),
        (lambda: LocalResponseNorm(k=0), "k=0, alpha=0.0001 .* Give k > 0"),
        (lambda: LocalResponseNorm(alpha=-1.0), "alpha=-1.0 .* alpha >= 0"),
        (lambda: BatchNorm(0), "BatchNorm of 0 features"),
        (lambda: LayerNorm(0), "LayerNorm of 0 features"),
        (lambda: LayerNorm(3, eps=0), "eps=0 .* Give eps > 0"),
        (lambda: BatchNorm(3, momentum=1.0), "momentum=1.0 .* 0 <= momentum < 1"),
        (lambda: BatchNorm(3).forward(np.ones((4, 1))), r"BatchNorm of 3 features got an input of shape \(4, 1\)"),
        (lambda: LayerNorm(3).forward(np.ones(())), r"LayerNorm of 3 features got an input of shape \(\)"),
        (lambda: BatchNorm(3).forward(np.ones((1, 3)), train=(1, 0)), r"batch of 1 row .*\(1, 3\).* 2 or more"),
        (lambda: Standardize((2,), "both"), "'both' is not known. Give one of none, mean, each"),
        (lambda: Standardize((2,)).learn(np.ones((0, 2))), r"shape \(2,\) cannot learn from .* \(0, 2\)"),
        (lambda: Standardize((2,)).learn(np.ones((5, 3))), r"\(5, 3\). Give one of shape \(N, 2\)"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_standardize_refuses_what_is_not_finite(bad):
    x = np.ones((6, 2))
    x[3, 1] = bad
    with pytest.raises(DataError, match="infinite numbers or NaN"):
        Standardize((2,)).learn(x)
