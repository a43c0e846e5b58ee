"""The class-factorized softmax on the GPU, and gradients that are still two factors: several tiles, and tails."""

from __future__ import annotations

import numpy as np
import pytest
from array_checks import CLOSE, REFERENCE, Numbers, agree
from stand_in import record
from stand_in.kernels import set_order
from test_cuda import here
from test_cuda_updates import Both

from rnnlm.ops import ops_for, use, use_precision
from rnnlm.ops.cuda import outer_product
from rnnlm.ops.gradients import OuterProduct
from rnnlm.ops.reference.class_softmax import ClassedTokens, ClassWeights
from rnnlm.training import OPTIMIZERS

ORDERS = [0, 1, 5]  # in which the threads run
LAYOUTS = {  # words of each class, tokens in each, H
    "tiles of 64 and of 8 tokens": ([1, 70, 600, 130, 5], [3, 70, 9, 1, 26], 70),
    "many tokens, a class in two parts": ([3, 530, 64], [2, 25, 64], 130),
    "a token a class": ([*[2, 3] * 35, 128, 129, 1], [*[1] * 12, *[0] * 58, 1, 1, 1], 9),
    "few tokens": ([300, 1, 90], [2, 1, 0], 128),
    "one class": ([70], [5], 3),
    "classes of one word": ([1] * 70, [1, 0] * 35, 5),
}


@pytest.fixture(autouse=True)
def as_usual_afterwards():
    use("numpy")
    yield
    set_order(0)
    use_precision("float32")
    use()


class Text:
    """Tokens with targets in classes of words, some not scored: the arguments of `class_softmax_nll` on the host."""

    def __init__(self, layout, dtype):
        sizes, tokens, H = LAYOUTS[layout]
        r, V, C = Numbers(dtype), sum(sizes), len(sizes)
        start = np.append(0, np.cumsum(sizes))
        of = np.repeat(np.arange(C), sizes)
        target = np.concatenate(
            [r.rng.integers(a, a + n, k) for a, n, k in zip(start[:-1], sizes, tokens, strict=True)]
        )
        self.target = r.rng.permutation(np.append(target, [-1] * 4).astype(np.int32))
        self.tokens = REFERENCE.by_class(self.target, of, start)
        self.h = 3 * r(len(self.target), H)
        self.weights = ClassWeights(r.weights(C, H), r(C), r.weights(V, H), r(V))

    def scores(self, gpu, gradient=True):
        """What the GPU finds, and the device's operations."""
        h, weights = gpu.asarray(self.h), ClassWeights(*(gpu.asarray(array) for array in self.weights))
        device = ops_for(h)
        record.clear()
        return device, device.class_softmax_nll(h, self.tokens, weights, gradient)

    def wanted(self, h, cW, cb, W, b):
        return REFERENCE.class_softmax_nll(h, self.tokens, ClassWeights(cW, cb, W, b), True)


def several(text, d, rows, scale=0.3):
    """The gradient of W, as the layer makes it, on the host."""
    groups = text.tokens.groups
    return OuterProduct(d, rows, groups[groups[:, 3] - groups[:, 2] > 1], scale)


def moved(gpu, outer):
    return OuterProduct(gpu.asarray(outer.d), gpu.asarray(outer.rows), outer.groups, outer.scale)


