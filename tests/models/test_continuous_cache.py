"""The continuous cache against Grave's formula with lists and loops, and its settings against grids."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from rnnlm.errors import DataError, UsageError
from rnnlm.evaluation import score
from rnnlm.models import MODELS, CacheLM, ContinuousCacheLM, NgramLM
from rnnlm.text import Corpus, Vocabulary
from rnnlm.training.cache_fit import fit_continuous_cache

WORDS = 8


def network(kind="elman", **config):
    """A model in float64 with large weights, so that its hidden states differ."""
    vocabulary = Vocabulary(["</s>", *(f"w{i}" for i in range(1, WORDS))], [9] + [3] * (WORDS - 1))
    model = MODELS[kind](vocabulary, hidden=6, dtype="float64", **config)
    rng = np.random.default_rng(1)
    for param in model.params.values():
        param.value += rng.normal(0, 0.6, param.value.shape)
    return model


def by_hand(model, x, keep, size, theta, share):
    """P of every word at every step (T, B, V): one stream and one step after the other, with a list of pairs."""
    found = np.zeros((*x.shape, WORDS))
    for b in range(x.shape[1]):
        state, pairs, last = model.start(1), [], None
        for t, word in enumerate(x[:, b]):
            if keep is not None and keep[t, b] == 0:
                state, pairs, last = model.start(1), [], None
            if last is not None:
                pairs.append((last, word))
            h, after = model.hidden(np.array([[word]]), state)
            p = np.exp(model.next(np.array([word]), state)[0][0])
            state, last = after, h[0, 0]
            alike = [(math.exp(theta * float(last @ key)), w) for key, w in pairs[-size:] if w >= 0]
            if alike:
                cached = np.zeros(WORDS)
                for similarity, w in alike:
                    cached[w] += similarity
                p = (1 - share) * p + share * cached / cached.sum()
            found[t, b] = p
    return found


def gathered(rows, y):
    known = np.take_along_axis(rows, np.maximum(y, 0)[..., None], -1)[..., 0]
    return np.where(y < 0, 0, np.log(known))


@pytest.fixture
def window():
    """x, y (30, 3) with unknown words in both, and keep (30, 3)."""
    rng = np.random.default_rng(4)
    x, y = (np.minimum(rng.zipf(1.4, (30, 3)) - 1, WORDS - 1).astype(np.int32) for _ in range(2))
    x[rng.random(x.shape) < 0.1] = -1
    y[rng.random(y.shape) < 0.1] = -1
    return x, y, (rng.random(x.shape) > 0.1).astype(np.float32)


KINDS = [
    ("elman", {"classes": 0}),
    ("elman", {"classes": 3, "layers": 2}),
    ("rnnlm", {"classes": 3}),
    ("jordan", {"classes": 3}),
    ("jordan", {"classes": 0, "feedback": "embedding", "layers": 2}),
]
SETTINGS = [(1, 1.0, 0.4), (3, 0.3, 0.2), (7, 2.5, 0.9), (50, 0.0, 0.5), (50, 6.0, 0.3)]


@pytest.mark.parametrize("masked", [False, True], ids=["carried", "kept"])
@pytest.mark.parametrize(
    ("kind", "config", "settings"),
    [(*KINDS[0], s) for s in SETTINGS] + [(*k, SETTINGS[1]) for k in KINDS[1:]],
    ids=str,
)
def test_every_probability_is_that_of_the_formula(window, kind, config, settings, masked):
    x, y, keep = window
    keep = keep if masked else None
    model, (size, theta, share) = network(kind, **config), settings
    lm = ContinuousCacheLM(model, size=size, theta=theta, share=share)
    rows = by_hand(model, x, keep, size, theta, share)
    np.testing.assert_allclose(rows.sum(-1), 1, rtol=1e-12)
    alone = np.exp(model.distributions(x, model.start(3), keep)[0])
    assert np.abs(rows - alone).max() > 0.1
    scored, end = lm.score(x, y, lm.start(3), keep)
    np.testing.assert_allclose(scored, gathered(rows, y), rtol=1e-9, atol=1e-12)
    whole, last = lm.distributions(x, lm.start(3), keep)
    np.testing.assert_allclose(np.exp(whole), rows, rtol=1e-9)
    for a, b in zip(end, last, strict=True):
        np.testing.assert_array_equal(a, b)
    parts, state, cuts = [], lm.start(3), [0, 1, 2, 8, 9, 21, 30]
    for a, b in pairwise(cuts):
        logp, state = lm.score(x[a:b], y[a:b], state, None if keep is None else keep[a:b])
        parts.append(logp)
    np.testing.assert_allclose(np.concatenate(parts), scored, rtol=1e-9, atol=1e-12)
    if keep is None:
        state = lm.start(3)
        for t in range(len(x)):
            logp, state = lm.next(x[t], state)
            np.testing.assert_allclose(np.exp(logp), rows[t], rtol=1e-9)


def test_the_first_word_of_a_stream_follows_nothing():
    model = network(classes=0)
    lm = ContinuousCacheLM(model, theta=1.0, share=0.5)
    x, y = np.array([[0, 3]]), np.array([[2, 1]])
    np.testing.assert_allclose(lm.score(x, y, lm.start(2))[0], model.score(x, y, model.start(2))[0], rtol=1e-12)


def test_theta_zero_is_the_share_of_each_word_among_the_remembered_ones():
    model, size = network(classes=0), 6
    lm = ContinuousCacheLM(model, size=size, theta=0.0, share=0.3)
    x = np.random.default_rng(3).integers(0, WORDS, (20, 1))
    p = np.exp(model.distributions(x, model.start(1))[0])
    rows = np.exp(lm.distributions(x, lm.start(1))[0])
    for t in range(1, 20):
        recent = x[max(1, t - size + 1) : t + 1, 0]  # not the first, of which nothing was asked
        uniform = np.bincount(recent, minlength=WORDS) / len(recent)
        np.testing.assert_allclose(rows[t, 0], 0.7 * p[t, 0] + 0.3 * uniform, rtol=1e-10)


def test_a_very_sharp_cache_stays_finite():
    """exp(θ h · h') would overflow by itself."""
    lm = ContinuousCacheLM(network(classes=0), size=9, theta=1e4, share=0.5)
    x = np.random.default_rng(3).integers(0, WORDS, (20, 2))
    rows = np.exp(lm.distributions(x, lm.start(2))[0])
    np.testing.assert_allclose(rows.sum(-1), 1, rtol=1e-12)


def test_an_independent_network_starts_anew_and_the_cache_does_not():
    model = network(classes=0, independent=True)
    lm = ContinuousCacheLM(model, size=5, theta=1.0, share=0.4)
    ids = np.minimum(np.random.default_rng(6).zipf(1.4, 40) - 1, WORDS - 1).astype(np.int32)
    x, y = np.append(0, ids[:-1])[:, None], ids[:, None]
    own = (x != 0).astype(np.float32)
    h = model.hidden(x, model.start(1), own)[0][:, 0]
    p = np.exp(model.distributions(x, model.start(1), own)[0][:, 0])
    for t in range(1, 40):
        pairs = range(max(0, t - 5), t)
        weights = np.exp([h[t] @ h[i] for i in pairs])
        for similarity, i in zip(weights / weights.sum(), pairs, strict=True):
            p[t, x[i + 1, 0]] += 0.4 / 0.6 * similarity
        p[t] *= 0.6
    scored = score(lm, Corpus(ids, model.vocabulary)).logp
    np.testing.assert_allclose(scored, gathered(p[:, None], y)[:, 0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size=0 is too small. Give 1 <= size <= 1,000,000, the number of words to remember."),
        ({"theta": -0.1}, "theta=-0.1 is not possible. Give theta >= 0, such as 0.3."),
        ({"theta": math.nan}, "theta=nan is not possible."),
        ({"theta": math.inf}, "theta=inf is not possible."),
        ({"share": 1.0}, "share=1.0 is not possible. Give 0 <= share < 1, the weight of the cache."),
        ({"share": -0.2}, "share=-0.2 is not possible."),
        ({"share": math.nan}, "share=nan is not possible."),
    ],
    ids=str,
)
def test_settings_out_of_range(options, message):
    with pytest.raises(UsageError) as error:
        ContinuousCacheLM(network(), **options)
    assert str(error.value).startswith(message)


def test_only_a_recurrent_model_has_hidden_states():
    ids = np.arange(WORDS, dtype=np.int32)
    with pytest.warns(RuntimeWarning, match="stand in"):
        ngrams = NgramLM.train(Corpus(ids, network().vocabulary), order=2)
    for model in (ngrams, CacheLM(network())):
        for make in (ContinuousCacheLM, lambda model: fit_continuous_cache(model, Corpus(ids, model.vocabulary))):
            with pytest.raises(UsageError, match=f"needs a recurrent model, and this is of the kind '{model.kind}'"):
                make(model)


# the settings, chosen on a text


@pytest.fixture(scope="module")
def repetitive():
    """Stretches of text, of a few words each."""
    rng = np.random.default_rng(2)
    parts = [rng.choice(rng.choice(WORDS, 3, replace=False), 40) for _ in range(15)]
    return Corpus(np.concatenate(parts).astype(np.int32), network().vocabulary)


def nll(model, corpus, **settings):
    return -score(ContinuousCacheLM(model, **settings), corpus).logp.mean()


def test_share_and_theta_are_the_best_of_a_grid(repetitive):
    model, thetas = network(classes=0), [0.1, 0.5, 1.0]
    lm = fit_continuous_cache(model, repetitive, size=20, thetas=thetas)
    best = lm.config
    shares = np.linspace(0.01, 0.99, 99)
    at = [nll(model, repetitive, size=20, theta=best["theta"], share=share) for share in shares]
    assert abs(shares[np.argmin(at)] - best["share"]) < 0.0101
    assert 0.05 < best["share"] < 0.95
    found = -score(lm, repetitive).logp.mean()
    assert found <= min(at) + 1e-9
    assert found < -score(model, repetitive).logp.mean() - 0.1
    lowest = [
        min(nll(model, repetitive, size=20, theta=theta, share=share) for share in shares[4::5]) for theta in thetas
    ]
    assert best["theta"] == thetas[int(np.argmin(lowest))]


def test_where_the_cache_is_of_no_use_it_gets_no_weight():
    """In 0 1 2 … 7 0 1 2 …, with four words remembered, the next word is never among them."""
    ids = (np.arange(200) % WORDS).astype(np.int32)
    lm = fit_continuous_cache(network(), Corpus(ids, network().vocabulary), size=4)
    assert lm.config["share"] == 0


def test_a_flat_cache_that_is_of_no_use_does_not_end_the_search():
    """The words are those that the network expects, and a hundred of them come again and again."""
    model = network(classes=0)
    drawn = model.vocabulary.encode(model.sample(length=100, seed=3).words)
    corpus = Corpus(np.tile(drawn, 4), model.vocabulary)
    for theta in (0.0, 0.001):
        assert fit_continuous_cache(model, corpus, size=120, thetas=[theta]).config["share"] == 0
    lm = fit_continuous_cache(model, corpus, size=120, thetas=[0.0, 0.001, 4.0])
    assert lm.config["theta"] == 4
    assert lm.config["share"] > 0.3


def test_where_the_cache_is_always_right_the_model_keeps_a_little():
    """A text of one word: the best λ is 1, which no model file could have."""
    corpus = Corpus(np.zeros(60, np.int32), network().vocabulary)
    lm = fit_continuous_cache(network(), corpus)
    assert 0.99 < lm.config["share"] < 1
    assert -score(lm, corpus).logp[2:].mean() < 0.01


def test_a_fit_that_cannot_be(repetitive):
    model = network()
    with pytest.raises(UsageError, match="thetas is empty: give at least one"):
        fit_continuous_cache(model, repetitive, thetas=[])
    with pytest.raises(UsageError, match="theta=-1 is not possible"):
        fit_continuous_cache(model, repetitive, thetas=[-1])
    with pytest.raises(UsageError, match="size=0 is too small"):
        fit_continuous_cache(model, repetitive, size=0)
    with pytest.raises(DataError, match="no token of text is in the model's vocabulary, so there is nothing to fit"):
        fit_continuous_cache(model, Corpus(np.full(9, -1, np.int32), model.vocabulary))
