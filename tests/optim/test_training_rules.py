"""Optimizers and clipping against the formulas of their docstrings, computed number by number in plain Python."""

import math

import numpy as np
import pytest

from rnnlm import ops
from rnnlm.errors import UsageError
from rnnlm.layers import Param
from rnnlm.training import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    Momentum,
    Nesterov,
    RMSprop,
    RowAdagrad,
    clip_norm,
    clip_value,
    gradient_norm,
)

# Optimizers: one row w with the gradient g (lists), and the row's own memory m ---------------------


def sgd(w, g, m, rate):
    return [wi - rate * gi for wi, gi in zip(w, g, strict=True)]


def momentum(w, g, m, rate):
    m["v"] = [0.7 * vi + gi for vi, gi in zip(m.get("v", [0.0] * len(w)), g, strict=True)]
    return [wi - rate * vi for wi, vi in zip(w, m["v"], strict=True)]


def nesterov(w, g, m, rate):
    m["v"] = [0.7 * vi + gi for vi, gi in zip(m.get("v", [0.0] * len(w)), g, strict=True)]
    return [wi - rate * (gi + 0.7 * vi) for wi, gi, vi in zip(w, g, m["v"], strict=True)]


def adagrad(w, g, m, rate):
    m["s"] = [si + gi**2 for si, gi in zip(m.get("s", [0.0] * len(w)), g, strict=True)]
    return [wi - rate * gi / (math.sqrt(si) + 1e-8) for wi, gi, si in zip(w, g, m["s"], strict=True)]


def row_adagrad(w, g, m, rate):
    m["s"] = m.get("s", 0.0) + sum(gi**2 for gi in g) / len(g)
    return [wi - rate * gi / (math.sqrt(m["s"]) + 1e-8) for wi, gi in zip(w, g, strict=True)]


def rmsprop(w, g, m, rate):
    m["s"] = [0.9 * si + 0.1 * gi**2 for si, gi in zip(m.get("s", [0.0] * len(w)), g, strict=True)]
    return [wi - rate * gi / (math.sqrt(si) + 1e-8) for wi, gi, si in zip(w, g, m["s"], strict=True)]


def adam(w, g, m, rate):
    n = m["n"] = m.get("n", 0) + 1  # updates of this row, not of the table
    m["m"] = [0.8 * mi + 0.2 * gi for mi, gi in zip(m.get("m", [0.0] * len(w)), g, strict=True)]
    m["v"] = [0.95 * vi + 0.05 * gi**2 for vi, gi in zip(m.get("v", [0.0] * len(w)), g, strict=True)]
    new = []
    for wi, mi, vi in zip(w, m["m"], m["v"], strict=True):
        new.append(wi - rate * (mi / (1 - 0.8**n)) / (math.sqrt(vi / (1 - 0.95**n)) + 1e-6))
    return new


RULES = {
    "sgd": (SGD, {}, sgd),
    "momentum": (Momentum, {"momentum": 0.7}, momentum),
    "nesterov": (Nesterov, {"momentum": 0.7}, nesterov),
    "adagrad": (Adagrad, {}, adagrad),
    "row-adagrad": (RowAdagrad, {}, row_adagrad),
    "rmsprop": (RMSprop, {}, rmsprop),
    "adam": (Adam, {"beta1": 0.8, "beta2": 0.95, "eps": 1e-6}, adam),
}


def add_all(param, g, number):
    param.add(g.copy())
    return range(len(g))


def add_ids(param, g, number):
    """Rows by id, one of them twice, and an unknown word; the three steps touch different rows."""
    ids = np.array([[2, 0, 2, -1], [4, 2, 4, 4], [0, -1, 0, 3]][number])
    param.add_rows(ids, g[:4])
    expected = np.zeros_like(g)
    for i, row in zip(ids, g[:4], strict=True):
        if i >= 0:
            expected[i] += row
    g[:] = expected
    return set(ids[ids >= 0].tolist())


def add_ranges(param, g, number):
    """Rows by ranges, as the class-factorized softmax has them: neighbours, an overlap, the same one twice."""
    ranges = [[(0, 2), (2, 3)], [(1, 4), (0, 2)], [(4, 5), (4, 5)]][number]
    rows = {row for start, end in ranges for row in range(start, end)}
    g[[row for row in range(len(g)) if row not in rows]] = 0
    param.grad += g
    param.touch(ranges)
    return rows


def add_both(param, g, number):
    half = g / 2
    rows = add_ranges(param, half, number)
    rest = g / 2
    rows = rows | set(add_ids(param, rest, number))
    g[:] = half + rest
    return rows


ADDERS = {"all": add_all, "ids": add_ids, "ranges": add_ranges, "ids and ranges": add_both}


@pytest.mark.parametrize(("l2", "decay"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.4), (0.3, 0.4)])
@pytest.mark.parametrize("shape", [(5, 3), (5,), (5, 2, 3, 2)], ids=["table", "vector", "filters"])
@pytest.mark.parametrize("add", ADDERS.values(), ids=ADDERS)
@pytest.mark.parametrize(("cls", "options", "rule"), RULES.values(), ids=RULES)
def test_three_steps_of_an_optimizer(cls, options, rule, add, shape, l2, decay):
    rng = np.random.default_rng(0)
    param = Param(rng.normal(size=shape))
    optimizer = cls({"table": param}, 0.1, l2=l2, decay=decay, **options)
    by_hand = param.value.reshape(5, -1).tolist()
    memory = [{} for _ in by_hand]
    for number, rate in enumerate([0.1, 0.1, 0.05]):
        g = rng.normal(size=shape)
        touched = add(param, g, number)
        optimizer.learning_rate = rate
        optimizer.step()
        for row in touched:
            w, gradient = by_hand[row], g.reshape(5, -1)[row].tolist()
            gradient = [gi + l2 * wi for gi, wi in zip(gradient, w, strict=True)]
            by_hand[row] = rule([wi - rate * decay * wi for wi in w], gradient, memory[row], rate)
        np.testing.assert_allclose(param.value.reshape(5, -1), by_hand, rtol=1e-12, atol=1e-14)
        assert not param.grad.any()
        assert param.rows.tolist() == []
    assert optimizer.steps == 3