def multiplied(outer, shape):
    """The product of the two factors as an array, in float64."""
    dense = np.zeros(shape)
    for first, last, start, end, place in outer.groups.tolist():
        d = outer.d[place : place + (last - first) * (end - start)].reshape(last - first, end - start)
        dense[start:end] = outer.scale * (d.T.astype(float) @ outer.rows[first:last].astype(float))
    return dense


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_scores_and_gradients_are_those_of_the_plain_array_code(gpu, layout, dtype):
    text = Text(layout, dtype)
    nll, dh, found, rows, d = text.wanted(text.h, *text.weights)
    seen = []
    for order in ORDERS:
        set_order(order)
        device, (our_nll, our_dh, own, our_rows, our_d) = text.scores(gpu)
        assert (record.uploads, record.syncs) == (1, 0)
        assert record.launches <= 12
        ours = here([our_nll, our_rows, our_d, device.softmax_gradient(own, our_dh, 0.3)])
        agree(ours, [nll, rows, d, REFERENCE.softmax_gradient(found, dh, 0.3)], dtype)
        alone = text.scores(gpu, gradient=False)[1][0]
        assert (record.uploads, record.syncs) == (1, 0)
        assert record.launches <= 4
        np.testing.assert_array_equal(here(alone), ours[0])
        seen.append([array.tobytes() for array in (*ours[:3], *ours[3])])
    assert seen[0] == seen[1] == seen[2]  # bit for bit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_products_are_added_summed_and_measured(gpu, monkeypatch, layout, dtype):
    monkeypatch.setattr(outer_product, "STRIP", 128)  # several for a class of few tokens
    text = Text(layout, dtype)
    *_, rows, d = text.wanted(text.h, *text.weights)
    outer, W = several(text, d, rows), text.weights[2]
    dense = multiplied(outer, W.shape)
    seen = []
    for order in ORDERS:
        set_order(order)
        there, grad, bias = moved(gpu, outer), gpu.asarray(W), gpu.asarray(text.weights[3])
        device, wanted = ops_for(grad), text.weights[3].copy()
        record.clear()
        device.outer_product_bias(bias, there)
        device.outer_product_add(grad, there)
        squares = device.outer_product_square_sum(there)
        assert (record.uploads, record.syncs) == (0 if seen else 1, 0)  # the groups are sent once
        REFERENCE.outer_product_bias(wanted, outer)
        ours = here([grad, bias, squares])
        agree(ours, [(W + dense).astype(dtype), wanted, np.asarray((dense**2).sum(), dtype)], dtype)
        seen.append([array.tobytes() for array in ours])
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_products_are_used_up_by_every_rule(gpu, rule, dtype):
    """Two updates in a row, on classes of several tiles, the second of fewer classes.

    The factors are whole numbers, whose sums are exact: an adaptive rule makes a large step of what is left of a sum
    that should be zero.
    """
    text, r = Text("tiles of 64 and of 8 tokens", dtype), Numbers(dtype)
    shape, size = text.weights[2].shape, int(text.wanted(text.h, *text.weights)[4].size)
    both = Both(gpu, r, rule, [shape], l2=0.01, decay=0.3)
    for order, groups in ((1, slice(None)), (5, slice(1, None))):
        set_order(order)
        outer = several(text, np.rint(2 * r(size)), np.rint(2 * r(len(text.tokens.order), shape[1])), 0.25)
        outer.groups = outer.groups[groups]
        ids = np.concatenate([np.arange(a, b) for a, b in outer.spans.tolist()])
        both.update([(moved(gpu, outer), multiplied(outer, shape).astype(dtype), ids)])
        assert (record.launches, record.uploads, record.syncs) == (1, 1, 0)
        both.agree(dtype)


