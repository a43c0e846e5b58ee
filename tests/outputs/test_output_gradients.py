"""Full and class-factorized softmax against the reference: scores, gradients, and the rows that a gradient touches."""

from itertools import pairwise

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from gradient_checks import agree, gradients, nonzero_rows, randomize, values

from rnnlm.checks.formulas import recurrent as ref
from rnnlm.outputs import ClassMap, ClassSoftmax, Softmax

# A window of nothing but padding has no gradient, and autograd remarks on it.
pytestmark = pytest.mark.filterwarnings("ignore:Output seems independent")

V, H = 7, 4
PARTITIONS = {
    "full": None,
    "classes": [0, 1, 4, 5, 7],
    "one class": [0, 7],
    "words": list(range(8)),
    "pairs": [0, 5, 7],
}
TARGETS = {
    "one": [2],
    "one of a class of one": [0],
    "repeated": [6, 1, 1, 3, 0, 1, 4],
    "padding": [-1, 5, -1, 2, 2, -1],
    "all padding": [-1, -1, -1],
}
EVERY_PARTITION = pytest.mark.parametrize("start", PARTITIONS.values(), ids=PARTITIONS)
EVERY_TARGET = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


def make(start):
    rng = np.random.default_rng(0)
    layer = Softmax(V, H, rng=rng, dtype="float64")
    if start is not None:
        layer = ClassSoftmax(ClassMap(np.array(start)), H, rng=rng, dtype="float64")
    randomize(layer.params, 1)
    return layer


def reference_nll(p, h, target, start):
    if start is None:
        return anp.array([ref.softmax_nll(h[i], target[i], **p) for i in range(len(target))])
    return anp.array([ref.class_softmax_nll(h[i], target[i], **p, start=start) for i in range(len(target))])


@EVERY_TARGET
@EVERY_PARTITION
def test_score_and_gradient(start, target):
    layer, target, scale = make(start), np.array(target), 0.37
    h = np.random.default_rng(2).normal(size=(len(target), H))
    nll, tape = layer.forward(h, target)
    agree(nll, reference_nll(values(layer.params), h, target, start))

    def loss(both):
        return scale * anp.sum(reference_nll(both[0], both[1], target, start))

    expected, dh = grad(loss)((values(layer.params), h))
    agree(layer.backward(tape, scale), dh)
    agree(gradients(layer.params), expected)
    agree(layer.backward(tape, scale), dh)
    agree(gradients(layer.params), {name: 2 * g for name, g in expected.items()})


@EVERY_TARGET
@EVERY_PARTITION
def test_touched_rows(start, target):
    layer, target = make(start), np.array(target)
    _, tape = layer.forward(np.random.default_rng(2).normal(size=(len(target), H)), target)
    layer.backward(tape, 1.0)
    if start is None:
        expected = None
    else:
        ranges = [range(a, b) for a, b in pairwise(start) if b - a > 1]
        expected = [word for words in ranges if set(words) & set(target.tolist()) for word in words]
    for name in ("W", "b"):
        param = layer.params[name]
        assert (None if param.rows is None else param.rows.tolist()) == expected
        if expected is not None:
            assert nonzero_rows(param.grad).tolist() == expected
    for param in layer.params.values():
        param.zero()
        assert not param.grad.any()
        assert param.rows.tolist() == []


@EVERY_PARTITION
def test_every_word_has_the_probability_of_its_score(start):
    layer, h = make(start), np.random.default_rng(3).normal(size=(3, H))
    logp = layer.logprobs(h)
    for word in range(V):
        agree(logp[:, word], -reference_nll(values(layer.params), h, np.full(3, word), start))
    np.testing.assert_allclose(np.exp(logp).sum(1), 1, rtol=1e-12)


@EVERY_PARTITION
def test_logits_of_a_thousand_do_not_overflow(start):
    layer, h = make(start), np.full((1, H), 2000.0)
    nll, tape = layer.forward(h, np.array([2]))
    assert np.isfinite(nll).all()
    assert np.isfinite(layer.backward(tape, 1.0)).all()
