"""The n-gram cache against its formula with lists and loops, and its settings against grids."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from word_table import WordTable

from rnnlm.errors import DataError, UsageError
from rnnlm.evaluation import score
from rnnlm.models import CacheLM, ElmanLM, NgramLM, load
from rnnlm.text import Corpus, Vocabulary
from rnnlm.training.cache_fit import fit_cache

WORDS = 5


class Bigram(WordTable):
    """P(word | the word before) from a table; no word is as likely as another."""

    kind = "bigram"

    def __init__(self, words=WORDS, seed=1, table=None):
        table = np.random.default_rng(seed).dirichlet(np.full(words, 0.7), words + 1) if table is None else table
        super().__init__(table, ["</s>", *(f"w{i}" for i in range(1, words))])


def by_hand(p, recent, word, decay, strengths):
    """P_n(word | h) from P_0 = p: the definition, with the words so far as a list, None for no word."""
    for k, beta in enumerate(strengths, 1):
        counts: Counter[int] = Counter()
        context = recent[len(recent) - k + 1 :]
        if len(recent) >= k - 1 and None not in context:
            for place in range(k - 1, len(recent)):
                if recent[place - k + 1 : place] == context and recent[place] is not None:
                    counts[recent[place]] += decay ** (len(recent) - 1 - place)
        p = (counts[word] + beta * p) / (sum(counts.values()) + beta)
    return p


def expected(p, x, keep, decay, strengths, window):
    """P of every word at every step from the model's own p (T, B, V): (T, B, V)."""
    found = np.zeros_like(p)
    for b in range(x.shape[1]):
        text: list[int | None] = []
        for t in range(len(x)):
            if keep is not None and keep[t, b] == 0:
                text = []
            text.append(int(x[t, b]) if x[t, b] >= 0 else None)
            for w in range(p.shape[2]):
                found[t, b, w] = by_hand(p[t, b, w], text[-window:], w, decay, strengths)
    return found


def gathered(rows, y):
    known = np.take_along_axis(rows, np.maximum(y, 0)[..., None], -1)[..., 0]
    return np.where(y < 0, 0, np.log(known))


SETTINGS = [
    ([7.0], 0.8, None),
    ([7.0], 0.99, 1),
    ([5.0, 2.0], 0.9, 6),
    ([5.0, 2.0, 0.5], 0.9, None),
    ([5.0, 2.0, 0.5], 0.7, 4),
    ([5.0, 2.0, 0.5], 0.7, 3),
    ([5.0, 2.0, 0.5], 0.7, 2),  # too short for a trigram
    ([5.0, 2.0, 0.5], 0.7, 1),
    ([1e-3, 1e3, 0.1, 4.0], 0.5, 12),
]


@pytest.fixture(params=["carried", "kept"])
def window(request):
    """x, y (40, 3) with unknown words and repetitions in both; keep (40, 3) or None."""
    rng = np.random.default_rng(4)
    x, y = (np.minimum(rng.zipf(1.5, (40, 3)) - 1, WORDS - 1).astype(np.int32) for _ in range(2))
    x[rng.random(x.shape) < 0.1] = -1
    y[rng.random(y.shape) < 0.1] = -1
    return x, y, None if request.param == "carried" else (rng.random(x.shape) > 0.1).astype(np.float32)


