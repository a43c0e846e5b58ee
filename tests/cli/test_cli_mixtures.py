"""`rnnlm ppl` of several models, `rnnlm ensemble`, and `rnnlm info` of what it wrote."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest

import rnnlm
from rnnlm.evaluation import (
    fit_geometric,
    fit_linear,
    greedy_path,
    mixture,
    perplexity_interval,
    score,
    stream_perplexity,
    write_binary,
)
from rnnlm.models import MixtureLM
from rnnlm.text import Corpus


@pytest.fixture(scope="module")
def trio(shared, tmp_path_factory):
    """Three models of one vocabulary, of which the second has hardly learnt, and a validation text."""
    folder = tmp_path_factory.mktemp("trio")
    some = {"model": "elman", "streams": 4}
    rnnlm.train(shared / "text.txt", output=folder / "a.rnnlm", hidden=8, epochs=4, seed=3, **some)
    rnnlm.train(shared / "text.txt", output=folder / "b.rnnlm", hidden=2, epochs=1, seed=2, **some)
    lines = (shared / "test.txt").read_text().splitlines(keepends=True)
    random.Random(3).shuffle(lines)
    (folder / "valid.txt").write_text("".join(lines[:25]))
    (folder / "c.rnnlm").write_bytes((shared / "m.rnnlm").read_bytes())
    return folder


@pytest.fixture
def paths(trio, monkeypatch, call):
    """The names of the three models, seen from their own folder."""
    monkeypatch.chdir(trio)
    return ["a.rnnlm", "b.rnnlm", "c.rnnlm"]


def rows(out: str) -> list[dict[str, str]]:
    head, *lines = (line.split() for line in out.splitlines())
    return [dict(zip(head, line, strict=False)) for line in lines]


def test_equal_weights_without_fit(call, paths, shared):
    called = call("ppl", *paths, shared / "test.txt")
    found = rows(called.out)
    streams = [score(rnnlm.load(path), shared / "test.txt") for path in paths]
    mixed = stream_perplexity(mixture(streams, [1 / 3] * 3))
    assert called.err == ""
    assert [row["model"] for row in found] == [*paths, "mixture"]
    assert [row["weight"] for row in found[:3]] == ["0.3333"] * 3
    assert [row["PPL"] for row in found[:3]] == [f"{stream_perplexity(s).ppl:.4f}" for s in streams]
    assert found[3]["PPL"] == f"{mixed.ppl:.4f}"
    p = np.mean([np.exp(s.logp) for s in streams], 0)
    assert mixed.nll == pytest.approx(-np.log(p).mean(), rel=1e-12)


def test_fitted_weights_and_the_greedy_path(call, paths, shared):
    called = call("ppl", *paths, shared / "test.txt", "--fit", "valid.txt")
    models, path = called.out.split("\n\n")
    fitted = [score(rnnlm.load(p), "valid.txt") for p in paths]
    tests = [score(rnnlm.load(p), shared / "test.txt") for p in paths]
    weights = fit_linear(fitted)
    shown = [f"{w:.4f}" if w else "0" for w in weights]
    assert [row["weight"] for row in rows(models)[:3]] == shown
    assert rows(models)[3]["PPL"] == f"{stream_perplexity(mixture(tests, weights)).ppl:.4f}"
    steps = [line.split() for line in path.splitlines()]
    assert steps[0] == ["step", "added", "validation", "PPL", "test", "PPL"]
    for line, step, number in zip(steps[1:], greedy_path(fitted), "123", strict=True):
        at_test = stream_perplexity(mixture(tests, step.weights)).ppl
        assert line == [number, paths[step.added], f"{math.exp(step.nll):.4f}", f"{at_test:.4f}"]
    found = json.loads(call("ppl", *paths, shared / "test.txt", "--fit", "valid.txt", "--json").out)
    np.testing.assert_array_equal([model["weight"] for model in found["models"]], weights)
    assert (found["mixture"]["mix"], found["mixture"]["fit"]) == ("linear", "valid.txt")
    assert [step["model"] for step in found["path"]] == [line[1] for line in steps[1:]]


def test_weights_by_hand(call, paths, shared):
    found = rows(call("ppl", *paths, shared / "test.txt", "--weights", "0,0,1").out)
    assert [row["weight"] for row in found[:3]] == ["0", "0", "1.0000"]
    assert found[3]["PPL"] == found[2]["PPL"]
    found = json.loads(call("ppl", "c.rnnlm", shared / "test.txt", "--weights", "1", "--json").out)
    assert found["mixture"]["nll"] == found["models"][0]["nll"]


def test_geometric_mixture(call, paths, shared):
    called = call("ppl", *paths, shared / "test.txt", "--fit", "valid.txt", "--mix", "geometric", "--json")
    found = json.loads(called.out)
    some = [rnnlm.load(path) for path in paths]
    weights = fit_geometric(some, Corpus.encode("valid.txt", vocabulary=some[0].vocabulary))
    np.testing.assert_allclose([model["weight"] for model in found["models"]], weights, rtol=1e-12)
    assert found["mixture"]["nll"] == MixtureLM(some, weights, "geometric").perplexity(shared / "test.txt").nll
    assert found["path"] == []
    assert "geometric fit: PPL " in called.err


@pytest.mark.parametrize("rule", ["skip", "5"])
def test_unknown_words(call, shared, tmp_path, rule):
    (tmp_path / "new.txt").write_text("the zebra sees a cat\nthe dog runs\n")
    unk = shared / "unk.rnnlm"
    found = json.loads(call("ppl", unk, "new.txt", "--unknown", rule, "--json").out)
    plain = json.loads(call("ppl", unk, unk, "new.txt", "--json").out)
    bare, one, unknown = plain["mixture"], found["models"][0], plain["mixture"]["unknown"]
    if rule == "skip":
        assert one["nll"] == one["nll_known"] == bare["nll_known"]
        assert one["scored"] == bare["tokens"] - unknown
    else:
        assert one["nll"] == pytest.approx(bare["nll"] + unknown / bare["tokens"] * math.log(5), rel=1e-12)
        assert one["nll_known"] == bare["nll_known"]


def test_standard_input_for_several_models(call, stdin, paths, shared):
    listed = call("ppl", *paths, shared / "test.txt").out
    stdin((shared / "test.txt").read_bytes())
    assert call("ppl", *paths, "-").out == listed
    stdin((shared / "test.txt").read_bytes())
    called = call("ppl", shared / "m.rnnlm", shared / "unk.rnnlm", "-")
    assert called.status == 2
    assert "standard input can be read once, and these models have different vocabularies" in called.err


def probabilities(folder, lm, **texts):
    """Files NAME.p with these probabilities of the words of NAME.txt."""
    for name, (text, p) in texts.items():
        (folder / f"{name}.txt").write_text(text)
        stream = score(lm, folder / f"{name}.txt")
        write_binary(replace(stream, logp=np.log(p)), folder / f"{name}.p")


def test_files_of_probabilities_join(call, shared, tmp_path):
    p, q = [0.9, 0.3, 0.2, 0.9], [0.9, 0.1, 0.1, 0.9, 0.9, 0.3, 0.3, 0.9]
    lm = rnnlm.load(shared / "m.rnnlm")
    probabilities(tmp_path, lm, t=("the cat runs\n", p), v=("the dog runs\nthe man runs\n", q))
    found = json.loads(call("ppl", "t.p@v.p", shared / "m.rnnlm", "t.txt", "--fit", "v.txt", "--json").out)
    own, valid = np.exp(score(lm, "t.txt").logp), np.exp(score(lm, "v.txt").logp)
    w = [model["weight"] for model in found["models"]]
    grid = np.linspace(0, 1, 1001)
    assert w[0] == pytest.approx(
        grid[np.argmax([np.log(g * np.array(q) + (1 - g) * valid).mean() for g in grid])], abs=2e-3
    )
    assert found["mixture"]["nll"] == pytest.approx(-np.log(w[0] * np.array(p) + w[1] * own).mean(), rel=1e-9)
    assert found["models"][0]["nll"] == pytest.approx(-np.log(p).mean(), rel=1e-12)
    equal = json.loads(call("ppl", "t.p", shared / "m.rnnlm", "t.txt", "--json").out)
    assert equal["mixture"]["nll"] == pytest.approx(-np.log((np.array(p) + own) / 2).mean(), rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "status", "fragments"),
    [
        ("ppl t.p t.txt", 2, ["files of probabilities have no vocabulary", "at least one model"]),
        ("ppl t.p M t.txt --fit v.txt", 2, ["t.p has those of one text", "Give t.p@FITFILE"]),
        ("ppl t.p M t.txt --mix geometric", 2, ["t.p holds the probabilities of one text only, and a geometric"]),
        ("ensemble t.p M -o x.rnnlm", 2, ["t.p holds the probabilities of one text only, and an ensemble"]),
        ("ppl t.p@none.p M t.txt", 1, ["none.p, a part of t.p@none.p, does not exist"]),
        ("ppl t.p@t.txt M t.txt", 1, ["t.txt, a part of t.p@t.txt, holds no probabilities"]),
        ("ppl t.p@v.p@v.p M t.txt", 2, ["'t.p@v.p@v.p' is not the path of a file, nor two", "FILE@FITFILE"]),
        ("ppl v.p M t.txt", 1, ["v.p and the text t.txt cannot be compared", "different texts"]),
    ],
)
def test_files_of_probabilities_that_are_refused(call, shared, tmp_path, arguments, status, fragments):
    lm = rnnlm.load(shared / "m.rnnlm")
    probabilities(tmp_path, lm, t=("the cat runs\n", [0.5] * 4), v=("the dog runs\nthe man runs\n", [0.5] * 8))
    refused(call, arguments.replace("M", str(shared / "m.rnnlm")).split(), status, fragments)


def refused(call, arguments, status, fragments):
    called = call(*arguments)
    assert (called.status, called.out, called.err.count("\n")) == (status, "", 1)
    assert [part for part in fragments if part not in called.err] == []


@pytest.mark.parametrize(
    ("arguments", "status", "fragments"),
    [
        ("ppl A B V --weights 0.5", 2, ["there are 2 models and 1 weights"]),
        ("ppl A B V --weights 0.5,half", 2, ["--weights '0.5,half'", "such as 0.7,0.3"]),
        ("ppl A B V --weights 0.5,0.6", 2, ["sum to 1.1", "the sum 1"]),
        ("ppl A B V --weights 2,-1", 2, ["weight -1.0 is not possible"]),
        ("ppl A B V --weights 0.5,0.5 --fit V", 2, ["--fit and --weights both", "Give one"]),
        ("ppl A B V --mix cubic", 2, ["--mix 'cubic' is not known. Give one of linear, geometric."]),
        ("ppl A B - --fit -", 2, ["standard input can be read once", "Give one as a file"]),
        ("ppl A B V --unknown some", 2, ["--unknown 'some' is not a rule", "skip"]),
        ("ppl A B V --unknown 0", 2, ["is not a rule. Give <unk>"]),
        ("ppl A U V --fit V", 1, ["cannot be compared", "their vocabularies"]),
        ("ppl A U V --mix geometric", 1, ["cannot be compared", "their vocabularies"]),
        ("ppl A B V --fit none.txt", 1, ["none.txt does not exist"]),
        ("ensemble A U -o x.rnnlm", 1, ["member 1 (elman) and member 2 (elman)", "their vocabularies"]),
        ("ensemble A B", 2, ["Missing option '-o'"]),
        ("ensemble -o x.rnnlm", 2, ["Missing argument 'MODELS"]),
        ("ensemble A B -o none/x.rnnlm", 1, ["the mixture cannot be written to none/x.rnnlm", "folder none"]),
        ("ensemble A B -o A", 2, ["the output", "a.rnnlm is the model itself, which it would replace"]),
        ("ensemble A B --fit V -o V", 2, ["valid.txt is the text itself, which it would replace"]),
        ("ensemble A B --weights 0,0 -o x.rnnlm", 2, ["all weights are 0"]),
        ("ensemble V A -o x.rnnlm", 1, ["valid.txt is not a model"]),
    ],
)
def test_bad_input(call, trio, shared, tmp_path, arguments, status, fragments):
    names = {"A": trio / "a.rnnlm", "B": trio / "b.rnnlm", "V": trio / "valid.txt", "U": shared / "unk.rnnlm"}
    before = {path: path.read_bytes() for path in trio.iterdir()}
    refused(call, [str(names.get(part, part)) for part in arguments.split()], status, fragments)
    assert {path: path.read_bytes() for path in trio.iterdir()} == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mix", ["linear", "geometric"])
def test_ensemble_is_a_model_file_like_any_other(call, paths, shared, tmp_path, mix):
    output = tmp_path / "mix.rnnlm"
    called = call("ensemble", *paths, "--fit", "valid.txt", "--mix", mix, "-o", output)
    assert called.status == 0
    assert f"model written to {output}" in called.err
    found = json.loads(call("ppl", *paths, "valid.txt", "--fit", "valid.txt", "--mix", mix, "--json").out)
    shown = rows(called.out.replace("validation PPL", "PPL"))
    assert [row.get("weight") for row in shown[:3]] == [
        f"{m['weight']:.4f}" if m["weight"] else "0" for m in found["models"]
    ]
    assert [row["PPL"] for row in shown] == [f"{m['ppl']:.4f}" for m in [*found["models"], found["mixture"]]]
    of_file = json.loads(call("ppl", output, "valid.txt", "--json").out)
    assert of_file["nll"] == pytest.approx(found["mixture"]["nll"], rel=1e-6)
    assert call("sample", output, "the", "-n", "5", "--seed", "1").out.startswith("the ")
    kept = [m for m in found["models"] if m["weight"] > 0]
    facts = json.loads(call("info", output, "--json").out)
    assert [m["weight"] for m in facts["members"]] == pytest.approx([m["weight"] for m in kept])
    assert facts["training"]["members"] == [m["model"] for m in kept]
    assert facts["training"]["command"].startswith("rnnlm ensemble a.rnnlm")
    told = call("info", output).out
    assert f"mix {mix}" in told
    assert f"weight {kept[0]['weight']:.4f}  {rnnlm.load(kept[0]['model']).kind}" in told
    assert "fitted to   valid.txt, " in told
    twice = call("ensemble", output, "a.rnnlm", "-o", tmp_path / "twice.rnnlm")
    assert twice.status == 0
    assert call("ppl", tmp_path / "twice.rnnlm", "valid.txt").status == 0


def test_a_member_without_weight_is_left_out(call, paths, tmp_path):
    output = tmp_path / "mix.rnnlm"
    called = call("ensemble", *paths, "--weights", "0.5,0,0.5", "-o", output)
    assert "b.rnnlm has the weight 0 and is left out" in called.err
    assert rows(called.out)[1] == {"model": "b.rnnlm", "weight": "0"}
    assert [m.kind for m in rnnlm.load(output).members] == ["elman", "rnnlm"]
    assert json.loads(call("ensemble", *paths, "-o", output, "--json").out)["fit"] is None


def test_ensemble_by_reference(call, paths, trio, tmp_path):
    output = tmp_path / "mix.rnnlm"
    assert call("ensemble", *paths, "--reference", "-o", output).status == 0
    embedded = tmp_path / "whole.rnnlm"
    assert call("ensemble", *paths, "-o", embedded).status == 0
    assert output.stat().st_size < embedded.stat().st_size
    assert call("ppl", output, "valid.txt").out.split()[9:] == call("ppl", embedded, "valid.txt").out.split()[9:]
    assert str(trio / "a.rnnlm") in str((tmp_path / rnnlm.load(output).facts()["members"][0]["file"]).resolve())
    moved = tmp_path / "deep" / "er" / "moved.rnnlm"
    moved.parent.mkdir(parents=True)
    output.rename(moved)
    called = call("ppl", moved, "valid.txt")
    assert called.status == 1
    assert "moved.rnnlm cannot be used as a model: its member" in called.err
    assert "does not exist" in called.err


def test_intervals(call, paths, shared):
    called = call("ppl", *paths[:2], shared / "test.txt", "--interval")
    lines = [line.split() for line in called.out.splitlines()]
    assert lines[0][-4:] == ["95", "%", "from", "to"]
    streams = [score(rnnlm.load(path), shared / "test.txt") for path in paths[:2]]
    streams.append(mixture(streams, [0.5, 0.5]))
    for line, stream in zip(lines[1:], streams, strict=True):
        bounds = perplexity_interval(stream)
        assert line[-2:] == [f"{bounds.low:.2f}", f"{bounds.high:.2f}"]
        assert bounds.low < float(line[1]) < bounds.high
    found = json.loads(call("ppl", *paths[:2], shared / "test.txt", "--interval", "--json").out)
    low, high = found["mixture"]["interval"]
    assert low == pytest.approx(perplexity_interval(streams[2]).low)
    assert high == pytest.approx(perplexity_interval(streams[2]).high)
    one = call("ppl", paths[0], shared / "test.txt", "--interval")
    assert one.out.splitlines()[1].split()[-2:] == lines[1][-2:]
