"""Losses against their definitions, number by number, and their gradients against autograd."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from gradient_checks import agree
from stand_in import DeviceArray

from rnnlm.checks.formulas import losses as ref
from rnnlm.errors import UsageError
from rnnlm.layers import CrossEntropy, Hinge, SquaredError

TARGET = {"all": [3, 0, 2, 2, 1], "some": [3, -1, 0, -1, 2], "none": [-1] * 5, "one": [4]}
LOSSES = {
    "cross-entropy": (CrossEntropy(), ref.cross_entropy),
    "hinge": (Hinge(), ref.hinge),
    "wide hinge": (Hinge(2.5), lambda y, target: ref.hinge(y, target, 2.5)),
    "squared": (SquaredError(), lambda y, t: 0.0 if t < 0 else ref.squared_error(y, np.eye(len(y))[t])),
}


def outputs(n, seed=0):
    return np.random.default_rng(seed).normal(0, 1.5, (n, 5))


@pytest.mark.parametrize("target", TARGET.values(), ids=TARGET)
@pytest.mark.parametrize(("loss", "formula"), LOSSES.values(), ids=LOSSES)
def test_a_loss_and_its_gradient(loss, formula, target):
    target = np.array(target)
    y = outputs(len(target))

    def total(y):
        return anp.sum(anp.array([formula(row, t) for row, t in zip(y, target, strict=True)]))

    found, tape = loss.forward(y, target)
    agree(found, np.array([formula(row, t) for row, t in zip(y, target, strict=True)], dtype=float))
    expected = 0.3 * grad(total)(y) if (target >= 0).any() else np.zeros_like(y)
    for _ in range(2):  # the tape is not used up
        agree(loss.backward(tape, 0.3), expected)
    single, tape = loss.forward(y.astype("float32"), target)
    dy = loss.backward(tape, 0.3)
    assert single.dtype == dy.dtype == np.float32
    np.testing.assert_allclose(single, found, 1e-5, 1e-6)
    np.testing.assert_allclose(dy, expected, 1e-5, 1e-6)


def test_squared_error_of_numbers():
    y, target = outputs(4), outputs(4, seed=1)
    loss, tape = SquaredError().forward(y, target)
    agree(loss, np.array([ref.squared_error(*rows) for rows in zip(y, target, strict=True)]))
    total = grad(lambda y: anp.sum(anp.array([ref.squared_error(y[i], target[i]) for i in range(4)])))
    agree(SquaredError().backward(tape, 2.0), 2 * total(y))
    single, tape = SquaredError().forward(y.astype("float32"), target)  # targets take the precision of the outputs
    assert single.dtype == SquaredError().backward(tape, 2.0).dtype == np.float32


def test_values_by_hand():
    y, target = np.array([[1.0, 3.0, 2.5], [1.0, 3.0, 2.5]]), np.array([1, 0])
    loss, tape = Hinge().forward(y, target)
    assert loss.tolist() == [0.5, 5.5]  # 1 - 3 + 2.5; (1 - 1 + 3) + (1 - 1 + 2.5)
    assert Hinge().backward(tape, 1.0).tolist() == [[0, -1, 1], [-2, 1, 1]]
    assert SquaredError().forward(y, target)[0].tolist() == [(1 + 4 + 6.25) / 2, (0 + 9 + 6.25) / 2]
    assert CrossEntropy().forward(np.zeros((1, 8)), np.array([2]))[0][0] == pytest.approx(np.log(8))


def test_cross_entropy_far_out_is_finite():
    y = np.array([[1e4, -1e4, 0.0]])
    loss, tape = CrossEntropy().forward(y, np.array([1]))
    assert loss.tolist() == [2e4]
    assert CrossEntropy().backward(tape, 1.0).tolist() == [[1, -1, 0]]


@pytest.mark.parametrize("loss", [CrossEntropy(), Hinge(), SquaredError()], ids=lambda loss: type(loss).__name__)
def test_on_the_device(cupy, loss):
    y, target = outputs(5).astype("float32"), np.array(TARGET["some"])
    here, tape = loss.forward(y, target)
    there, scored = loss.forward(cupy.asarray(y), target)
    for ours, theirs in ((there, here), (loss.backward(scored, 0.3), loss.backward(tape, 0.3))):
        assert isinstance(ours, DeviceArray)
        np.testing.assert_allclose(ours.get(), theirs, 1e-5, 1e-7)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ([0, 5], "target 5 of row 1 is no class. Give 0 to 4, or -1"),
        ([-2, 0], "target -2 of row 0"),
        ([0, 1, 2], r"shape \(3,\) and type int64 do not fit outputs of the shape \(2, 5\)"),
        ([0.0, 1.0], "type float64"),
    ],
)
@pytest.mark.parametrize("loss", [CrossEntropy(), Hinge(), SquaredError()], ids=lambda loss: type(loss).__name__)
def test_targets_that_do_not_fit(loss, target, says):
    with pytest.raises(UsageError, match=says):
        loss.forward(outputs(2), np.array(target))


def test_other_wrong_input():
    with pytest.raises(UsageError, match=r"shape \(2, 3\) do not fit outputs of the shape \(2, 5\)"):
        SquaredError().forward(outputs(2), np.zeros((2, 3)))
    for margin in (0, -1, float("inf"), float("nan")):
        with pytest.raises(UsageError, match=f"margin={margin} is not possible. Give a positive number"):
            Hinge(margin)
