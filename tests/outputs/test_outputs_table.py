"""A new output layer is one file and one line: whatever else there is takes it as it comes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from paths import ROOT

import rnnlm
from rnnlm.layers import initializers
from rnnlm.models import ElmanLM, MikolovLM
from rnnlm.options import declared
from rnnlm.outputs import ClassSoftmax, Softmax
from rnnlm.outputs.table import OUTPUTS, OutputOptions, make_output
from rnnlm.stored import Stored
from rnnlm.text import Vocabulary

COUNTS = np.array([40, 30, 20, 10, 6, 5, 4, 3, 2, 1])


def made(structure=None, **options):
    rng = np.random.default_rng(1)
    stored = None if structure is None else Stored({}, structure)
    return make_output(COUNTS, OutputOptions(**options), 4, rng=rng, dtype="float64", structure=stored)


def test_the_options_say_which_one_is_made():
    assert {ClassSoftmax, Softmax} <= set(OUTPUTS)
    assert OUTPUTS[-1] is Softmax  # which is always possible
    assert {"classes", "class_by"} <= set(declared(OutputOptions))
    assert isinstance(made(), Softmax)  # of so few words
    assert isinstance(made(classes=0), Softmax)
    by_count, by_root = made(classes=3, class_by="frequency"), made(classes=3)
    assert by_count.classes.start.tolist() == [0, 2, 3, 10]
    assert by_root.classes.start.tolist() == [0, 2, 5, 10]
    assert (by_root.description, by_root.facts(), by_root.units_per_token) == ("3 classes", {"classes": 3}, 3 + 5)
    assert (made().description, made().facts(), made().units_per_token) == ("full softmax", {"classes": 0}, 10)
    many = np.arange(2000, 0, -1)
    output = make_output(many, OutputOptions(), 2, rng=np.random.default_rng(1), dtype="float32")
    assert len(output.classes) == 45  # √2000


def test_a_layer_is_made_again_as_it_was_built():
    """From its structure, whatever the options and counts would make of it today."""
    assert made({"class_start": np.array([0, 5, 10])}, classes=3).classes.start.tolist() == [0, 5, 10]
    assert isinstance(made({}, classes=3), Softmax)
    before = made(classes=3)
    assert made(before.structure(), classes=7).classes.start.tolist() == before.classes.start.tolist()
    assert made().structure() == {}


def test_biases_start_from_the_counts():
    logs = np.log(COUNTS)
    np.testing.assert_allclose(made().params["b"].value, logs - logs.mean())
    classes = made(classes=3)
    for start, end in ((0, 2), (2, 5), (5, 10)):
        np.testing.assert_allclose(classes.params["b"].value[start:end], logs[start:end] - logs[start:end].mean())
    of_class = np.log([70, 36, 15])
    np.testing.assert_allclose(classes.params["class_b"].value, of_class - of_class.mean())


def test_what_the_options_allow():
    with pytest.raises(rnnlm.errors.UsageError, match=r"classes=11 is not possible with a vocabulary of 10\."):
        made(classes=11)
    with pytest.raises(rnnlm.errors.UsageError, match=r"classes=-1 .* Give 1 <= classes <= 10, or 0"):
        made(classes=-1)
    words = Vocabulary(["</s>", *(f"w{i}" for i in range(9))], COUNTS.tolist())
    assert ElmanLM(words, hidden=3).facts()["classes"] == 0
    assert MikolovLM(words, hidden=3).facts()["classes"] == 3  # this model has classes from the beginning


def test_what_a_model_chooses_for_the_user_is_what_a_user_would_get():
    """The layer that is not used draws no weights, so a seed means the same whoever chose."""
    words = Vocabulary(["</s>", *(f"w{i}" for i in range(9))], COUNTS.tolist())
    usual, typed = MikolovLM(words, hidden=3), MikolovLM(words, hidden=3, classes=3)
    assert usual.params.keys() == typed.params.keys()
    for name, param in usual.params.items():
        np.testing.assert_array_equal(param.value, typed.params[name].value)
    rng = np.random.default_rng(1)  # the seed of every model by default
    np.testing.assert_array_equal(
        usual.params["embedding.W"].value, initializers.uniform(rng, (10, 3)).astype("float32")
    )
    np.testing.assert_array_equal(
        usual.params["output.class_W"].value, initializers.uniform(rng, (3, 3)).astype("float32")
    )


LAYER = '''
"""The softmax of a matrix of low rank."""

from dataclasses import dataclass

import numpy as np

from ..layers import Param, initializers
from ..options import option
from .softmax import log_shares


class LowRank:
    cheaper = "a smaller `rank`"

    @dataclass(frozen=True, kw_only=True)
    class Options:
        rank: int | None = option(None, "Rank of the output matrix.", group="Output", metavar="R", least=1)

    @classmethod
    def choose(cls, counts, options, size, *, rng, dtype, structure=None):
        if structure is not None:
            rank = int(structure.array("rank")[0]) if structure.has_array("rank") else None
            return None if rank is None else cls(len(counts), size, rank, rng, dtype)
        return None if options.rank is None else cls(len(counts), size, options.rank, rng, dtype)

    def __init__(self, words, size, rank, rng, dtype):
        self.rank = rank
        shapes = {"A": (rank, size), "W": (words, rank), "b": (words,)}
        self.params = {name: Param(initializers.uniform(rng, shape).astype(dtype)) for name, shape in shapes.items()}

    def structure(self):
        return {"rank": np.array([self.rank])}

    def start_from(self, counts):
        self.params["b"].value[...] = log_shares(counts)

    @property
    def units_per_token(self):
        return self.rank + len(self.params["b"].value)

    @property
    def numbers_per_token(self):  # more than it has units: backward also keeps h @ A.T
        return 2 * self.rank + len(self.params["b"].value)

    @property
    def description(self):
        return f"softmax of rank {self.rank}"

    def facts(self):
        return {"rank": self.rank}

    def logprobs(self, h):
        A, W, b = (self.params[name].value for name in ("A", "W", "b"))
        logits = h @ A.T @ W.T + b
        logits = logits - logits.max(1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(1, keepdims=True))

    def forward(self, h, target, *, gradient=True):
        logp, scored = self.logprobs(h), np.flatnonzero(target >= 0)
        nll = np.zeros(len(h), h.dtype)
        nll[scored] = -logp[scored, target[scored]]
        return nll, (h, logp, scored, target[scored])

    def backward(self, tape, scale):
        h, logp, scored, words = tape
        d = np.zeros_like(logp)
        d[scored] = scale * np.exp(logp[scored])
        d[scored, words] -= scale
        A, W = self.params["A"].value, self.params["W"].value
        self.params["W"].add(d.T @ (h @ A.T))
        self.params["b"].add(d.sum(0))
        self.params["A"].add((d @ W).T @ h)
        return d @ W @ A

    def draw(self, h, rng):
        logp = self.logprobs(h)
        ids = (np.exp(logp).cumsum(1) > rng.random((len(h), 1))).argmax(1)
        return ids, logp[np.arange(len(h)), ids]
'''

SCRIPT = """
import contextlib, io, json, sys
import numpy as np
from rnnlm import load
from rnnlm.cli import run
from rnnlm.errors import DataError
from rnnlm.models import average
from rnnlm.optim import SGD
from rnnlm.training import memory

