"""What every language model must keep, whatever it is made of."""

from __future__ import annotations

import warnings
from functools import cache, partial
from itertools import product

import numpy as np
import pytest
from paths import OWN_RECURRENCE

from rnnlm import load
from rnnlm.models import (
    MODELS,
    CacheLM,
    ContinuousCacheLM,
    CustomLM,
    ElmanLM,
    LanguageModel,
    MixtureLM,
    NgramLM,
    WithUnkLM,
)
from rnnlm.models.ngram import SMOOTHINGS
from rnnlm.testing import LANGUAGE_MODEL_CHECKS, check_language_model
from rnnlm.text import Vocabulary, as_encoding
from rnnlm.text.corpus import Corpus

WORDS = 30
KINDS = [
    *((kind, {"classes": classes}) for kind, classes in product(MODELS, (0, 1, 7, WORDS))),
    *(
        ("elman", {"classes": 5, "activation": name, "layers": 2})
        for name in ("logistic", "relu", "clipped_relu", "leaky_relu", "elu")
    ),
    ("jordan", {"classes": 0, "feedback": "embedding", "layers": 2}),
    ("jordan", {"classes": 5, "layers": 3, "activation": "elu"}),
    ("rnnlm", {"classes": 6, "class_by": "frequency", "layers": 3, "dropout": 0.5, "input_dropout": 0.3}),
    ("bengio", {"classes": 0, "order": 3, "layers": 2, "activation": "logistic"}),
    *(("bengio", {"classes": classes, "embedding": 3, "direct": True, "layers": 3}) for classes in (0, 5)),
    ("convolution", {"classes": 5, "layers": 1, "kernel": 4, "embedding": 3}),
    ("convolution", {"classes": 0, "layers": 3, "kernel": 2, "dropout": 0.5, "input_dropout": 0.3}),
]


def words():
    """A vocabulary whose counts fall as those of texts do."""
    counts = np.random.default_rng(3).zipf(1.5, WORDS).clip(1, 500)
    return Vocabulary(["</s>", *(f"w{i}" for i in range(1, WORDS))], [40, *sorted(counts[1:], reverse=True)])


def recurrent(kind, seed=5, **config):
    """A model in float64, with weights large enough that its distributions are far from uniform."""
    model = (MODELS | {"custom": CustomLM})[kind](words(), hidden=8, seed=seed, dtype="float64", **config)
    rng = np.random.default_rng(seed - 1)
    for param in model.params.values():
        param.value += rng.normal(0, 0.5, param.value.shape)
    return model


def mixed(mix, *weights):
    return MixtureLM([recurrent("elman", classes=4), recurrent("jordan", seed=8, layers=2)], weights, mix)


@cache
def markov(length):
    """The ids of a text in which a word is likelier after some words than after others; made once, nobody writes."""
    rng = np.random.default_rng(11)
    rows = np.random.default_rng(12).dirichlet(np.full(WORDS, 0.3), (WORDS, WORDS))
    ids = [0, 0]
    for _ in range(length):
        ids.append(rng.choice(WORDS, p=rows[ids[-2], ids[-1]]))
    found = np.array(ids[2:], np.int32)
    found.flags.writeable = False
    return found


def ngrams(smoothing="kneser-ney", order=3, length=3000):
    """A model of such a text."""
    corpus = Corpus(markov(length), words())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so small a vocabulary has no rare words
        return NgramLM.train(corpus, order=order, smoothing=smoothing, dtype="float64")


def cached(model, **config):
    return CacheLM(model, strengths=[5.0, 3.0, 1.0], decay=0.9, **config)


