"""Models reach what theory says can be reached on artificial languages, and read Penn Treebank as everybody does."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from paths import PTB

from rnnlm import catalogue
from rnnlm.catalogue.grammar import Grammar
from rnnlm.evaluation import perplexity
from rnnlm.models import MODELS
from rnnlm.text import Corpus, Vocabulary
from rnnlm.training import Settings
from rnnlm.training.run import Run

PLAIN = {"dropout": 0.0, "l2": 0.0, "epochs": 8}  # a source without end needs no regularization
SMALL = {  # Elman's ten thousand sentences do
    "hidden": 40,
    "optimizer": "sgd",
    "lr": 1.0,
    "l2": 1e-4,
    "dropout": 0.0,
    "streams": 4,
    "block": 10,
    "schedule": "halving",
    "min_improvement": 1.0003,
    "epochs": 20,
}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    before = os.environ.get("RNNLM_CACHE")
    os.environ["RNNLM_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("RNNLM_CACHE") if before is None else os.environ.__setitem__("RNNLM_CACHE", before)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("reber", {"model": "elman", "hidden": 40, **PLAIN}),
        ("elman-1990", {"model": "elman", **SMALL}),
        ("elman-letters", {"model": "elman", **SMALL}),
    ],
)
def test_a_grammar_is_learnt_to_within_3_percent(name, settings):
    run = Run(Settings.of(text=name, **settings))
    run.fit()
    found = run.test()
    best = Grammar.load(name).perplexity()
    assert found.tokens > 50_000  # so that chance moves the text's own perplexity by less than half a percent
    assert best * 0.99 < found.ppl < best * 1.03


def test_jordans_feedback_carries_what_the_last_letter_does_not():
    """Half of Reber's letters follow two different states: the fed-back output tells them apart, a bigram cannot."""
    run = Run(Settings.of(text="reber", model="jordan", hidden=40, **PLAIN | {"epochs": 4}))
    run.fit()
    train, valid = run.data.train.ids, run.data.valid.ids
    pairs = np.zeros((8, 8))
    np.add.at(pairs, (train[:-1], train[1:]), 1)
    seen = (pairs / pairs.sum(1, keepdims=True))[valid[:-1], valid[1:]]
    bigram = math.exp(-np.log(seen).mean())
    assert 3.2 < bigram < 3.3
    assert perplexity(run.model, run.data.valid).ppl < 1.8


@pytest.mark.parametrize("kind", MODELS)
def test_a_uniform_model_has_the_perplexity_of_its_vocabulary(kind):
    words = [f"w{i}" for i in range(1, 25)]
    model = MODELS[kind](Vocabulary(["</s>", *words], np.arange(25, 0, -1)), hidden=3, classes=0)
    for param in model.params.values():
        param.value[...] = 0
    found = perplexity(model, Corpus.from_text(" ".join(words), vocabulary=model.vocabulary))
    assert found.ppl == pytest.approx(25, rel=1e-6)
    assert found.bits_per_token == pytest.approx(math.log2(25), rel=1e-6)


@pytest.mark.skipif(not PTB.is_dir(), reason="Penn Treebank is licensed; RNNLM_PTB names the folder of a copy")
def test_penn_treebank_is_read_as_everybody_reads_it():
    fetched = catalogue.get("ptb", source=PTB)
    train = Corpus.encode(fetched.train)
    valid, test = (Corpus.encode(path, vocabulary=train.vocabulary) for path in (fetched.valid, fetched.test))
    assert [len(train), len(valid), len(test)] == [929_589, 73_760, 82_430]
    model = MODELS["rnnlm"](train.vocabulary, hidden=8, classes=100)
    found = [perplexity(model, test, streams=streams) for streams in (20, 21)]
    assert [f.scored for f in found] == [82_430, 82_430]
    assert found[0].nll == pytest.approx(found[1].nll, rel=1e-4)
