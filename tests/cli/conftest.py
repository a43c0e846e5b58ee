"""A small text, a small model and a way to call the command line in process; all caches in a temporary folder."""

from __future__ import annotations

import io
import random
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import rnnlm
from rnnlm import ops
from rnnlm.cli import run

NOUNS, VERBS = ["cat", "dog", "man", "woman", "bird"], ["sees", "hears", "likes"]


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNLM_CACHE", str(folder))
        for name in ("NO_COLOR", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        yield folder


def sentences(lines: int, seed: int = 1) -> str:
    """Lines such as "the cat sees the dog": twelve words, `</s>` included, of very different frequency."""
    rng = random.Random(seed)
    text = []
    for _ in range(lines):
        noun, verb, other = rng.choice(NOUNS), rng.choice(VERBS), rng.choices(NOUNS, [8, 4, 2, 1, 1])[0]
        text.append(f"the {noun} runs" if rng.random() < 0.3 else f"the {noun} {verb} a {other}")
    return "\n".join(text) + "\n"


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder with text.txt, test.txt and two trained models; nobody writes there."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "text.txt").write_text(sentences(200))
    (folder / "test.txt").write_text(sentences(40, seed=2))
    some = {"hidden": 12, "streams": 4, "epochs": 4, "test": folder / "test.txt"}
    rnnlm.train(folder / "text.txt", output=folder / "m.rnnlm", classes=4, **some)
    rnnlm.train(folder / "text.txt", output=folder / "unk.rnnlm", model="elman", max_vocab=6, **some)
    return folder


@pytest.fixture(scope="session")
def model(shared):
    """A class-factorized model of all twelve words."""
    return rnnlm.load(shared / "m.rnnlm")


@pytest.fixture(scope="session")
def unk_model(shared):
    """A full softmax over six words, of which `<unk>` is one of the most frequent."""
    return rnnlm.load(shared / "unk.rnnlm")


class Called(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """`call("ppl", model, text)` runs the command line in an empty folder: exit status, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments) -> Called:
        capsys.readouterr()
        ops.tell_when_compiling(None)  # an earlier call's wish
        status = run([str(argument) for argument in arguments])
        return Called(status, *capsys.readouterr())

    return call


@pytest.fixture
def stdin(monkeypatch):
    """`stdin(b"text")` becomes what can be read from standard input."""
    return lambda content: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
