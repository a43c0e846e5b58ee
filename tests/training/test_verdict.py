"""A model that is worse than its unigrams, or than no model at all: said once, in one line, with what to try."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from small_text import SMALL, TEXT

from rnnlm.evaluation.baselines import Baselines, baselines
from rnnlm.text import Corpus, Vocabulary
from rnnlm.training import Run, Settings
from rnnlm.training.events import Epoch
from rnnlm.training.verdict import Verdict


def test_baselines_by_hand():
    """Counts 4, 3, 1 and an uncounted word; the unknown word is not scored."""
    vocabulary = Vocabulary(["</s>", "a", "b", "c"], [4, 3, 1, 0])
    text = Corpus(np.array([1, 2, -1, 3, 0], np.int32), vocabulary)
    shares = np.array([3, 1, 1, 4]) / 9
    assert baselines(text) == pytest.approx((math.log(4), -np.log(shares).mean()))


def test_of_a_text_without_known_words_there_is_none():
    vocabulary = Vocabulary(["</s>", "a"], [1, 1])
    assert all(map(math.isnan, baselines(Corpus(np.array([-1, -1], np.int32), vocabulary))))


SETTINGS = Settings.of()
TEXT_OF_641 = Baselines(unigram=math.log(641.23), uniform=math.log(7000))


def verdict(ppl, *, lr=0.1, updates=5000, activation=None, **settings):
    nll = ppl if math.isnan(ppl) else math.log(ppl)
    settings = Settings.of(**settings)
    return Verdict.of(nll, TEXT_OF_641, settings, lr=lr, updates=updates, activation=activation)


def test_better_than_the_unigrams_is_nothing_to_say():
    assert [verdict(ppl).text for ppl in (641.22, 641.23, 644)] == ["", "", ""]  # no difference worth a warning


def test_worse_than_the_unigrams():
    assert verdict(912).text == (
        "validation perplexity 912.00 is worse than 641.23, that of the unigram model, which knows only how frequent "
        "each word is. Try lr=0.03, then more `epochs`, then clip=1."
    )
    assert verdict(645).text.startswith("validation perplexity 645.00 is worse than 641.23")


def test_worse_than_no_model():
    found = verdict(8000, lr=0.3, activation="relu", clip=0.5)
    assert found.text == (
        "validation perplexity 8000.00 is worse than 7000.00, that of equal probabilities for all words. "
        'Try lr=0.1, then more `epochs`, then a smaller `clip`, then activation="tanh".'
    )
    assert [one.is_hopeless for one in (found, verdict(math.nan), verdict(6999))] == [True, True, False]


def test_a_short_run_should_be_longer_first():
    assert verdict(912, updates=50).text.endswith("Try more `epochs`, then lr=0.03, then clip=1.")
    assert verdict(912, updates=50, max_updates=50).text.endswith(
        "Try a larger `max_updates`, then lr=0.03, then clip=1."
    )
    assert verdict(8000, updates=50).text.endswith("Try lr=0.03, then more `epochs`, then clip=1.")


def trained(folder, **settings):
    """The run after training, and its warnings."""
    (folder / "text.txt").write_text(TEXT * 4)
    run = Run(Settings.of(text=folder / "text.txt", **{**SMALL, **settings}))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run.fit()
    return run, [str(warning.message) for warning in caught if issubclass(warning.category, RuntimeWarning)]


def test_a_run_says_it_once_and_writes_it_into_the_log(tmp_path):
    """Here the first epoch is hopeless already, and so are those after it."""
    run, said = trained(tmp_path, lr=100.0, epochs=4, dropout=0)
    assert len(said) == 1
    assert "equal probabilities" in said[0]
    entries = [entry for entry in run.model.log if entry["kind"] == "verdict"]
    best = min(entry["valid_nll"] for entry in run.model.log if entry["kind"] == "epoch")
    assert entries == [{"kind": "verdict", **run.verdict.as_dict()}]
    assert entries[0]["nll"] == best > entries[0]["uniform"] == math.log(len(run.model.vocabulary))


def test_a_run_that_learns_says_nothing(tmp_path):
    run, said = trained(tmp_path, epochs=8, dropout=0)
    assert (said, run.verdict.text) == ([], "")
    assert not [entry for entry in run.model.log if entry["kind"] == "verdict"]


def test_one_bad_epoch_after_a_good_one_is_nothing_to_say(tmp_path, recwarn):
    """The schedule goes back to the good one; an epoch that is the best of all and as bad is something to say."""
    (tmp_path / "text.txt").write_text(TEXT * 4)
    run = Run(Settings.of(text=tmp_path / "text.txt", **SMALL))
    bad = Epoch(2, 9, 9.0, 9.0, best=False, restored=True, learning_rate=1.0, stop="")
    run._watch(bad)
    assert not recwarn.list
    run._watch(replace(bad, best=True))
    run._watch(replace(bad, best=True, epoch=3))
    assert [str(warning.message) for warning in recwarn.list] == [run._verdict(9.0).text]
