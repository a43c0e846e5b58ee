"""Stolcke's pruning against the relative entropy of every single n-gram's removal, summed over the whole vocabulary."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ngram_reference import corpus, probabilities, random_text, train

from rnnlm.errors import UsageError
from rnnlm.models import NgramLM
from rnnlm.models.ngram import SMOOTHINGS
from rnnlm.ngram.pruning import entropy_prune

WORDS = 6
TEXT = random_text(3, WORDS, 400)
MODELS = [*((name, 3, {}) for name in SMOOTHINGS), ("kneser-ney", 2, {}), ("witten-bell", 4, {})]
MODELS += [("kneser-ney", 4, {"prune": (0, 0, 1)})]


@pytest.fixture(params=MODELS, ids=lambda p: "-".join(map(str, p)))
def lm(request):
    smoothing, order, options = request.param
    return train(TEXT, WORDS, order, smoothing=smoothing, **options)


def spelled(table):
    """{n-gram: log P} and {context: log of its back-off weight}, read off the tree node by node."""
    names = [(word,) for word in range(table.levels[1])]
    for node in range(table.levels[-2]):
        for child in range(table.first[node], table.first[node + 1]):
            assert child == len(names)
            names.append((*names[node], int(table.words[child])))
    return dict(zip(names, table.logp, strict=True)), dict(zip(names, table.backoff, strict=False))


def backed_off(grams, weights, word, history):
    """log P(word | history), the definition."""
    if (*history, word) in grams:
        return grams[*history, word]
    return weights.get(history, 0.0) + backed_off(grams, weights, word, history[1:])


def row(grams, weights, history):
    return np.exp([backed_off(grams, weights, word, history) for word in range(WORDS)])


def losses(table):
    """{n-gram of two words or more: D of leaving it, and nothing else, out}."""
    grams, weights = spelled(table)
    found = {}
    for gram in grams:
        if len(gram) == 1:
            continue
        history, word = gram[:-1], gram[-1]
        before, lower = row(grams, weights, history), row(grams, weights, history[1:])
        stays = np.array([(*history, v) in grams and v != word for v in range(WORDS)])
        after = np.where(stays, before, 0.0)
        after += np.where(stays, 0.0, lower) * (1 - after.sum()) / lower[~stays].sum()
        np.testing.assert_allclose(after.sum(), 1, rtol=1e-12)
        p = math.prod(math.exp(backed_off(grams, {}, history[i], history[:i])) for i in range(len(history)))
        with np.errstate(divide="ignore", invalid="ignore"):
            found[gram] = p * np.where(before > 1e-12, before * np.log(before / after), 0.0).sum()
    return found


def test_each_ngram_goes_where_its_relative_entropy_is_below_the_threshold(lm):
    """At thresholds between any two of the losses in turn."""
    table = lm.table
    loss = {gram: math.expm1(d) for gram, d in losses(table).items()}
    values = np.array(sorted(v for v in loss.values() if v > 1e-9))
    gaps = np.flatnonzero(values[1:] / values[:-1] > 1 + 1e-6)  # where rounding decides nothing
    assert len(gaps) > 5
    for gap in gaps[:: max(1, len(gaps) // 25)]:
        threshold = float(np.sqrt(values[gap] * values[gap + 1]))
        kept = {gram for gram, value in loss.items() if value >= threshold}
        for k in range(table.order - 1, 1, -1):
            kept |= {gram[:-1] for gram in kept if len(gram) == k + 1}
        found = {gram for gram in spelled(entropy_prune(table, threshold))[0] if len(gram) > 1}
        assert found == kept


def test_what_is_left_keeps_its_probability_and_all_sum_to_one(lm):
    grams, _ = spelled(lm.table)
    for threshold in (1e-6, 1e-4, 1e-3, 1e-2, 1.0):
        pruned = lm.pruned(threshold)
        left, weights = spelled(pruned.table)
        assert {gram: grams[gram] for gram in left} == left
        assert all(gram[:-1] in left for gram in left if len(gram) > 1)
        assert set(range(WORDS)) == {gram[0] for gram in left if len(gram) == 1}
        for history, p in probabilities(pruned, lm.table.order - 1).items():
            np.testing.assert_allclose(p.sum(), 1, rtol=1e-10)
            np.testing.assert_allclose(p, row(left, weights, history), rtol=1e-10, atol=1e-15)


def test_the_larger_the_threshold_the_fewer_ngrams(lm):
    sizes = [lm.pruned(threshold).table.levels for threshold in (0, 1e-7, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 10.0)]
    totals = [levels[-1] for levels in sizes]
    assert totals == sorted(totals, reverse=True)
    assert sizes[0] == lm.table.levels
    assert totals[4] < totals[0]
    assert sizes[-1] == (0, *[WORDS] * lm.table.order)
    np.testing.assert_allclose(lm.pruned(10.0).table.backoff, 0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_threshold_zero_changes_nothing(smoothing, dtype):
    exact = train(TEXT, WORDS, 4, smoothing=smoothing)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *args, **kwargs: None)
        lm = NgramLM.train(corpus(TEXT, WORDS), order=4, smoothing=smoothing, dtype=dtype)
    same = lm.pruned(0)
    assert same.table.levels == lm.table.levels
    np.testing.assert_array_equal(same.table.logp, lm.table.logp)
    before, after = probabilities(exact, 3), probabilities(same, 3)
    tolerance = 1e-10 if dtype == "float64" else 1e-6
    for history, p in before.items():
        np.testing.assert_allclose(after[history], p, atol=tolerance)


def test_it_is_written_down(lm, tmp_path):
    pruned = lm.pruned(1e-3)
    assert pruned.config == lm.config | {"entropy": 1e-3}
    assert "entropy" not in lm.config
    assert pruned.log == lm.log


@pytest.mark.parametrize("threshold", [-1e-9, -1, math.nan, math.inf])
def test_a_threshold_that_is_none(threshold):
    table = train(TEXT, WORDS, 2).table
    with pytest.raises(UsageError, match=f"threshold={threshold} is not possible. Give threshold >= 0, such as 1e-8"):
        entropy_prune(table, threshold)
