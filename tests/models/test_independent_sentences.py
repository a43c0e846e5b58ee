"""Scoring every sentence as a text of its own, for every kind of model, and what streams say about it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from test_contract import MAKERS, cached, markov, mixed, ngrams, recurrent, words

from rnnlm.errors import DataError
from rnnlm.evaluation import compare, fit_geometric, mixture, perplexity, require_same, score
from rnnlm.models import ContinuousCacheLM, MixtureLM
from rnnlm.text import Corpus

NESTED = {
    "mixture-of-all": lambda: MixtureLM(
        [recurrent("elman", independent=True), cached(recurrent("rnnlm", classes=5)), ngrams()], [0.4, 0.3, 0.3]
    ),
    "geometric-independent": lambda: MixtureLM(
        [recurrent("elman", independent=True), recurrent("jordan", seed=2)], [0.5, 0.7], "geometric"
    ),
    "cache-on-mixture-with-cache": lambda: cached(
        MixtureLM([cached(recurrent("elman")), mixed("linear", 0.5, 0.5)], [0.5, 0.5])
    ),
    "continuous-cache-independent": lambda: ContinuousCacheLM(recurrent("elman", independent=True), size=9, share=0.3),
    "trained-independent": partial(recurrent, "rnnlm", classes=5, independent=True),
}


def text(sentences=12):
    ids = markov(3000)[: np.flatnonzero(markov(3000) == 0)[sentences - 1] + 1].copy()
    ids[5] = -1  # a word without a probability
    return Corpus(ids, words())


def text_for(lm):
    """The text for a model: with the id of <unk>, where it has that word."""
    corpus = text()
    if lm.vocabulary.unk is None:
        return corpus
    return Corpus(np.where(corpus.ids < 0, lm.vocabulary.unk, corpus.ids), lm.encoding)


def sentences_of(corpus):
    return np.split(corpus.ids, np.flatnonzero(corpus.ids == 0) + 1)[:-1]


def alone(model, corpus, **options):
    """The log-probabilities of each sentence as a text of its own."""
    parts = [score(model, Corpus(part, corpus.encoding), **options).logp for part in sentences_of(corpus)]
    return np.concatenate(parts)


@pytest.mark.parametrize("distribution", [False, True], ids=["targets", "every word"])
@pytest.mark.parametrize("make", (MAKERS | NESTED).values(), ids=MAKERS | NESTED)
def test_sentences_score_as_texts_of_their_own_bit_for_bit(make, distribution):
    lm = make()
    corpus = text_for(lm)
    found = score(lm, corpus, independent=True, distribution=distribution)
    np.testing.assert_array_equal(found.logp, alone(lm, corpus, distribution=distribution))
    nll = perplexity(lm, corpus, independent=True).nll
    assert nll == pytest.approx(-np.nanmean(found.logp), rel=1e-12)


@pytest.mark.parametrize("make", [MAKERS["elman-classes=0"], *NESTED.values()])
def test_the_order_of_the_sentences_does_not_matter(make):
    lm, corpus = make(), text()
    parts = sentences_of(corpus)
    there = score(lm, corpus, independent=True).logp
    back = score(lm, Corpus(np.concatenate(parts[::-1]), words()), independent=True).logp
    lengths = [len(part) for part in parts]
    in_order = np.split(back, np.cumsum(lengths[::-1])[:-1])[::-1]
    np.testing.assert_array_equal(np.concatenate(in_order), there)


@pytest.mark.parametrize("streams", [2, 5, 50])
def test_several_streams_read_whole_sentences(streams):
    corpus = text()
    for lm in (recurrent("elman"), cached(recurrent("rnnlm", classes=5)), ngrams()):
        one = score(lm, corpus, independent=True, distribution=True)
        many = score(lm, corpus, streams=streams, independent=True, distribution=True)
        np.testing.assert_allclose(many.logp, one.logp, rtol=1e-12)
        np.testing.assert_allclose(many.entropy, one.entropy, rtol=1e-10)
        np.testing.assert_array_equal(many.rank, one.rank)


def test_the_default_is_that_of_training():
    corpus = text()
    carried, independent = recurrent("elman"), recurrent("elman", independent=True)
    by_default = [score(lm, corpus).logp for lm in (carried, independent)]
    np.testing.assert_array_equal(by_default[0], score(carried, corpus, independent=False).logp)
    np.testing.assert_allclose(by_default[1], alone(independent, corpus), rtol=1e-12)
    np.testing.assert_array_equal(score(independent, corpus, independent=False).logp, by_default[0])
    assert np.nanmax(np.abs(by_default[0] - by_default[1])) > 0.1


def test_a_stream_says_what_a_probability_depends_on():
    corpus, net, alone_net = text(), recurrent("elman"), recurrent("elman", independent=True)
    for lm, independent, context in [
        (net, None, "carried"),
        (net, False, "carried"),
        (net, True, "independent"),
        (alone_net, None, "as trained"),
        (alone_net, False, "carried"),
        (alone_net, True, "independent"),
        (ngrams(), None, "carried"),
    ]:
        assert score(lm, corpus, independent=independent).context == context
        assert perplexity(lm, corpus, independent=independent).as_dict()["context"] == context


def test_streams_that_differ_in_it_are_neither_compared_nor_mixed():
    corpus = text()
    net, other = recurrent("elman"), recurrent("elman", seed=8, independent=True)
    carried, alone_stream = (score(net, corpus, independent=i, name=n) for i, n in ((False, "a"), (True, "b")))
    trained = score(other, corpus, name="c")
    message = r"a and b cannot be compared: in a .*\(carried\), in b .*\(independent\)"
    for refuse in (require_same, lambda s: mixture(s, [1 / len(s)] * len(s)), lambda s: compare(*s, block=1)):
        with pytest.raises(DataError, match=message):
            refuse([alone_stream, carried])
    with pytest.raises(DataError, match=message):
        require_same([trained, carried, alone_stream])  # the first agrees with both of them
    for definite in (carried, alone_stream):
        for pair in ([trained, definite], [definite, trained]):
            assert mixture(pair, [0.5, 0.5]).context == definite.context
    assert mixture([trained, trained], [0.5, 0.5]).context == "as trained"


def test_the_exponents_of_a_geometric_mixture_are_fitted_to_sentences():
    """Fitted to sentences in any order they are the same; fitted to a stream they are not."""
    corpus, some = text(), [recurrent("elman"), recurrent("jordan", seed=2)]
    backwards = Corpus(np.concatenate(sentences_of(corpus)[::-1]), words())
    there, back = (fit_geometric(some, c, independent=True) for c in (corpus, backwards))
    np.testing.assert_allclose(there, back, rtol=1e-6)
    assert abs(there - fit_geometric(some, corpus)).max() > 1e-3
