"""Intervals of perplexities and the paired test, against normal theory and enumeration."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from rnnlm.errors import DataError, UsageError
from rnnlm.evaluation.significance import compare, perplexity_interval
from rnnlm.evaluation.stream import Stream
from rnnlm.text.vocabulary import Vocabulary

VOCABULARY = Vocabulary(["</s>", "a", "b", "<unk>"], [9, 3, 2, 1])


def stream(logp: np.ndarray, length: int = 5, model: str = "one", ids: np.ndarray | None = None) -> Stream:
    """A text of sentences of `length` tokens with these log-probabilities."""
    if ids is None:
        ids = np.where(np.arange(1, len(logp) + 1) % length == 0, 0, 1).astype(np.int32)
    return Stream(ids, logp, model, "t.txt", "", VOCABULARY, "<unk>", 2 * len(ids))


def drawn(seed: int, blocks: int, per_block: float = 0.8, tokens: int = 20) -> np.ndarray:
    """-log P around 4 nats whose mean in a block of 20 tokens is normal with standard deviation `per_block`."""
    rng = np.random.default_rng(seed)
    return -(4 + np.repeat(rng.normal(0, per_block, blocks), tokens) + rng.normal(0, 0.01, blocks * tokens))


def test_interval_is_that_of_normal_theory_for_independent_blocks():
    """The mean of K independent block means: half width 1.96 σ/√K, with σ as it was drawn."""
    logp, K = drawn(1, 400), 400
    means = -logp.reshape(K, 20).mean(1)
    half = 1.959964 * means.std() / np.sqrt(K)
    found = perplexity_interval(stream(logp), block=4)
    assert found.value == pytest.approx(np.exp(means.mean()), rel=1e-12)
    # 10,000 resamples place a quantile within about 2 % of the standard deviation.
    assert np.log(found.low) == pytest.approx(means.mean() - half, abs=0.05 * half)
    assert np.log(found.high) == pytest.approx(means.mean() + half, abs=0.05 * half)


def test_interval_covers_the_truth_as_often_as_it_says():
    hits = 0
    for seed in range(200):
        found = perplexity_interval(stream(drawn(seed, 60, per_block=0.3)), block=4, samples=400, seed=seed)
        hits += found.low <= np.exp(4) <= found.high
    assert 0.89 <= hits / 200 <= 0.98  # 95 %, with the spread of 200 tries


def test_dependent_sentences_need_blocks():
    """Where neighbours are alike, blocks of one sentence claim to know more than the text tells."""
    one = stream(drawn(2, 300))  # 20 tokens that belong together are 4 sentences
    short, right = (perplexity_interval(one, block=block) for block in (1, 4))
    ratio = np.log(right.high / right.low) / np.log(short.high / short.low)
    assert ratio == pytest.approx(2, abs=0.15)  # √4


def test_ratio_estimator_weighs_blocks_by_their_tokens():
    """All equal samples of two blocks, enumerated: lengths differ, so the mean of means would be another number."""
    logp = np.log(np.array([0.5] * 2 + [0.125] * 8))
    ids = np.array([1, 0] + [1] * 7 + [0], dtype=np.int32)
    found = perplexity_interval(stream(logp, ids=ids), block=1)
    nll = [2 * np.log(2), 8 * np.log(8)]
    means = [(nll[i] + nll[j]) / ((2, 8)[i] + (2, 8)[j]) for i, j in itertools.product((0, 1), repeat=2)]
    assert found.value == pytest.approx(np.exp(means[1]), rel=1e-12)
    assert (found.low, found.high) == pytest.approx((2, 8), rel=1e-12)


def test_a_model_and_itself():
    a = stream(drawn(3, 50))
    found = compare(a, replace(a, model="two"))
    assert found.p == 1
    assert (found.nats.value, found.nats.low, found.nats.high) == (0, 0, 0)
    assert (found.difference.low, found.ratio.low, found.ratio.high) == (0, 1, 1)
    assert not found.distinct
    assert found.verdict == "The text cannot tell one and two apart: p = 1."


def test_a_large_difference():
    """0.3 nats on every token: the ratio of the perplexities is exp(0.3) on every resampled text."""
    logp = drawn(4, 80)
    found = compare(stream(logp), stream(logp - 0.3, model="two"))
    np.testing.assert_allclose((found.nats.low, found.nats.value, found.nats.high), -0.3, rtol=1e-9)
    assert found.ratio.value == pytest.approx(np.exp(-0.3), rel=1e-9)
    assert found.p == 1 / 10_001
    assert found.verdict.startswith("one is better than two: ")
    assert (found.blocks, found.tokens) == (32, 1600)
    back = compare(stream(logp - 0.3, model="two"), stream(logp))
    assert back.verdict.startswith("one is better than two: ")


def test_p_value_is_that_of_all_signs():
    """Twelve blocks: 4,096 patterns of signs, enumerated."""
    rng = np.random.default_rng(5)
    d = rng.normal(0.5, 1, 12)
    base = np.full(60, -3.0)
    other = base.copy()
    other[4::5] += d  # a block is a sentence
    found = compare(stream(base), stream(other, model="two"), block=1, samples=40_000)
    sums = np.array([np.dot(signs, d) for signs in itertools.product((-1, 1), repeat=12)])
    exact = np.mean(np.abs(sums) >= abs(d.sum()) - 1e-9)
    assert 0.02 < exact < 0.5
    assert found.p == pytest.approx(exact, abs=4 * np.sqrt(exact / 40_000))


def test_p_is_uniform_when_the_models_are_alike():
    p = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        shared = -4 + rng.normal(0, 0.5, 400)
        one, two = (shared + rng.normal(0, 0.2, 400) for _ in range(2))
        p.append(compare(stream(one), stream(two, model="two"), block=2, samples=200, seed=seed).p)
    # Kolmogorov–Smirnov: the 1 % bound of 200 numbers is 1.63/√200 = 0.115.
    steps = np.arange(1, 201) / 200
    assert np.max(np.abs(np.sort(p) - steps)) < 0.115


def test_pairs_tell_apart_what_intervals_do_not():
    logp = drawn(6, 120)
    noise = np.random.default_rng(7).normal(0, 0.02, len(logp))
    found = compare(stream(logp), stream(logp - 0.01 + noise, model="two"), block=4)
    assert found.a.low < found.b.value < found.a.high  # alone, each is as good as the other
    assert found.b.low < found.a.value < found.b.high
    assert found.distinct
    assert found.nats.low < -0.01 < found.nats.high < 0


def test_seed_and_chunks(monkeypatch):
    one, two = stream(drawn(8, 60)), stream(drawn(9, 60), model="two")
    assert compare(one, two) == compare(one, two)
    assert compare(one, two, seed=2).a != compare(one, two).a
    whole = compare(one, two, samples=500)
    monkeypatch.setattr("rnnlm.evaluation.significance.CELLS", 24 * 7)  # seven resampled texts at a time
    parts = compare(one, two, samples=500)
    np.testing.assert_allclose(parts.a.low, whole.a.low, rtol=1e-12)


def test_unscored_tokens_do_not_count():
    logp = drawn(10, 40)
    ids = np.where(np.arange(1, 801) % 5 == 0, 0, np.where(np.arange(800) % 5 == 1, 3, 1)).astype(np.int32)
    skipped = stream(logp, ids=ids).with_unknown("skip")
    left = np.arange(800) % 5 != 1
    same = stream(logp[left], length=4)
    one, two = (perplexity_interval(s, block=4) for s in (skipped, same))
    assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high), rel=1e-12)


def test_few_blocks_say_so():
    logp = drawn(11, 2)  # eight sentences
    found = compare(stream(logp), stream(logp - 1, model="two"), block=2)
    assert found.p == pytest.approx(2 / 16, abs=0.02)
    assert found.verdict.startswith("4 blocks are too few to tell any two models apart: p is at least 0.125.")


def test_what_cannot_be_compared():
    one = stream(drawn(12, 40))
    with pytest.raises(DataError, match=r"t\.txt has 160 sentences, 1 block of 200 .* smaller block \(block=1\)"):
        perplexity_interval(one, block=200)
    for options in ({"block": 0}, {"samples": 99}, {"seed": -1}):
        with pytest.raises(UsageError, match=next(iter(options))):
            perplexity_interval(one, **options)
    logp = one.logp.copy()
    logp[6] = -np.inf
    match = r"two gives 1 tokens of t\.txt the probability zero, first token 7, 'a': .* mix it with another"
    with pytest.raises(DataError, match=match):
        compare(one, replace(one, logp=logp, model="two"))
    with pytest.raises(DataError, match="nothing to score"):
        perplexity_interval(replace(one, logp=np.full(800, np.nan)))
    with pytest.raises(DataError, match="cannot be compared"):
        compare(one, replace(one.with_unknown("skip"), model="two"))


@pytest.mark.parametrize("nats", [701.0, 1e30])
def test_a_perplexity_that_overflows_has_no_interval(nats):
    """Neither inf nor nan: spoiled weights give such figures, and quantiles of them are none."""
    good, bad = stream(np.full(40, -2.0)), stream(np.full(40, -2.0), model="two")
    bad.logp[30:] = -nats
    with pytest.raises(DataError, match=r"two scores a block of t\.txt at .* nats a token.*e\^700 is no number"):
        perplexity_interval(bad, block=2)
    with pytest.raises(DataError, match=r"two scores a block of t\.txt at"):
        compare(good, bad, block=2)
    almost = stream(np.where(np.arange(40) < 20, -2.0, -699.0), model="two")
    found = compare(almost, good, block=2)
    figures = [found.a, found.b, found.ratio, found.difference, found.nats]
    assert np.isfinite([[figure.value, figure.low, figure.high] for figure in figures]).all()
