"""`rnnlm cache`: caches on models of all kinds, fitted or not, and what the other commands make of them."""

from __future__ import annotations

import json
import math
import re
import warnings

import numpy as np
import pytest

import rnnlm
from rnnlm.evaluation import score
from rnnlm.models import CacheLM, ContinuousCacheLM, NgramLM
from rnnlm.training.cache_fit import fit_cache, fit_continuous_cache

USAGE, DATA = 2, 1


@pytest.fixture(scope="module")
def inputs(shared, tmp_path_factory):
    """An n-gram model, and a validation text in which the same words come again and again."""
    folder = tmp_path_factory.mktemp("inputs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        NgramLM.train(shared / "text.txt", order=3).save(folder / "kn.rnnlm")
    lines = ["the bird hears a bird"] * 10 + ["the man likes a dog"] * 10 + ["the woman runs"] * 10
    (folder / "valid.txt").write_text("\n".join(lines * 2) + "\n")
    return folder


@pytest.fixture
def known(inputs, shared):
    """What arguments in capitals stand for."""
    return {"KN": inputs / "kn.rnnlm", "VALID": inputs / "valid.txt", "NET": shared / "m.rnnlm"}


@pytest.fixture
def cached(call, known):
    """Run `rnnlm cache` with these arguments, which must succeed: what was called and the model."""

    def cached(arguments: str):
        called = call("cache", *(known.get(word, word) for word in arguments.split()), "-o", "c.rnnlm")
        assert called.status == 0, called.err
        return called, rnnlm.load("c.rnnlm")

    return cached


def figures(out: str) -> list[float]:
    found = re.fullmatch(r"validation perplexity (\S+) without, (\S+) with the cache\n", out)
    assert found, out
    return [float(value) for value in found.groups()]


def test_without_a_text_the_settings_are_as_given(cached, known):
    called, lm = cached("KN")
    assert called.out == ""
    assert called.err.splitlines()[0].endswith("kn.rnnlm: decay 0.99, strengths [1000.0, 30.0, 8.0]")
    assert called.err.splitlines()[1] == "model: c.rnnlm"
    assert lm.config == CacheLM(rnnlm.load(known["KN"])).config
    _, lm = cached("NET --decay 0.9 --strengths 50,7")
    assert (lm.config["decay"], lm.config["strengths"]) == (0.9, [50.0, 7.0])
    by_hand = CacheLM(rnnlm.load(known["NET"]), decay=0.9, strengths=[50, 7])
    np.testing.assert_array_equal(score(lm, known["VALID"]).logp, score(by_hand, known["VALID"]).logp)


@pytest.mark.parametrize("model", ["KN", "NET"])
def test_fitted(cached, known, model):
    called, lm = cached(f"{model} --fit VALID")
    plain = rnnlm.load(known[model])
    assert lm.config == fit_cache(plain, known["VALID"]).config
    before, after = figures(called.out)
    assert before == pytest.approx(plain.perplexity(known["VALID"]).ppl, abs=1e-4)
    assert after == pytest.approx(lm.perplexity(known["VALID"]).ppl, abs=1e-4)
    assert after < 0.8 * before


def test_what_is_given_is_not_fitted(cached, known):
    _, lm = cached("KN --fit VALID --orders 1 --decay 0.95")
    assert lm.config == fit_cache(rnnlm.load(known["KN"]), known["VALID"], orders=1, decays=[0.95]).config
    assert (lm.config["decay"], len(lm.config["strengths"])) == (0.95, 1)


def test_continuous(cached, known):
    net = rnnlm.load(known["NET"])
    called, lm = cached("NET --continuous --size 20 --theta 0.5 --share 0.25")
    assert called.out == ""
    assert called.err.splitlines()[0].endswith("m.rnnlm: size 20, theta 0.5, share 0.25")
    assert lm.config == {"size": 20, "theta": 0.5, "share": 0.25}
    assert isinstance(lm, ContinuousCacheLM)
    called, lm = cached("NET --continuous --fit VALID --size 30")
    assert lm.config == fit_continuous_cache(net, known["VALID"], size=30).config
    before, after = figures(called.out)
    assert before == pytest.approx(net.perplexity(known["VALID"]).ppl, abs=1e-4)
    assert after == pytest.approx(lm.perplexity(known["VALID"]).ppl, abs=1e-4)
    assert after < 0.9 * before
    _, lm = cached("NET --continuous --fit VALID --theta 0.7")
    assert (lm.config["theta"], lm.config["size"]) == (0.7, 500)


def test_the_text_may_come_from_standard_input(call, cached, known, stdin):
    _, lm = cached("KN --fit VALID")
    stdin(known["VALID"].read_bytes())
    called = call("cache", known["KN"], "--fit", "-", "-o", "piped.rnnlm")
    assert called.status == 0, called.err
    assert rnnlm.load("piped.rnnlm").config == lm.config
    assert figures(called.out)[1] == pytest.approx(lm.perplexity(known["VALID"]).ppl, abs=1e-4)


@pytest.mark.parametrize("arguments", ["KN --fit VALID", "NET --continuous --fit VALID --size 20"])
def test_other_commands_take_it(call, cached, known, arguments):
    _, lm = cached(arguments)
    valid = known["VALID"]
    found = json.loads(call("ppl", "c.rnnlm", valid, "--json").out)
    assert found["nll"] == pytest.approx(lm.perplexity(valid).nll, rel=1e-12)
    out = call("score", "c.rnnlm", valid, "--unit", "nats").out
    rows = [line.split("\t") for line in out.splitlines() if not line.startswith("# ")]
    total = sum(float(row[rows[0].index("logprob")]) for row in rows[1:])
    assert -total / (len(rows) - 1) == pytest.approx(found["nll"], rel=1e-4)
    assert call("sample", "c.rnnlm", "the", "-n", 3, "--seed", 2).out == str(lm.sample("the", 3, seed=2)) + "\n"
    assert call("ensemble", "c.rnnlm", known["KN"], "--fit", valid, "-o", "mix.rnnlm").status == 0
    assert "weight" in call("info", "mix.rnnlm").out
    called = call("cache", "c.rnnlm", "--strengths", 500, "-o", "twice.rnnlm")
    assert called.status == 0
    assert rnnlm.load("twice.rnnlm").model.config == lm.config
    assert call("compare", "c.rnnlm", known["KN"], valid, "--samples", 100).status == 0


def test_info_tells_settings_model_and_text(call, cached, known):
    called, lm = cached("KN --fit VALID")
    facts = dict(line.split("  ", 1) for line in call("info", "c.rnnlm").out.splitlines())
    assert facts["model"].strip() == "cache"
    assert facts["settings"].strip() == f"decay {lm.config['decay']}, strengths {lm.config['strengths']}"
    assert facts["on"].strip().startswith("ngram  ")
    assert "order 3" in facts["on"]
    assert facts["fitted to"].strip().startswith(f"{known['VALID']}, {6 * 20 + 6 * 20 + 4 * 20} tokens, sha256 ")
    assert facts["validation"].strip() == f"PPL {figures(called.out)[1]:.4f}"
    assert facts["command"].strip().startswith("rnnlm cache ")
    found = json.loads(call("info", "c.rnnlm", "--json").out)
    assert found["base"]["model"] == "ngram"
    assert found["training"]["fit"]["nll"] == pytest.approx(math.log(figures(called.out)[1]), abs=1e-3)
    cached("NET --continuous")
    facts = dict(line.split("  ", 1) for line in call("info", "c.rnnlm").out.splitlines())
    assert facts["settings"].strip() == "size 500, theta 0.3, share 0.1"
    assert facts["on"].strip().startswith("rnnlm  hidden 12, ")
    assert "fitted to" not in facts


def bad(what, *says, status=USAGE):
    return pytest.param(what.split(), says, status, id=what)


@pytest.mark.parametrize(
    ("arguments", "says", "status"),
    [
        bad("KN -o c.rnnlm --decay 1", "--decay 1.0 is not possible", "Give 0 < --decay < 1, such as 0.99"),
        bad("KN -o c.rnnlm --decay nan", "--decay nan is not possible"),
        bad("KN -o c.rnnlm --fit VALID --decay 1.5", "--decay 1.5 is not possible"),
        bad("KN -o c.rnnlm --decay slow", "'slow' is not a valid float", "rnnlm cache --help"),
        bad("KN -o c.rnnlm --strengths 0", "--strengths [0.0] are not possible"),
        bad("KN -o c.rnnlm --strengths 5,,6", "--strengths '5,,6' is not a list of numbers", "1000,30,8"),
        bad("KN -o c.rnnlm --strengths nan", "--strengths [nan] are not possible"),
        bad("KN -o c.rnnlm --fit VALID --strengths 5", "the strengths are given, and --fit is to choose them"),
        bad("KN -o c.rnnlm --fit VALID --orders 0", "--orders 0", "at least one order"),
        bad("KN -o c.rnnlm --orders 2", "--orders says how many strengths of a cache of n-grams --fit is to choose"),
        bad(
            "KN -o c.rnnlm --orders 2 --strengths 5,6",
            "--orders says how many strengths of a cache of n-grams --fit is to choose",
        ),
        bad("KN -o c.rnnlm --size 9", "--size is for the --continuous cache", "or give --continuous"),
        bad("KN -o c.rnnlm --theta 1", "--theta is for the --continuous cache"),
        bad("KN -o c.rnnlm --fit VALID --share 0.1", "--share is for the --continuous cache"),
        bad(
            "NET -o c.rnnlm --continuous --orders 2",
            "--orders says how many strengths of a cache of n-grams --fit is to choose",
        ),
        bad("NET -o c.rnnlm --continuous --decay 0.9", "--decay is for the cache of n-grams"),
        bad("NET -o c.rnnlm --continuous --strengths 9", "--strengths is for the cache of n-grams"),
        bad("NET -o c.rnnlm --continuous --size 0", "--size 0 is too small", "Give 1 <= --size <= 1,000,000"),
        bad("NET -o c.rnnlm --continuous --theta -1", "--theta -1.0 is not possible", "Give --theta >= 0"),
        bad(
            "NET -o c.rnnlm --continuous --share 1",
            "--share 1.0 is not possible",
            "Give 0 <= --share < 1, the weight of the cache",
        ),
        bad("NET -o c.rnnlm --continuous --fit VALID --theta nan", "--theta nan is not possible"),
        bad("NET -o c.rnnlm --continuous --fit VALID --share 0.1", "the share is given, and --fit is to choose it"),
        bad("KN -o c.rnnlm --continuous", "a continuous cache needs a recurrent model", "'ngram'"),
        bad("KN -o c.rnnlm --continuous --fit VALID", "a continuous cache needs a recurrent model"),
        bad("KN -o c.rnnlm --fit nix.txt", "nix.txt does not exist", status=DATA),
        bad("nix.rnnlm -o c.rnnlm", "nix.rnnlm cannot be read as a model", status=DATA),
        bad("VALID -o c.rnnlm", "is not a model", status=DATA),
        bad("KN -o no/c.rnnlm", "the folder no does not exist", status=DATA),
        bad("KN -o KN", "which it would replace. Give another -o"),
        bad("KN --fit VALID -o VALID", "which it would replace. Give another -o"),
        bad("KN", "Missing option '-o'"),
        bad("-o c.rnnlm", "Missing argument 'MODEL'"),
        bad("KN -o c.rnnlm --threads 0", "threads"),
    ],
)
def test_bad_input(call, known, inputs, tmp_path, arguments, says, status):
    before = {path: path.read_bytes() for path in inputs.iterdir()}
    called = call("cache", *(known.get(argument, argument) for argument in arguments))
    assert called.status == status, called.err
    assert called.out == ""
    assert called.err.startswith("rnnlm: error: ")
    assert called.err.count("\n") == 1
    for part in says:
        assert part in called.err
    assert list(tmp_path.iterdir()) == []
    assert {path: path.read_bytes() for path in inputs.iterdir()} == before


def test_help_shows_each_default_as_it_is_typed(call):
    said = " ".join(call("cache", "--help").out.split())
    for option, default in (("decay", "0.99"), ("strengths", "1000,30,8"), ("size", "500"), ("theta", "0.3")):
        assert f"[{default}]" in said[said.index(f"--{option} ") :].partition(" --")[0], option
