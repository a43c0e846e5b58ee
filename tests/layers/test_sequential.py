"""Layers in a row, and the layer that makes a vector of an image."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from gradient_checks import agree, gradients, randomize, values

from rnnlm.checks.formulas import normalization, recurrent
from rnnlm.errors import UsageError
from rnnlm.layers import Activation, Affine, BatchNorm, Dropout, Embedding, Flatten, LayerNorm, Sequential, Standardize
from rnnlm.ops import ops_for

TRAIN = (7, 3)
KEY = (7 * 64 + 2, 3)  # of Dropout number 2


def network(dtype="float64"):
    rng = np.random.default_rng(0)
    inner = Sequential([LayerNorm(4, dtype=dtype), Dropout(0.5, 2)])
    affines = Affine(6, 4, rng=rng, dtype=dtype), Affine(4, 3, rng=rng, dtype=dtype)
    return Sequential([Flatten(), affines[0], Activation("tanh"), inner, affines[1]])


def formula(x, p, mask=None):
    h = anp.tanh(recurrent.affine(anp.reshape(x, (len(x), -1)), p["2.W"], p["2.b"]))
    h = normalization.each(lambda row: normalization.layer_norm(row, p["4.1.gain"], p["4.1.b"], 1e-5), h)
    return recurrent.affine(recurrent.dropout(h, mask), p["5.W"], p["5.b"])


@pytest.mark.parametrize("train", [None, TRAIN])
def test_values_and_gradients_in_a_row_within_a_row(train):
    layer = network()
    assert list(layer.params) == ["2.W", "2.b", "4.1.gain", "4.1.b", "5.W", "5.b"]
    randomize(layer.params, 1)
    x, dy = np.random.default_rng(2).normal(size=(5, 2, 3)), np.random.default_rng(3).normal(size=(5, 3))
    mask = None if train is None else ops_for(x).dropout_mask((5, 4), 0.5, KEY, x.dtype)
    p = values(layer.params)
    y, tape = layer.forward(x, train=train)
    agree(y, formula(x, p, mask))
    expected, dx = grad(lambda both: anp.sum(dy * formula(both[1], both[0], mask)))((p, x))
    agree(layer.backward(dy, tape), dx)
    agree(gradients(layer.params), expected)
    layer.backward(dy, tape)
    agree(gradients(layer.params), {name: 2 * g for name, g in expected.items()})


def test_float32_stays_float32():
    layer = network("float32")
    x = np.random.default_rng(2).normal(size=(5, 2, 3)).astype(np.float32)
    y, tape = layer.forward(x, train=TRAIN)
    assert y.dtype == layer.backward(y, tape).dtype == np.float32


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 6), (2, 3, 4), (2, 3, 4, 5), (0, 3, 2)])
def test_flatten_keeps_the_order(shape):
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)
    y, tape = Flatten().forward(x)
    assert y.shape == (shape[0], np.prod(shape[1:], dtype=int))
    assert y.ravel().tolist() == x.ravel().tolist()
    agree(Flatten().backward(y, tape), x)


def test_an_input_without_a_gradient_ends_the_chain():
    rng = np.random.default_rng(0)
    layer = Sequential([Embedding(9, 4, rng=rng, dtype="float64"), Affine(4, 2, rng=rng, dtype="float64")])
    y, tape = layer.forward(np.array([[1, 5], [5, -1]]))
    assert y.shape == (2, 2, 2)
    assert layer.backward(np.ones((2, 2, 2)), tape) is None
    row = layer.params["2.W"].value.sum(1)
    agree(layer.params["1.W"].grad[[1, 5, 0]], np.array([row, 2 * row, 0 * row]))

    class Blind(Activation):
        def backward(self, dy, tape):
            return None

    layer = Sequential([Affine(4, 4, rng=rng), Blind("tanh")])  # what stands below hears nothing
    y, tape = layer.forward(np.ones((2, 4), np.float32))
    assert layer.backward(y, tape) is None
    assert not layer.params["1.W"].grad.any()


def test_no_layers_are_the_identity():
    y, tape = Sequential([]).forward(np.ones((2, 3)))
    assert (y == 1).all()
    assert (Sequential([]).backward(2 * y, tape) == 2).all()


def test_two_dropout_layers_of_one_number_are_refused():
    with pytest.raises(UsageError, match=r"2 Dropout layers have the number 0.*Dropout\(rate, 1\)"):
        Sequential([Dropout(0.5), Sequential([Activation("tanh"), Dropout(0.5)])])
    Sequential([Dropout(0.5), Sequential([Activation("tanh"), Dropout(0.5, 1)])])


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ([Affine(6, 4, rng=np.random.default_rng(0))], (2, 5), r"layer 1 \(Affine\) .* shape \(2, 5\): "),
        ([Activation("tanh"), Standardize((3,))], (2, 5), r"layer 2 \(Standardize\) .* shape \(2, 5\): "),
        ([Flatten(), BatchNorm(6)], (1, 2, 3), r"layer 2 \(BatchNorm\) .* shape \(1, 6\): BatchNorm cannot learn"),
        ([Sequential([BatchNorm(6)])], (4, 1), r"layer 1 \(Sequential\) .*: layer 1 \(BatchNorm\) .* of 6 features"),
    ],
)
def test_an_input_that_does_not_fit_names_the_layer(layers, shape, message):
    with pytest.raises(UsageError, match=message) as caught:
        Sequential(layers).forward(np.ones(shape, np.float32), train=TRAIN)
    assert "\n" not in str(caught.value)