def command(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(list(arguments))
    return status, out.getvalue(), err.getvalue()

small = ("--hidden", "6", "--streams", "4", "--epochs", "12", "--backend", "numpy", "--dtype", "float64",
         "--clip", "none")
found = {name: command(*typed) for name, typed in {
    "train": ("train", "text.txt", "--rank", "3", "--test", "text.txt", *small, "-o", "m.rnnlm"),
    "info": ("info", "m.rnnlm", "--backend", "numpy"),
    "json": ("info", "m.rnnlm", "--json", "--backend", "numpy"),
    "ppl": ("ppl", "m.rnnlm", "text.txt", "--json", "--backend", "numpy"),
    "sample": ("sample", "m.rnnlm", "-n", "5", "--seed", "1", "--backend", "numpy"),
    "zero": ("train", "text.txt", "--rank", "0", *small, "-o", "no.rnnlm"),
    "jordan": ("train", "text.txt", "--rank", "3", "--model", "jordan", *small, "-o", "no.rnnlm"),
    "both": ("train", "text.txt", "--rank", "3", "--classes", "3", *small, "-o", "no.rnnlm"),
    "full": ("train", "text.txt", "--classes", "0", *small, "-o", "full.rnnlm"),
    "help": ("train", "--help-all"),
}.items()}
if found["train"][0] or found["full"][0]:
    sys.exit(json.dumps(found))
model = load("m.rnnlm")
try:
    average([model, load("full.rnnlm")])
except DataError as error:
    found["average"] = str(error)
found["kinds"] = [type(load(name).output).__name__ for name in ("m.rnnlm", "full.rnnlm")]
ids = np.array([[1, 2, 3, 0]], dtype=np.int32).T
nll, state, tape = model.forward(ids[:-1], ids[1:], model.start(1))
model.backward(tape, 1.0)
slopes = []
for name in ("A", "W", "b"):
    param = model.params[f"output.{name}"]
    gradient, place = param.grad.copy().reshape(-1), 1
    values = param.value.reshape(-1)
    sides = []
    for step in (1e-6, -2e-6):
        values[place] += step
        sides.append(model.forward(ids[:-1], ids[1:], model.start(1))[0].sum())
    slopes.append(((sides[0] - sides[1]) / 2e-6, gradient[place]))
found["slopes"] = slopes
found["needs"] = [need for need in memory.of_training(model, SGD, block=5, horizon=None, streams=3)][-1]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def third(tmp_path_factory):
    """What commands say in a copy of the package that has one output layer more: a file, and a line in the table."""
    folder = tmp_path_factory.mktemp("third")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(rnnlm.__file__).parent, folder / "rnnlm", ignore=ignored)
    shutil.copytree(ROOT / "corpora", folder / "corpora")
    (folder / "rnnlm/outputs/low_rank.py").write_text(LAYER)
    table = folder / "rnnlm/outputs/table.py"
    source = table.read_text().replace("] = (", "] = (LowRank, ")
    table.write_text(source.replace("from .softmax import", "from .low_rank import LowRank\nfrom .softmax import"))
    # One word can follow each: whoever has learnt nothing is near a perplexity of 8.
    lines = (
        " ".join(f"w{(first + i) % 7}" for i in range(8)) for first in np.random.default_rng(1).integers(0, 7, 150)
    )
    (folder / "text.txt").write_text("\n".join(lines))
    env = os.environ | {"PYTHONPATH": "", "RNNLM_CACHE": str(folder / "cache"), "NO_COLOR": "1"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_third_output_layer_is_chosen_trained_and_read_again(third):
    for name in ("train", "info", "json", "ppl", "sample", "full"):
        assert third[name][0] == 0, third[name]
    assert third["kinds"] == ["LowRank", "Softmax"]
    _, out, err = third["train"]
    assert ", softmax of rank 3, " in err
    perplexity = float(re.search(r"test perplexity ([\d.]+)", out)[1])
    assert json.loads(third["ppl"][1])["ppl"] == pytest.approx(perplexity, abs=1e-4)
    assert perplexity < 3
    assert len(third["sample"][1].split()) == 5
    for slope, gradient in third["slopes"]:
        assert gradient == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_a_third_output_layer_says_what_it_is(third):
    facts = dict(line.split("  ", 1) for line in third["info"][1].splitlines())
    assert facts["output"].strip() == "softmax of rank 3"
    assert "rank 3" in facts["settings"]
    found = json.loads(third["json"][1])
    assert (found["rank"], found["config"]["rank"]) == (3, 3)
    assert "classes" not in found
    what, size, advice = third["needs"]
    V = found["words"]
    assert (what, size) == ("its output layer", 5 * 3 * (2 * 3 + V) * 8)
    assert advice.startswith("a smaller `rank`, fewer ")
    assert re.search(r"--rank R +Rank of the output matrix\.", third["help"][1])


def test_a_third_output_layer_is_refused_where_it_does_not_fit(third):
    assert third["zero"] == [2, "", "rnnlm: error: --rank 0 is too small. Give --rank >= 1.\n"]
    status, _, err = third["jordan"]
    assert status == 2
    assert "feeds a softmax back, and the output layer softmax of rank 3 has none. Leave out --rank." in err
    status, _, err = third["both"]
    assert status == 2
    assert "--classes 3 is for another output layer than this softmax of rank 3" in err
    assert "Leave it out, or leave out --rank" in err
    assert "cannot be averaged: " in third["average"]
    assert "3 in one and None in the other" in third["average"]