def rounded(x, precision):
    """float32 with the mantissa of TF32 (ties away from zero) or of bfloat16 (ties to even)."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    if precision == "tf32":
        bits = (bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
    else:
        bits = (bits + np.uint32(0x7FFF) + ((bits >> 16) & np.uint32(1))) & np.uint32(0xFFFF0000)
    return bits.view(np.float32)


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
@pytest.mark.parametrize("layout", ["many tokens, a class in two parts", "a token a class"])
def test_tensor_cores_round_the_factors_and_nothing_else(gpu, layout, precision):
    """Results are those of factors that were rounded before, to float32's own rounding; and not the exact ones."""
    text = Text(layout, "float32")
    cW, cb, W, b = text.weights
    use_precision(precision)
    device, (nll, dh, _, rows, d) = text.scores(gpu)
    nll, dh, rows, d = here([nll, dh, rows, d])
    wanted = text.wanted(rounded(text.h, precision), rounded(cW, precision), cb, rounded(W, precision), b)
    agree([nll, d], [wanted[0], wanted[4]], "float32")
    exact = text.wanted(text.h, *text.weights)[0]
    assert np.abs(nll - exact).max() > 10 * CLOSE["float32"][1] * np.abs(nll).max()

    grad, outer = gpu.asarray(np.zeros_like(W)), several(text, d, rows)
    device.outer_product_add(grad, moved(gpu, outer))
    dense = multiplied(several(text, rounded(d, precision), rounded(rows, precision)), W.shape)
    agree(here(grad), dense.astype(np.float32), "float32")

    # Both factors are rounded by at most 2^-11 or 2^-8 of themselves, so each product by twice that of itself.
    unit = {"tf32": 2.0**-11, "bf16": 2.0**-8}[precision]
    (_, dc), back, room = wanted[2], np.zeros(rows.shape), np.zeros(rows.shape)
    pieces = [(0, len(dc), dc, cW)]
    for first, last, start, end, place in outer.groups.tolist():
        pieces.append((first, last, d[place : place + (last - first) * (end - start)], W[start:end]))
    for first, last, part, weights in pieces:
        errors = part.reshape(last - first, -1).astype(float)
        back[first:last] += errors @ weights
        room[first:last] += 2.1 * unit * (np.abs(errors) @ np.abs(weights))
    off = np.abs(dh[text.tokens.order] - back)
    assert (off <= room).all()
    assert off.max() > 0.01 * room.max()

    squares = float(here(device.outer_product_square_sum(moved(gpu, outer))))  # where tokens are few, of exact factors
    assert squares == pytest.approx((multiplied(outer, W.shape) ** 2).sum(), rel=4.2 * unit)


def test_a_group_is_found_among_more_than_a_thousand(gpu):
    """By steps of 32 probes: two words and a token each, so that a wrong group is a wrong word."""
    r, G = Numbers("float64"), 1100
    n = np.arange(G)
    groups = np.stack([n, n + 1, 3 * n, 3 * n + 2, 2 * n], 1)
    outer = OuterProduct(r(2 * G), r(G, 1), groups, 1.0)
    grad = gpu.asarray(np.zeros(3 * G))
    ops_for(grad).outer_product_bias(grad, moved(gpu, outer))
    wanted = np.zeros((G, 3))
    wanted[:, :2] = outer.d.reshape(G, 2)
    np.testing.assert_array_equal(here(grad), wanted.reshape(-1))


def test_what_rounding_leaves_of_no_product_is_not_less_than_nothing(gpu):
    """Three tokens whose gradients cancel: the length of the whole has a root all the same."""
    d, groups = np.array([1, 1, -2], np.float32), np.array([[0, 3, 0, 1, 0]])
    for seed in range(5):
        rows = np.random.default_rng(seed).standard_normal((3, 200)).astype(np.float32)
        rows[2] = (rows[0] + rows[1]) / 2
        outer = OuterProduct(gpu.asarray(d), gpu.asarray(rows), groups, 1.0)
        assert 0 <= float(here(ops_for(outer.d).outer_product_square_sum(outer))) < 1e-3


@pytest.mark.parametrize("far", [-1000, 1000])
def test_logits_far_from_zero_are_no_trouble(gpu, far):
    """A tile's largest logit is one of its own, not one of the zeros that fill it up."""
    text = Text("one class", "float64")
    cW, cb, W, b = text.weights
    text.weights = ClassWeights(cW, cb + far, W, b + far)
    nll, dh, *_, d = text.wanted(text.h, *text.weights)
    ours = text.scores(gpu)[1]
    agree(here([ours[0], ours[1], ours[4]]), [nll, dh, d], "float64")


def test_no_token_at_all(gpu):
    text = Text("one class", "float32")
    text.tokens = ClassedTokens(*(array[:0] for array in text.tokens))
    device, (nll, dh, own, rows, d) = text.scores(gpu)
    for array in (here(nll), *here(device.softmax_gradient(own, dh, 0.3))):
        assert not array.any()
    assert (rows.shape, d.shape) == ((0, 3), (0,))
    outer, grad = OuterProduct(d, rows, text.tokens.groups, 1.0), gpu.asarray(np.ones((70, 3), np.float32))
    device.outer_product_add(grad, outer)
    device.outer_product_bias(grad.reshape(-1), outer)
    assert float(here(device.outer_product_square_sum(outer))) == 0
    assert (here(grad) == 1).all()
