"""A TOML file of runs: what it may say, and what is answered to what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnlm.errors import DataError
from rnnlm.training.runs_file import read_runs
from rnnlm.training.settings import Settings


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def setting(**changes) -> Settings:
    return Settings.of(text="text.txt", hidden=5, **changes)


def test_toml():
    Path("runs.toml").write_text(
        '[[run]]\nhidden = 7\nlr = 1\nclip = "none"\n[[run]]\nmodel = "elman"\noutput = "e.rnnlm"\nindependent = true\n'
    )
    one, two = read_runs("runs.toml", setting(output="m.rnnlm", seed=9))
    assert (one.hidden, one.lr, type(one.lr), one.clip, one.seed, one.output) == (7, 1.0, float, None, 9, None)
    assert (two.hidden, two.model, two.output, two.independent, two.clip) == (5, "elman", "e.rnnlm", True, 5.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "[[run]]\n[[run]]\nhiden = 7",
            r"runs\.toml, run 2: setting 'hiden' is not known\. Did you mean hidden\? Settings are .*valid",
        ),
        ('[[run]]\nhidden = "7"', r"runs\.toml, run 1: hidden = '7' is not a whole number\."),
        ("[[run]]\nhidden = true", r"run 1: hidden = True is not a whole number"),
        ("[[run]]\nlr = [1]", r"run 1: lr = \[1\] is not a number\."),
        ("[[run]]\nindependent = 1", r"run 1: independent = 1 is not true or false"),
        ("[[run]]\nmodel = 3", r"run 1: model = 3 is not a text"),
        ("[[run]]\nthreads = 3", r"run 1: `threads` is the same for all runs\. Say it once, for all\."),
        ("hidden = 7\n[[run]]", r"runs\.toml: 'hidden' stands outside of a run"),
        ("[run]\nhidden = 7", r"runs\.toml has no runs\. Give a table \[\[run\]\]"),
        ("", r"runs\.toml has no runs"),
        ("[[run", r"runs\.toml is not TOML: Expected"),
    ],
)
def test_bad_toml(content, message):
    Path("runs.toml").write_text(content)
    with pytest.raises(DataError, match=message):
        read_runs("runs.toml", setting())


def test_missing_toml():
    with pytest.raises(DataError, match=r"none\.toml cannot be read: No such file.* Give `runs` a number, or"):
        read_runs("none.toml", setting())
