"""Progress of the Python functions: a bar in a notebook or where it is asked for, and nothing elsewhere."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tqdm.auto

import rnnlm
from rnnlm.errors import UsageError
from rnnlm.models import ElmanLM
from rnnlm.text import Corpus, Vocabulary

TEXT = "a b c\nb c a b\nc\n" * 20


class Recorder:
    """In place of tqdm's bar: what it was told."""

    bars: list

    def __init__(self, **options):
        self.options, self.total, self.n, self.texts, self.closed = options, options["total"], 0, [], False
        self.bars.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.closed = True

    def update(self, n):
        self.n += n

    def set_description_str(self, desc, refresh=True):
        self.texts.append(desc)

    def set_postfix_str(self, s, refresh=True):
        self.texts.append(s)


@pytest.fixture
def bars(monkeypatch):
    """The bars that were made with tqdm's own choice of a bar."""
    Recorder.bars = []
    monkeypatch.setattr(tqdm.auto, "tqdm", Recorder)
    return Recorder.bars


@pytest.fixture
def notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(config={})))


@pytest.fixture
def lm():
    return ElmanLM(Vocabulary(["</s>", "a", "b", "c"], [60, 40, 60, 60]), hidden=3, classes=0)


@pytest.fixture
def corpus(lm):
    return Corpus.from_text(TEXT, encoding=lm.encoding)


@pytest.mark.parametrize("independent", [None, True])
def test_scoring_counts_every_token(bars, notebook, lm, corpus, independent):
    lm.perplexity(corpus, independent=independent)
    rnnlm.perplexity(lm, corpus, streams=7, independent=independent)
    rnnlm.score(lm, corpus, streams=7, independent=independent, distribution=True)
    assert [(bar.total, bar.n, bar.closed) for bar in bars] == [(len(corpus), len(corpus), True)] * 3
    assert bars[0].options["unit"] == " words"
    assert bars[0].options["delay"] > 0  # a short call shows none


def test_training_shows_epochs_and_perplexities(bars, notebook, tmp_path):
    (tmp_path / "text.txt").write_text(TEXT)
    trained = rnnlm.train(tmp_path / "text.txt", hidden=3, epochs=2, streams=2, valid=tmp_path / "text.txt")
    (bar,) = bars  # one for the run, and none for the validations in it
    tokens = len(Corpus.from_text(TEXT))
    assert (bar.total, bar.n, bar.closed) == (2 * tokens, 2 * tokens, True)
    epochs = [entry for entry in trained.log if entry["kind"] == "epoch"]
    for entry in epochs:
        valid, train = (f"{np.exp(entry[name]):.2f}" for name in ("valid_nll", "train_nll"))
        assert f"PPL {train}, valid {valid}" in bar.texts
    assert "epoch 1/2" in bar.texts


def test_training_of_a_classifier(bars, notebook):
    rnnlm.train_classifier("digits", max_updates=2, progress=True)
    assert [(bar.closed, bar.options["unit"], bar.options["delay"]) for bar in bars] == [(True, " examples", 0)]


def test_an_error_closes_the_bar(bars, notebook, tmp_path):
    with pytest.raises(UsageError):
        rnnlm.train(tmp_path / "text.txt", hidden=0)
    assert [bar.closed for bar in bars] == [True]


def test_silent_where_nobody_waits(bars, lm, corpus, tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_text(TEXT)
    monkeypatch.delattr(sys, "ps1", raising=False)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)

    def run(**progress):
        lm.perplexity(corpus, **progress)
        rnnlm.score(lm, corpus, **progress)
        rnnlm.train(tmp_path / "text.txt", hidden=2, max_updates=1, streams=2, **progress)
        return len(bars)

    assert run() == 0
    assert run(progress=True) == 3
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert run() == 6
    assert run(progress=False) == 6


def test_progress_changes_no_result(lm, corpus, capsys, tmp_path):
    (tmp_path / "text.txt").write_text(TEXT)
    assert lm.perplexity(corpus, progress=True) == lm.perplexity(corpus)
    a, b = (
        rnnlm.train(tmp_path / "text.txt", hidden=3, epochs=2, streams=2, progress=progress)
        for progress in (True, False)
    )
    np.testing.assert_array_equal(a.params["output.W"].value, b.params["output.W"].value)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "scoring:   0%|" in shown.err
    assert "PPL" in shown.err


@pytest.mark.parametrize("value", ["yes", 2, [], 0.5])
def test_other_values_are_refused(lm, corpus, value):
    with pytest.raises(UsageError, match=r"progress=.* is not possible\. Give True, False, or None"):
        lm.perplexity(corpus, progress=value)


def test_a_notebook_without_widgets_has_a_line_of_text():
    """tqdm itself decides; its warning that widgets are missing is not shown."""
    program = (
        "import sys\nfrom types import SimpleNamespace as S\n"
        "sys.modules['IPython'] = S(get_ipython=lambda: S(config={'IPKernelApp': {}}))\n"
        "sys.modules['ipywidgets'] = None\n"
        "from rnnlm.progress_bar import progress_bar\n"
        "with progress_bar(None, total=3, unit='word') as bar:\n"
        "    bar.delay = 0\n    bar.update(3)\n    bar.refresh()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "100%" in done.stderr
    assert "Warning" not in done.stderr