@pytest.mark.parametrize(("strengths", "decay", "remembered"), SETTINGS, ids=str)
def test_every_probability_is_that_of_the_formula(window, strengths, decay, remembered):
    x, y, keep = window
    model = Bigram()
    lm = CacheLM(model, strengths=strengths, decay=decay, window=remembered)
    length = math.ceil(math.log(1e-4) / math.log(decay)) if remembered is None else remembered
    rows = expected(model.table[x], x, keep, decay, strengths, length)
    np.testing.assert_allclose(rows.sum(-1), 1, rtol=1e-12)
    assert np.abs(rows - model.table[x]).max() > 0.05
    scored, end = lm.score(x, y, lm.start(3), keep)
    np.testing.assert_allclose(scored, gathered(rows, y), rtol=1e-10)
    whole, last = lm.distributions(x, lm.start(3), keep)
    np.testing.assert_allclose(np.exp(whole), rows, rtol=1e-10)
    for a, b in zip(end, last, strict=True):
        np.testing.assert_array_equal(a, b)
    cuts = [0, 1, 2, 9, 10, 23, 40]
    parts, state = [], lm.start(3)
    for a, b in pairwise(cuts):
        logp, state = lm.score(x[a:b], y[a:b], state, None if keep is None else keep[a:b])
        parts.append(logp)
    np.testing.assert_allclose(np.concatenate(parts), scored, rtol=1e-12)
    np.testing.assert_array_equal(state[0], end[0])
    if keep is None:
        state = lm.start(3)
        for t in range(len(x)):
            logp, state = lm.next(x[t], state)
            np.testing.assert_allclose(np.exp(logp), rows[t], rtol=1e-10)


def test_an_empty_cache_is_the_model():
    model = Bigram()
    lm = CacheLM(model)
    x, y = np.full((4, 2), -1), np.array([[0, 1], [2, 3], [4, 0], [1, 2]])
    np.testing.assert_allclose(lm.score(x, y, lm.start(2))[0], model.score(x, y, None)[0], rtol=1e-14)
    np.testing.assert_allclose(lm.next(x[0], lm.start(2))[0], model.next(x[0], None)[0], rtol=1e-14)


def test_with_one_order_and_a_full_window_it_is_linear_interpolation():
    model, decay, size, beta = Bigram(), 0.9, 8, 3.0
    lm = CacheLM(model, decay=decay, strengths=[beta], window=size)
    x = np.random.default_rng(2).integers(0, WORDS, (30, 1))
    rows, _ = lm.distributions(x, lm.start(1))
    fading = decay ** np.arange(size)
    share = fading.sum() / (fading.sum() + beta)
    for t in range(size - 1, 30):
        recent = x[t - size + 1 : t + 1, 0][::-1]  # the newest first
        cached = np.bincount(recent, fading, WORDS) / fading.sum()
        np.testing.assert_allclose(np.exp(rows[t, 0]), share * cached + (1 - share) * model.table[x[t, 0]], rtol=1e-12)


def test_a_cache_lives_on_where_its_model_starts_anew():
    vocabulary = Vocabulary(["</s>", *(f"w{i}" for i in range(1, WORDS))], [1] * WORDS)
    model = ElmanLM(vocabulary, hidden=4, classes=0, independent=True, dtype="float64")
    for param in model.params.values():
        param.value += np.random.default_rng(3).normal(0, 0.7, param.value.shape)
    ids = np.random.default_rng(5).integers(0, WORDS, 60).astype(np.int32)
    x, y = np.append(0, ids[:-1])[:, None], ids[:, None]
    own = (x != 0).astype(np.float32)
    p = np.exp(model.distributions(x, model.start(1), own)[0])
    carried = np.exp(model.distributions(x, model.start(1))[0])
    assert np.abs(p - carried).max() > 0.01  # the state matters in this model
    settings = {"decay": 0.9, "strengths": [6.0, 2.0]}
    lm = CacheLM(model, **settings)
    rows = expected(p, x, None, 0.9, [6.0, 2.0], lm.window)
    np.testing.assert_allclose(score(lm, Corpus(ids, vocabulary)).logp, gathered(rows, y)[:, 0], rtol=1e-10)
    np.testing.assert_allclose(np.exp(lm.distributions(x, lm.start(1))[0]), rows, rtol=1e-10)
    cleared = score(lm, Corpus(ids, vocabulary), independent=True).logp  # on request the cache is emptied as well
    rows = expected(p, x, own, 0.9, [6.0, 2.0], lm.window)
    np.testing.assert_allclose(cleared, gathered(rows, y)[:, 0], rtol=1e-10)