OWN = OWN_RECURRENCE
MAKERS = {  # name -> a function that returns the model
    **{"-".join([kind, *(f"{k}={v}" for k, v in c.items())]): partial(recurrent, kind, **c) for kind, c in KINDS},
    "custom-lstm": partial(recurrent, "custom", recurrence=f"{OWN}:lstm", classes=0, layers=2),
    "custom-clock": partial(recurrent, "custom", recurrence=f"{OWN}:clock", classes=7, dropout=0.5),
    "mixture-linear": partial(mixed, "linear", 0.3, 0.7),
    "mixture-geometric": partial(mixed, "geometric", 0.6, 0.9),
    **{f"ngram-{smoothing}": partial(ngrams, smoothing) for smoothing in SMOOTHINGS if smoothing != "ml"},
    "ngram-4": partial(ngrams, order=4),
    "ngram-ml": partial(ngrams, "ml", length=200_000),  # no context is missing a word
    "ngram-entropy-pruned": lambda: ngrams("witten-bell").pruned(1e-4),
    "cache-recurrent": lambda: cached(recurrent("elman")),
    "cache-ngram": lambda: cached(ngrams(), window=4),
    "cache-mixture": lambda: cached(mixed("linear", 0.5, 0.5)),
    "cache-independent": lambda: cached(recurrent("elman", independent=True)),
    "with-unk-recurrent": lambda: WithUnkLM(recurrent("elman", classes=4)),
    "with-unk-ngram": lambda: WithUnkLM(ngrams()),
    "with-unk-independent": lambda: WithUnkLM(recurrent("rnnlm", classes=6, independent=True)),
    "mixture-with-unk": lambda: MixtureLM(
        [WithUnkLM(recurrent("elman", classes=4)), WithUnkLM(ngrams())], (0.4, 0.6), "geometric"
    ),
    "continuous-cache": lambda: ContinuousCacheLM(recurrent("rnnlm"), size=7, theta=0.7, share=0.3),
    "continuous-cache-direct": lambda: ContinuousCacheLM(
        recurrent("bengio", classes=6, direct=True, embedding=5), size=7, theta=0.7, share=0.3
    ),
    "continuous-cache-short": lambda: ContinuousCacheLM(recurrent("elman", classes=6), size=2, theta=2.0, share=0.5),
}


@pytest.fixture(params=MAKERS.values(), ids=MAKERS)
def lm(request):
    """A model of each kind."""
    return request.param()


@pytest.fixture
def text():
    rng = np.random.default_rng(7)
    x = rng.integers(0, WORDS, (12, 3))
    y = rng.integers(0, WORDS, (12, 3))
    return x, y


@pytest.mark.parametrize("check", LANGUAGE_MODEL_CHECKS, ids=lambda check: check.__name__)
def test_the_contract(lm, check):
    check(lm, rtol=1e-10)


def test_these_models_could_break_it(lm, text):
    """A uniform distribution, or a model without a memory, would keep much of the contract for nothing."""
    x, y = text
    state = lm.start(3)
    for t in range(4):
        logp, state = lm.next(x[t], state)
    assert np.exp(logp).max() > 3 / WORDS
    carried, _ = lm.score(x, y, lm.start(3))
    fresh, _ = lm.score(x[5:], y[5:], lm.start(3))
    assert not np.allclose(carried[5:], fresh, rtol=1e-4)


def test_the_log_is_saved_too(tmp_path):
    lm = recurrent("elman")
    lm.log.append({"kind": "epoch", "epoch": 1})
    lm.save(tmp_path / "m.rnnlm")
    assert load(tmp_path / "m.rnnlm").log == [{"kind": "epoch", "epoch": 1}]


def test_a_long_training_log_is_saved_too(tmp_path):
    """The header of a model file has a limit of size (100 MB); the log must not stand in it."""
    model = MODELS["elman"](Vocabulary(["</s>", "a", "b"], [1, 1, 1]), hidden=2)
    model.log = [{"kind": "update", "updates": n, "note": "x" * 10_000} for n in range(11_000)]
    model.save(tmp_path / "m.rnnlm")
    assert (tmp_path / "m.rnnlm").stat().st_size > 110_000_000
    assert load(tmp_path / "m.rnnlm").log[-1] == {"kind": "update", "updates": 10_999, "note": "x" * 10_000}


