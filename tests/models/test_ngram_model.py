"""N-gram models as language models: state, what is refused, and Penn Treebank's known numbers."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from array_checks import REFERENCE
from ngram_reference import KneserNey, corpus, random_text
from paths import PTB

from rnnlm import catalogue
from rnnlm.errors import DataError, UsageError
from rnnlm.evaluation import perplexity
from rnnlm.models import NgramLM
from rnnlm.models.ngram import SMOOTHINGS
from rnnlm.ops.numba import NumbaBackend

WORDS = 9
TEXT = random_text(31, WORDS, 600)
OTHER = random_text(32, WORDS, 120, unknown=0.05)
pytestmark = pytest.mark.filterwarnings("ignore:small.*order:RuntimeWarning")


@pytest.fixture(params=[*((name, 3) for name in SMOOTHINGS), ("kneser-ney", 1), ("kneser-ney", 2), ("kneser-ney", 6)])
def lm(request):
    smoothing, order = request.param
    return NgramLM.train(corpus(TEXT, WORDS), order=order, smoothing=smoothing, dtype="float64")


@pytest.fixture
def window():
    """x, y (T, B), sentence ends and unknown words in both."""
    rng = np.random.default_rng(5)
    return rng.integers(-1, WORDS, (30, 4)), rng.integers(-1, WORDS, (30, 4))


def test_score_is_next_gathered(lm, window):
    x, y = window
    scored, end = lm.score(x, y, lm.start(4))
    whole, last = lm.distributions(x, lm.start(4))
    state = lm.start(4)
    for t in range(len(x)):
        logp, state = lm.next(x[t], state)
        assert logp.shape == (4, WORDS)
        np.testing.assert_array_equal(whole[t], logp)
        np.testing.assert_allclose(np.exp(logp).sum(1), 1, rtol=1e-12)
        expected = np.where(y[t] < 0, 0, logp[np.arange(4), np.maximum(y[t], 0)])
        np.testing.assert_allclose(scored[t], expected, rtol=1e-12)
    for found in (end, last):
        np.testing.assert_array_equal(found[0], state[0])


def test_the_state_is_carried_and_streams_are_alone(lm, window):
    x, y = window
    whole, _ = lm.score(x, y, lm.start(4))
    for b in range(4):
        state, parts = lm.start(1), []
        for a, z in ((0, 1), (1, 4), (4, 17), (17, 30)):
            logp, state = lm.score(x[a:z, b : b + 1], y[a:z, b : b + 1], state)
            parts.append(logp)
        np.testing.assert_array_equal(np.concatenate(parts), whole[:, b : b + 1])


def test_a_sentence_does_not_see_the_one_before(lm):
    x, y = np.array([[3, 1], [0, 0], [1, 1], [2, 2]]), np.array([[0, 0], [1, 1], [2, 2], [1, 1]])
    logp, _ = lm.score(x, y, lm.start(2))
    np.testing.assert_array_equal(logp[1:, 0], logp[1:, 1])
    fresh, _ = lm.score(x[1:], y[1:], lm.start(2))
    np.testing.assert_array_equal(logp[1:], fresh)


def test_keep_forgets_what_lies_before_the_word():
    """Where keep is 0 the history begins with x itself."""
    lm = NgramLM.train(corpus(TEXT, WORDS), order=4, dtype="float64")
    reference = KneserNey(TEXT, WORDS, 4)
    x, y = np.array([[0], [1], [2], [1], [1]]), np.array([[1], [2], [1], [1], [2]])
    kept = [(0,), (0, 1), (0, 1, 2), (1, 2, 1), (2, 1, 1)]
    cut = [(0,), (0, 1), (2,), (2, 1), (2, 1, 1)]
    keep = np.array([[1], [1], [0], [1], [1]], np.float32)
    for histories, mask in ((kept, None), (kept, np.ones((5, 1))), (cut, keep)):
        logp, _ = lm.score(x, y, lm.start(1), mask)
        rows, _ = lm.distributions(x, lm.start(1), mask)
        expected = [reference.p(int(word), history) for word, history in zip(y[:, 0], histories, strict=True)]
        np.testing.assert_allclose(np.exp(logp[:, 0]), expected, rtol=1e-12)
        np.testing.assert_allclose(np.exp(rows[np.arange(5), 0, y[:, 0]]), expected, rtol=1e-12)
    assert abs(reference.p(1, kept[2]) / reference.p(1, cut[2]) - 1) > 0.01


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_perplexity_leaves_unknown_words_out_and_begins_anew_behind_them(order):
    lm, reference = NgramLM.train(corpus(TEXT, WORDS), order=order, dtype="float64"), KneserNey(TEXT, WORDS, order)
    total, scored, history = 0.0, 0, (0,)
    for word in map(int, OTHER):
        if word >= 0:
            total, scored = total - math.log(reference.p(word, history)), scored + 1
        history = () if word < 0 else (0,) if word == 0 else (*history, word)
    found = perplexity(lm, corpus(OTHER, WORDS))
    assert found.scored == scored == (OTHER >= 0).sum() < len(OTHER)
    assert found.nll == pytest.approx(total / scored, rel=1e-12)


def test_both_backends_give_the_same_bits(lm, window):
    x, y = window
    keep = np.random.default_rng(6).integers(0, 2, x.shape)
    compiled = NumbaBackend(3)
    for mask in (None, keep):
        contexts = [ops.ngram_contexts(lm.table, x, lm.start(4)[0], mask) for ops in (REFERENCE, compiled)]
        np.testing.assert_array_equal(*contexts)
        flat = contexts[0].reshape(x.size, -1)
        np.testing.assert_array_equal(*(ops.ngram_logp(lm.table, flat, y.reshape(-1)) for ops in (REFERENCE, compiled)))
        np.testing.assert_array_equal(*(ops.ngram_rows(lm.table, flat) for ops in (REFERENCE, compiled)))


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_single_precision_is_close(smoothing, window):
    x, y = window
    one, two = (
        NgramLM.train(corpus(TEXT, WORDS), order=4, smoothing=smoothing, dtype=dtype)
        for dtype in ("float32", "float64")
    )
    assert (one.table.logp.dtype, two.table.logp.dtype) == (np.float32, np.float64)
    a, b = one.score(x, y, one.start(4))[0], two.score(x, y, two.start(4))[0]
    assert (a.dtype, b.dtype) == (np.float64, np.float64)
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


# what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 0}, "order=0 is not possible. Give the number of words in an n-gram, 1 or more."),
        ({"prune": (1, 0)}, "prune=1 0 is not possible for order 3. Give at most 3 numbers that do not fall, "),
        ({"prune": (1,)}, "prune=1 is not possible for order 3."),
        ({"prune": (0, 2, 1)}, "prune=0 2 1 is not possible for order 3."),
        ({"prune": (0, 0, 1, 1)}, "prune=0 0 1 1 is not possible for order 3."),
        ({"prune": (0, -1)}, "prune=0 -1 is not possible for order 3."),
        ({"smoothing": "lidstone", "gamma": 0}, "gamma=0 is not possible. Give a number > 0; 1 is Laplace's rule."),
        ({"smoothing": "lidstone", "gamma": math.nan}, "gamma=nan is not possible."),
        ({"smoothing": "lidstone", "gamma": math.inf}, "gamma=inf is not possible."),
        ({"smoothing": "stupid", "alpha": 0}, "alpha=0 is not possible. Give a number > 0; the paper's is 0.4."),
        ({"smoothing": "stupid", "alpha": -1}, "alpha=-1 is not possible."),
        ({"smoothing": "katz"}, "smoothing='katz' is not known. Give one of kneser-ney, absolute, witten-bell, "),
        ({"dtype": "float16"}, "dtype='float16' is not known. Did you mean float64? Give one of float32, float64."),
        ({"memory": 0}, "memory=0 is not possible. Give a positive number of GB."),
        ({"memory": -1.5}, "memory=-1.5 is not possible."),
        ({"memory": math.nan}, "memory=nan is not possible."),
        ({"memory": math.inf}, "memory=inf is not possible."),
    ],
    ids=str,
)
def test_what_is_refused(options, message):
    with pytest.raises(UsageError) as error:
        NgramLM.train(corpus(TEXT, WORDS), **{"order": 3, **options})
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("ids", [[], [-1, -1, -1]])
def test_a_text_of_unknown_words_is_refused(ids, smoothing):
    with pytest.raises(DataError, match=r"^no token of small is in the vocabulary, so there is nothing to count\."):
        NgramLM.train(corpus(ids, WORDS), order=3, smoothing=smoothing)


# Penn Treebank, as KenLM's lmplz has it


@pytest.mark.skipif(not PTB.is_dir(), reason="Penn Treebank is licensed; RNNLM_PTB names the folder of a copy")
@pytest.mark.parametrize(("order", "valid", "test"), [(5, 148.0074, 141.1862), (3, 157.7653, 148.2815)])
def test_penn_treebank_has_the_perplexity_that_everybody_finds(order, valid, test, tmp_path, monkeypatch):
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path))
    fetched = catalogue.get("ptb", source=PTB)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lm = NgramLM.train(fetched.train, order=order)
    for path, expected in ((fetched.valid, valid), (fetched.test, test)):
        assert perplexity(lm, path).ppl == pytest.approx(expected, abs=1e-3)