def test_a_cache_on_a_cache(window, tmp_path):
    x, y, keep = window
    ids = np.random.default_rng(8).integers(0, WORDS, 300).astype(np.int32)
    ngrams = NgramLM.train(Corpus(ids, Bigram().vocabulary), order=2, smoothing="witten-bell", dtype="float64")
    inner = CacheLM(ngrams, decay=0.8, strengths=[4.0, 1.0], window=7)
    lm = CacheLM(inner, decay=0.95, strengths=[9.0])
    p = np.exp(ngrams.distributions(x, ngrams.start(3), keep)[0])
    rows = expected(expected(p, x, keep, 0.8, [4.0, 1.0], 7), x, keep, 0.95, [9.0], lm.window)
    np.testing.assert_allclose(lm.score(x, y, lm.start(3), keep)[0], gathered(rows, y), rtol=1e-10)
    np.testing.assert_allclose(np.exp(lm.distributions(x, lm.start(3), keep)[0]), rows, rtol=1e-10)
    lm.save(tmp_path / "m.rnnlm")
    again = load(tmp_path / "m.rnnlm")
    np.testing.assert_array_equal(again.score(x, y, again.start(3), keep)[0], lm.score(x, y, lm.start(3), keep)[0])
    assert again.model.model.table.levels == ngrams.table.levels


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decay": 0.0}, "decay=0.0 is not possible. Give 0 < decay < 1, such as 0.99."),
        ({"decay": 1.0}, "decay=1.0 is not possible."),
        ({"decay": math.nan}, "decay=nan is not possible."),
        ({"decay": -0.5}, "decay=-0.5 is not possible."),
        ({"strengths": []}, "strengths=[] are not possible. Give a number > 0 for each order."),
        ({"strengths": [3.0, 0.0]}, "strengths=[3.0, 0.0] are not possible."),
        ({"strengths": [-1]}, "strengths=[-1] are not possible."),
        ({"strengths": [math.inf]}, "strengths=[inf] are not possible."),
        ({"strengths": [math.nan, 1.0]}, "strengths=[nan, 1.0] are not possible."),
        ({"window": 0}, "window=0 is too small. Give 1 <= window <= 1,000,000, the number of words to remember."),
        ({"window": -3}, "window=-3 is too small."),
    ],
    ids=str,
)
def test_settings_out_of_range(options, message):
    with pytest.raises(UsageError) as error:
        CacheLM(Bigram(), **options)
    assert str(error.value).startswith(message)


# the settings, chosen on a text


def bursty(seed, words=40, tokens=2500):
    """A text whose words come in bursts: each of its stretches has its own few words."""
    rng = np.random.default_rng(seed)
    ids = []
    while len(ids) < tokens:
        topic = rng.choice(np.arange(1, words), 6, replace=False)
        for _ in range(rng.integers(60, 120)):
            ids.append(0 if rng.random() < 0.15 else rng.choice(topic))
    return np.array(ids[:tokens], np.int32)


@pytest.fixture(scope="module")
def even():
    """A model for which all words are alike."""
    return Bigram(40, table=np.full((41, 40), 1 / 40))


def nll(lm, ids):
    return -score(lm, Corpus(ids, lm.vocabulary)).logp.mean()


def test_the_strength_of_one_order_is_the_best_of_a_grid(even):
    text = bursty(1)
    lm = fit_cache(even, Corpus(text, even.vocabulary), orders=1, decays=[0.95])
    grid = np.geomspace(lm.config["strengths"][0] / 4, lm.config["strengths"][0] * 4, 81)  # steps of 3.5 %
    values = [nll(CacheLM(even, decay=0.95, strengths=[beta]), text) for beta in grid]
    assert abs(math.log(grid[np.argmin(values)] / lm.config["strengths"][0])) < 0.036
    assert nll(lm, text) <= min(values) + 1e-6
    assert values[0] - min(values) > 1e-3 < values[-1] - min(values)  # it matters