BREAKS = {  # what a model does wrong, and the check that finds it
    "probabilities": lambda lm: setattr(lm, "next", lambda x, s, f=lm.next: (f(x, s)[0] + 0.01, f(x, s)[1])),
    "score_is_next": lambda lm: setattr(lm, "score", lambda x, y, s, k=None, f=lm.score: _nudged(f(x, y, s, k))),
    "two_halves": lambda lm: setattr(lm, "start", lambda b=1, f=lm.start: _aged(lm, f(b), b)),
    "fresh_start": lambda lm: setattr(lm, "score", lambda x, y, s, k=None, f=lm.score: f(x, y, s)),
    "padding": lambda lm: setattr(lm, "score", lambda x, y, s, k=None, f=lm.score: f(x, np.maximum(y, 0), s, k)),
    "draws": lambda lm: setattr(lm, "draw", lambda x, s, r, f=lm.draw: (f(x, s, r)[0], *f(x, s, r)[1:])),
}


def _nudged(scored):
    return scored[0] * 1.001, scored[1]


def _aged(lm, state, batch):
    """A state that has seen a word more each time that somebody asks for one."""
    lm.asked = getattr(lm, "asked", 0) + 1
    for _ in range(lm.asked):
        _, state = lm.next(np.full(batch, 2), state)
    return state


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_model_is_found(name):
    lm = recurrent("elman", classes=5)
    check_language_model(lm)
    BREAKS[name](lm)
    with pytest.raises(AssertionError, match=r"differ|must be"):
        check_language_model(lm)


def test_burn_in_starts_a_sample_in_the_middle_of_things(lm):
    """A sentence is drawn and thrown away; the text goes on from its end, by hand with the same random numbers."""
    sampled = lm.sample(length=6, seed=3, burn_in=True)
    rng, x, state = np.random.default_rng(3), np.zeros(1, dtype=int), lm.start(1)
    for _ in range(100):
        x, _, state = lm.draw(x, state, rng)
        if x[0] == 0:
            break
    words, logprobs = [], []
    for _ in range(6):
        x, logp, state = lm.draw(x, state, rng)
        words.append(lm.vocabulary.words[x[0]])
        logprobs.append(logp[0])
    assert sampled.words == tuple(words)
    np.testing.assert_allclose(sampled.logprobs, logprobs, rtol=1e-12)
    assert lm.sample(length=6, seed=3) == sampled
    assert lm.sample("w2", 6, seed=3) == lm.sample("w2", 6, seed=3, burn_in=False)


def test_streams_that_burn_in_each_start_at_their_own_sentence_end():
    """A model that counts: a, b, c, … in turn after </s>, which comes again after a number of words drawn at random."""
    vocabulary = Vocabulary(["</s>", "a", "b", "c", "d", "e"], [9, 5, 4, 3, 2, 1])

    class Counter(LanguageModel):
        kind, log, config = "counter", [], {}

        def __init__(self):
            self.encoding = as_encoding(vocabulary)

        def start(self, batch=1):
            return (np.full((batch, 1), 3.0),)  # an empty start that no sentence has

        def score(self, x, y, state, keep=None):
            raise AssertionError("not needed")

        def next(self, x, state):
            place = np.where(x[:, None] == 0, np.where(state[0] == 3, 4, 1), state[0] + 1)
            p = np.zeros((len(x), 6))
            p[np.arange(len(x)), np.minimum(place[:, 0], 5).astype(int)] = 0.5
            p[:, 0] = np.where(place[:, 0] > 5, 1.0, 0.5)
            p /= p.sum(1, keepdims=True)
            with np.errstate(divide="ignore"):
                return np.log(p), (place,)

    starts = {sample.words[0] for sample in Counter().sample(count=200, seed=1)}
    assert starts == {"a", "</s>"}  # never d, with which a text from the empty state begins
    assert "d" in {sample.words[0] for sample in Counter().sample(count=200, seed=1, burn_in=False)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_precision_decides_what_is_rounding(dtype):
    model = ElmanLM(words(), hidden=5, dtype=dtype)
    check_language_model(model)
    original = model.next

    def wrong(x, state):
        logp, state = original(x, state)
        return logp + logp.dtype.type(1e-3 if dtype == "float32" else 1e-7), state

    model.next = wrong
    with pytest.raises(AssertionError, match="Σ P over all words after step 0 differ"):
        check_language_model(model)
