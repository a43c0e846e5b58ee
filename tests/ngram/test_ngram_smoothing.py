"""Every probability of Kneser–Ney against the papers' formulas; what stands in for its discounts; sums to one."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from ngram_reference import KneserNey, agree, corpus, discounts_of, probabilities, random_text, train

from rnnlm.models import NgramLM
from rnnlm.models.ngram import SMOOTHINGS
from rnnlm.ngram import discounts
from rnnlm.ngram.counts import Trie

KNESER_NEY = {  # text, words, order, whether every order has the formula's discounts
    "regular": (random_text(9, 40, 1500), 40, 3, True),
    "regular, unknown words": (random_text(4, 30, 1500, unknown=0.05), 30, 3, True),
    "order 1": (random_text(9, 40, 100), 40, 1, None),
    "order 2": (random_text(3, 12, 300), 12, 2, None),
    "order 5": (random_text(4, 4, 300), 4, 5, None),
    "order 6": (random_text(5, 3, 100), 3, 6, None),
    "no end": (random_text(6, 5, 60, end=False), 5, 3, None),
    "unseen words": ([2, 2, 0, 2, 5, 0, 5, 2, 2], 9, 3, None),
    "one token": ([1], 3, 3, None),
    "one word": ([1, 1, 1, 0, 1, 1], 2, 3, None),
    "only ends": ([0, 0, 0], 1, 3, None),
    "unknown before and after": ([-1, 1, -1, 1, -1, 2, 0, -1, -1, 1, 2], 3, 3, None),
}


@pytest.mark.parametrize("name", KNESER_NEY)
def test_kneser_ney_is_the_papers(name):
    text, words, order, regular = KNESER_NEY[name]
    reference = KneserNey(text, words, order)
    assert regular is None or all(reference.regular) == regular
    agree(train(text, words, order), order if words < 10 else min(order - 1, 2), reference.p)


@pytest.mark.parametrize(("prune", "full"), [((0, 0, 1), (0, 0, 1)), ((0, 1), (0, 1, 1)), ((0, 2, 4), (0, 2, 4))])
@pytest.mark.parametrize("words", [5, 30])
def test_pruned_kneser_ney_gives_to_the_shorter_history(words, prune, full):
    text = random_text(7, words, 400, unknown=0.02)
    lm, reference = train(text, words, 3, prune=prune), KneserNey(text, words, 3, full)
    agree(lm, 2, reference.p)
    assert reference.pruned
    assert lm.table.levels[-1] == words + sum(len(g) > 1 for g in reference.counts) - len(reference.pruned)


def test_pruning_everything_leaves_single_words():
    text = random_text(7, 5, 100)
    lm = train(text, 5, 3, prune=(0, 1000))
    assert lm.table.levels == (0, 5, 5, 5)
    agree(lm, 2, lambda w, h: KneserNey(text, 5, 3).p(w, ()))


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_blocks_do_not_change_the_table(monkeypatch, smoothing, size):
    text = random_text(8, 9, 300)
    whole = train(text, 9, 4, smoothing=smoothing)
    monkeypatch.setattr(Trie.blocks, "__defaults__", (size,))
    parts = train(text, 9, 4, smoothing=smoothing)
    np.testing.assert_allclose(parts.table.logp, whole.table.logp, rtol=1e-13)
    np.testing.assert_allclose(parts.table.backoff, whole.table.backoff, rtol=1e-13)


# discounts


@pytest.mark.parametrize(
    ("n", "values", "words"),
    [
        ((20, 8, 4, 3), None, None),
        ((20, 8, 4, 0), None, None),
        ((0, 8, 4, 3), (0.5, 1, 1.5), "exactly once; the discounts 0.5, 1 and 1.5 stand in"),
        ((5, 0, 4, 3), (0.5, 1, 1.5), "exactly twice; the discounts 0.5, 1 and 1.5 stand in"),
        ((0, 0, 0, 0), (0.5, 1, 1.5), "exactly once"),
        ((6, 3, 0, 3), (0.5, 0.5, 0.5), "exactly three times; one discount"),
        ((3, 1, 5, 2), (0.6, 0.6, 0.6), "1, 5, 2 would give D = 0.6, -7, 2.04; one discount n1 / (n1 + 2 n2) = 0.6 "),
        ((8, 4, 2, 9), (0.5, 0.5, 0.5), "D = 0.5, 1.25, -6; one discount"),
        ((4, 8, 0, 9), (0.2, 0.2, 0.2), "exactly three times; one discount n1 / (n1 + 2 n2) = 0.2 stands"),
    ],
)
def test_discounts_and_what_stands_in(n, values, words):
    found = discounts.modified(np.array(n), 4)
    expected, regular = discounts_of([i for i, many in enumerate(n, 1) for _ in range(many)])
    np.testing.assert_allclose(found.values, expected if values is None else values)
    np.testing.assert_allclose(found.values, expected)
    assert regular == (values is None) == (found.note == "")
    if words:
        assert found.note.startswith("order 4: ")
        assert words in found.note


def test_each_count_has_its_discount():
    assert discounts.Discounts((0.4, 0.9, 1.3)).of(np.array([0, 1, 2, 3, 4, 99])).tolist() == [
        0,
        0.4,
        0.9,
        1.3,
        1.3,
        1.3,
    ]
    assert discounts.count_of_counts(np.array([1, 0, 3, 4, 1, 9, 5, 2])).tolist() == [2, 1, 1, 1]


POOR = {  # what Kneser and Ney's discounts do not fit
    "no ones": ([1, 2, 0] * 20, 3, ["order 1: ", "order 2: ", "order 3: "], "none of them occurs exactly once"),
    "no twos": ([1, 2, 3, 4, 0], 5, ["order 1: ", "order 3: "], "none of them occurs exactly twice"),
    "no threes": ([1, 1, 2, 0], 3, ["order 1: "], "none of them occurs exactly"),
    "characters": ([*np.arange(300) % 7, 3, 1, 0] * 3, 7, ["order 2: ", "order 3: "], "stand in"),
}


@pytest.mark.parametrize("name", POOR)
@pytest.mark.parametrize("smoothing", ["kneser-ney", "absolute"])
def test_a_poor_text_is_warned_of_once_and_gives_a_model(name, smoothing):
    text, words, orders, reason = POOR[name]
    with pytest.warns(RuntimeWarning) as record:
        lm = NgramLM.train(corpus(text, words), order=3, smoothing=smoothing, dtype="float64")
    assert len(record) == 1
    assert record[0].filename == __file__
    message = str(record[0].message)
    assert message.startswith("small: order ")
    assert "\n" not in message
    if smoothing == "kneser-ney":
        assert all(order in message for order in orders)
        assert reason in message
        agree(lm, 3, KneserNey(text, words, 3).p)
    for p in probabilities(lm, 3).values():
        assert p.min() > 0
        assert p.sum() == pytest.approx(1, abs=1e-12)


def test_a_good_text_is_not_warned_of():
    text, words, order, _ = KNESER_NEY["regular"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NgramLM.train(corpus(text, words), order=order)


def test_the_warning_says_what_was_wrong_and_what_stands_in():
    with pytest.warns(RuntimeWarning) as record:
        NgramLM.train(corpus([1, 2, 2, 3, 3, 3, 3, 3, 0], 4), order=1)
    assert str(record[0].message) == (
        "small: order 1: none of them occurs exactly three times; one discount n1 / (n1 + 2 n2) = 0.5 stands for all."
    )


# every smoothing


def test_stupid_backoff_passes_pruned_ngrams_on():
    text = [1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 3, 0]
    lm = train(text, 4, 2, smoothing="stupid", prune=(0, 1))
    scores = np.array([0.4 * 4 / 12, 0.4 * 4 / 12, 3 / 4, 0.4 * 1 / 12])  # after word 1; the pair 1 3 is pruned
    np.testing.assert_allclose(probabilities(lm, 1)[1,], scores / scores.sum(), rtol=1e-12)


@pytest.mark.parametrize("prune", [(), (0, 0, 1), (0, 3)])
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("name", KNESER_NEY)
def test_probabilities_sum_to_one(smoothing, prune, name):
    text, words, _, _ = KNESER_NEY[name]
    lm = train(text, words, 3, smoothing=smoothing, prune=prune)
    found = probabilities(lm, 3 if words < 10 else 1)
    for history, p in found.items():
        assert p.min() >= 0
        assert p.sum() == pytest.approx(1, abs=1e-12), history


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_pruning_more_leaves_less(smoothing):
    text = random_text(8, 9, 300)
    sizes = [
        train(text, 9, 3, smoothing=smoothing, prune=prune).table.levels for prune in ((), (0, 0, 1), (0, 1), (0, 2))
    ]
    assert all(b[-1] < a[-1] for a, b in pairwise(sizes))
    assert sizes[1][2] == sizes[0][2]