def test_three_strengths_are_an_optimum_and_the_decay_is_the_best_of_the_list(even):
    text, decays = bursty(2), (0.9, 0.97, 0.99)
    lm = fit_cache(even, Corpus(text, even.vocabulary), decays=decays)
    strengths, lowest = lm.config["strengths"], nll(lm, text)
    for k in range(3):
        for by in (0.5, 0.93, 1.07, 2.0):
            moved = [beta * (by if i == k else 1) for i, beta in enumerate(strengths)]
            assert nll(CacheLM(even, decay=lm.config["decay"], strengths=moved), text) > lowest - 1e-7
    alone = [nll(fit_cache(even, Corpus(text, even.vocabulary), decays=[decay]), text) for decay in decays]
    assert lm.config["decay"] == decays[int(np.argmin(alone))]
    assert lowest == pytest.approx(min(alone), rel=1e-12)


def test_a_bursty_text_gains_and_an_even_one_does_not(even):
    for orders in (1, 3):
        lm = fit_cache(even, Corpus(bursty(3), even.vocabulary), orders=orders, decays=[0.97, 0.99])
        fresh = bursty(4)  # that the settings were not fitted to
        assert nll(even, fresh) - nll(lm, fresh) > 0.5
    flat = np.random.default_rng(5).integers(0, 40, 2500).astype(np.int32)
    lm = fit_cache(even, Corpus(flat, even.vocabulary), decays=[0.97, 0.99])
    assert 0 <= math.log(40) - nll(lm, flat) < 1e-3


def test_unknown_words_of_the_text_are_passed_over(even):
    text = bursty(6)
    text[::7] = -1
    lm = fit_cache(even, Corpus(text, even.vocabulary), orders=1, decays=[0.95])
    beta = lm.config["strengths"][0]
    assert nll_of_known(lm, text) < min(
        nll_of_known(CacheLM(even, decay=0.95, strengths=[beta * by]), text) for by in (0.8, 1.25)
    )


def nll_of_known(lm, ids):
    return -np.nanmean(score(lm, Corpus(ids, lm.vocabulary)).logp)


def test_words_that_the_model_excludes_leave_the_rest_to_be_fitted():
    """P = 0 where neither the model nor the cache has a word makes every perplexity infinite."""
    table = np.full((41, 40), 1 / 39)
    table[:, 39] = 0
    text = bursty(7, words=39)
    model, plain = Bigram(40, table=table), fit_cache(Bigram(40, table=table), Corpus(text, Bigram(40).vocabulary))
    text[1000] = 39
    lm = fit_cache(model, Corpus(text, model.vocabulary))
    np.testing.assert_allclose(lm.config["strengths"], plain.config["strengths"], rtol=0.1)
    assert lm.config["decay"] == plain.config["decay"]


def test_a_fit_that_cannot_be(even):
    corpus = Corpus(bursty(1), even.vocabulary)
    with pytest.raises(UsageError, match=r"orders=0, decays=.* give at least one order and one decay"):
        fit_cache(even, corpus, orders=0)
    with pytest.raises(UsageError, match=r"orders=3, decays=\[\]"):
        fit_cache(even, corpus, decays=[])
    with pytest.raises(UsageError, match=r"decay=1\.5 is not possible"):
        fit_cache(even, corpus, decays=[1.5])
    with pytest.raises(DataError, match="no token of text is in the model's vocabulary, so there is nothing to fit"):
        fit_cache(even, Corpus(np.full(9, -1, np.int32), even.vocabulary))
    with pytest.raises(
        DataError, match=r"differ in size, 40 words against 5 words\. Encode the text with the model's own"
    ):
        fit_cache(even, Corpus(np.zeros(9, np.int32), Bigram().vocabulary))