def test_the_constants_are_the_papers():
    """Kingma & Ba 2015 and lecture 6.5: the very first Adam step is the learning rate, whatever the gradient's size."""
    param = Param(np.zeros(2))
    adam = Adam({"w": param}, 0.25)
    assert (adam.options.beta1, adam.options.beta2, adam.options.eps) == (0.9, 0.999, 1e-8)
    assert Momentum({"w": param}, 0.25).options.momentum == 0.9
    param.add(np.array([1e-3, -40.0]))
    adam.step()
    np.testing.assert_allclose(param.value, [-0.25, 0.25], rtol=1e-4)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_three_steps_by_hand(backend):
    """w = 1 and g = 1, 2, 0 at the rate ½ with μ = ½; the velocities are 1, 2.5, 1.25."""
    ops.use(backend)
    try:
        for make, expected in (
            (lambda params: Nesterov(params, 0.5, momentum=0.5), [0.25, -1.375, -1.6875]),
            (lambda params: SGD(params, 0.5, decay=0.2), [0.4, -0.64, -0.576]),  # 0.9 w - g / 2
            (lambda params: Nesterov(params, 0.5, momentum=0.5, decay=0.2), [0.15, -1.49, -1.6535]),
        ):
            param = Param(np.ones((1, 1)))
            optimizer, found = make({"w": param}), []
            for g in (1.0, 2.0, 0.0):
                param.add(np.full((1, 1), g))
                optimizer.step()
                found.append(param.value.item())
            np.testing.assert_allclose(found, expected, rtol=1e-14)
    finally:
        ops.use()


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_parameter_without_gradient_is_left_alone(name, backend):
    """Running statistics are parameters that no gradient touches: no penalty, no decay, no clipping changes them."""
    ops.use(backend)
    try:
        learnt, kept = Param(np.ones((3, 2))), Param(np.full(2, 1 / 3))
        optimizer = OPTIMIZERS[name]({"W": learnt, "running mean": kept}, 0.1, l2=0.5, decay=0.5)
        for clip in (clip_norm, clip_value):
            learnt.add(np.ones((3, 2)))
            clip([learnt, kept], 0.1)
            optimizer.step()
        assert (learnt.value < 1).all()
        assert kept.value.tolist() == [1 / 3, 1 / 3]
        memory = [array for key, array in optimizer.state()[1].items() if key.startswith("running")]
        assert not any(array.any() for array in memory)
    finally:
        ops.use()


@pytest.mark.parametrize("value", [-0.1, math.inf, math.nan])
@pytest.mark.parametrize("which", ["l2", "decay"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_penalties_that_are_none(name, which, value):
    with pytest.raises(UsageError, match=f"{which}={value} is not possible. Give .*{which} >= 0"):
        OPTIMIZERS[name]({}, 0.1, **{which: value})


# Clipping ------------------------------------------------------------------------------------------


def some_params(number):
    """Tables with some rows touched, some of them twice, and arrays touched everywhere; their gradients as lists."""
    rng = np.random.default_rng(number)
    params, gradients = [], []
    for shape, add in (((5, 3), add_both), ((4,), add_all), ((5, 2, 1, 3), add_ids), ((3, 3, 2, 4), add_all)):
        g = rng.normal(0, 2, shape)
        params.append(Param(np.zeros(shape)))
        add(params[-1], g, number)
        gradients.append(g.ravel().tolist())
    return params, gradients


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("limit", [0.5, 3.0, 1000.0])
def test_clip_norm(limit, number):
    params, by_hand = some_params(number)
    norm = math.sqrt(sum(x * x for g in by_hand for x in g))
    assert gradient_norm(params) == pytest.approx(norm, rel=1e-12)
    assert clip_norm(params, limit) == pytest.approx(norm, rel=1e-12)
    factor = min(1.0, limit / norm)
    for param, g in zip(params, by_hand, strict=True):
        np.testing.assert_allclose(param.grad.ravel(), [factor * x for x in g], rtol=1e-12)
    assert gradient_norm(params) == pytest.approx(min(norm, limit), rel=1e-12)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("limit", [0.5, 3.0, 1000.0])
def test_clip_value(limit, number):
    params, by_hand = some_params(number)
    clip_value(params, limit)
    for param, g in zip(params, by_hand, strict=True):
        assert param.grad.ravel().tolist() == pytest.approx([max(-limit, min(limit, x)) for x in g], rel=1e-12)


@pytest.mark.parametrize("clip", [clip_norm, clip_value])
def test_no_gradient_is_left_alone(clip):
    param = Param(np.zeros((5, 3)))
    clip([param], 1.0)
    assert not param.grad.any()
    assert param.rows.tolist() == []


@pytest.mark.parametrize("limit", [0.0, -1.0, math.inf, math.nan])
@pytest.mark.parametrize("clip", [clip_norm, clip_value])
def test_limits_that_are_no_limits(clip, limit):
    with pytest.raises(UsageError, match="Give a positive number"):
        clip([Param(np.zeros(2))], limit)
