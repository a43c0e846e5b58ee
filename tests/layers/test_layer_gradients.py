"""Maps without memory against the reference: values, gradients, accumulation, and the rows that a gradient touches."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from gradient_checks import agree, gradients, nonzero_rows, randomize, values

from rnnlm.checks.formulas import recurrent as ref
from rnnlm.layers import Activation, Affine, Dropout, Embedding, Param
from rnnlm.ops import ops_for


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("shape", [(40,), (1, 1), (3, 2, 8)])
@pytest.mark.parametrize("name", ref.ACTIVATIONS)
def test_activation(name, shape):
    x = rng(1).normal(0, 12, shape)  # wide enough for the ceiling at 20, and for saturated units
    dy = rng(2).normal(size=shape)
    layer, f = Activation(name), ref.ACTIVATIONS[name]
    y, tape = layer.forward(x)
    agree(y, f(x))
    agree(layer.backward(dy, tape), grad(lambda x: anp.sum(dy * f(x)))(x))


@pytest.mark.parametrize(
    ("name", "below", "between", "above"),
    [("relu", 0, 1, 1), ("clipped_relu", 0, 1, 0), ("leaky_relu", 0.01, 1, 1)],
)
def test_kinks_are_those_of_the_pre_activation(name, below, between, above):
    layer = Activation(name)
    _, tape = layer.forward(np.array([-0.1, 0.1, 19.9, 20.1]))
    assert layer.backward(np.ones(4), tape).tolist() == [below, between, between, above]


@pytest.mark.parametrize("name", ["tanh", "logistic", "elu"])
def test_far_out_activations_stay_finite(name):
    layer = Activation(name)
    y, tape = layer.forward(np.array([-1e4, 1e4]))
    assert y.tolist() == {"tanh": [-1, 1], "logistic": [0, 1], "elu": [-1, 1e4]}[name]
    assert layer.backward(np.ones(2), tape).tolist() == [0, 1 if name == "elu" else 0]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (1, 3), (5, 3), (4, 2, 3)])
def test_affine(shape, bias):
    layer = Affine(3, 4, rng=rng(), bias=bias, dtype="float64")
    randomize(layer.params, 1)
    x, dy = rng(2).normal(size=shape), rng(3).normal(size=(*shape[:-1], 4))
    y, tape = layer.forward(x)
    p = values(layer.params)
    agree(y, ref.affine(x, **p))
    expected, dx = grad(lambda both: anp.sum(dy * ref.affine(both[1], **both[0])))((p, x))
    agree(layer.backward(dy, tape), dx)
    agree(gradients(layer.params), expected)
    layer.backward(dy, tape)
    agree(gradients(layer.params), {name: 2 * g for name, g in expected.items()})


IDS = {
    "one": [[3]],
    "repeated": [[3, 1], [3, 3], [0, 5]],
    "with none": [[-1, 1], [5, -1], [1, 1]],
    "only none": [[-1, -1]],
}


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_embedding(ids):
    ids = np.array(ids)
    layer = Embedding(6, 4, rng=rng(), dtype="float64")
    randomize(layer.params, 1)
    dy = rng(2).normal(size=(*ids.shape, 4))

    def run(table):
        return anp.array([[ref.embedding(word, table) for word in row] for row in ids])

    y, tape = layer.forward(ids)
    W = layer.params["W"]
    agree(y, run(W.value))
    expected = grad(lambda table: anp.sum(dy * run(table)))(W.value)
    layer.backward(dy, tape)
    agree(W.grad, expected)
    assert W.rows.tolist() == sorted({word for word in ids.flat if word >= 0}) == nonzero_rows(W.grad).tolist()
    layer.backward(dy, tape)
    agree(W.grad, 2 * expected)
    W.zero()
    assert not W.grad.any()
    assert W.rows.tolist() == []


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_dropout(rate):
    layer = Dropout(rate, number=2)
    x, dy = rng(1).normal(size=(2, 3, 4, 5))
    y, tape = layer.forward(x, train=(7, 3))
    mask = ops_for(x).dropout_mask(x.shape, rate, (7 * 64 + 2, 3), x.dtype)
    assert set(mask.flat) == {0, 1 / (1 - rate)}
    agree(y, ref.dropout(x, mask))
    agree(layer.backward(dy, tape), grad(lambda x: anp.sum(dy * ref.dropout(x, mask)))(x))


@pytest.mark.parametrize(("rate", "train"), [(0.5, None), (0.0, (7, 3))])
def test_dropout_does_nothing(rate, train):
    x, dy = rng(1).normal(size=(2, 3, 4))
    layer = Dropout(rate)
    y, tape = layer.forward(x, train=train)
    agree(y, x)
    agree(layer.backward(dy, tape), dy)


def test_dropout_masks_differ_by_seed_layer_and_update_and_have_the_right_mean():
    x = np.ones((100, 100))
    masks = [Dropout(0.3, number).forward(x, train=train)[0] for number, train in
             [(0, (1, 0)), (1, (1, 0)), (0, (2, 0)), (0, (1, 1))]]  # fmt: skip
    for mask in masks:
        assert abs((mask == 0).mean() - 0.3) < 0.02  # four standard deviations
    for i, a in enumerate(masks):
        for b in masks[:i]:
            assert abs(((a == 0) & (b == 0)).mean() - 0.09) < 0.012  # independent
    again = Dropout(0.3, 0).forward(x, train=(1, 0))[0]
    assert (again == masks[0]).all()


def test_a_param_knows_its_rows_by_id_by_range_and_all():
    param = Param(np.zeros((10, 2)))
    assert param.rows.tolist() == []
    param.grad[2:4] += 1
    param.touch([(2, 4), (7, 8), (3, 6)])
    assert param.rows.tolist() == [2, 3, 4, 5, 7]
    assert list(param.touched()) == [slice(2, 6), slice(7, 8)]
    param.add_rows(np.array([9, 3, 9, -1]), np.ones((4, 2)))
    assert param.rows.tolist() == [2, 3, 4, 5, 7, 9]
    assert param.grad[:, 0].tolist() == [0, 0, 1, 2, 0, 0, 0, 0, 0, 2]
    param.zero()
    assert not param.grad.any()
    assert param.rows.tolist() == []
    param.add(np.ones((10, 2)))
    param.add_rows(np.array([1]), np.ones((1, 2)))
    assert param.rows is None
    assert list(param.touched()) == [slice(None)]
    param.zero()
    assert not param.grad.any()
    assert param.rows.tolist() == []


@pytest.mark.parametrize(
    ("ranges", "union"),
    [
        ([], []),
        ([(4, 6)], [(4, 6)]),
        ([(0, 2), (2, 3)], [(0, 3)]),  # neighbours
        ([(5, 8), (1, 3)], [(1, 3), (5, 8)]),
        ([(2, 9), (3, 4), (6, 10)], [(2, 10)]),  # one inside another, then an overlap
        ([(0, 1), (0, 1), (9, 10)], [(0, 1), (9, 10)]),
    ],
)
def test_touched_ranges_are_their_union_in_few_slices(ranges, union):
    param = Param(np.zeros((10, 2)))
    param.touch(ranges)
    assert list(param.touched()) == [slice(start, end) for start, end in union]
    assert param.rows.tolist() == [row for start, end in union for row in range(start, end)]


def test_dropout_just_under_one_drops_everything():
    x = np.ones((50, 40))
    y, _ = Dropout(1 - 1e-12).forward(x, train=(1, 1))
    assert not y.any()
