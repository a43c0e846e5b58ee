"""`rnnlm compare`: the figures of Python on standard output, and bad input."""

from __future__ import annotations

import json
import re

import pytest

import rnnlm
from rnnlm.evaluation import score
from rnnlm.evaluation.significance import compare


def test_figures_are_those_of_python(call, shared):
    files = (shared / "m.rnnlm", shared / "unk.rnnlm", shared / "test.txt")
    called = call("compare", files[0], files[0], files[2], "--block", 2, "--json")
    assert called.status == 0
    stream = score(rnnlm.load(files[0]), files[2], name=str(files[0]))
    expected = compare(stream, stream, block=2).as_dict()
    found = json.loads(called.out)
    assert found["text"] == str(files[2])
    assert (found["a"], found["p"], found["verdict"]) == (expected["a"], 1.0, expected["verdict"])
    perplexity = json.loads(call("ppl", files[0], files[2], "--json").out)["ppl"]
    assert found["a"]["value"] == pytest.approx(perplexity, rel=1e-12)


def test_table_and_verdict(call, shared):
    rnnlm.train(shared / "text.txt", output="other.rnnlm", classes=4, hidden=3, streams=4, epochs=1)
    called = call("compare", shared / "m.rnnlm", "other.rnnlm", shared / "test.txt", "--block", 2, "--samples", 1000)
    out = called.out.splitlines()
    assert re.fullmatch(r"\d+ tokens, 20 blocks +value  95 % from +to", out[0])
    assert [line.split("  ")[0] for line in out[1:7]] == [
        f"PPL of {shared / 'm.rnnlm'}",
        "PPL of other.rnnlm",
        "ratio",
        "difference",
        "nats a token",
        "p",
    ]
    verdict = "is better than other.rnnlm: chance alone would differ so much with p = 0.001."
    assert out[7] == f"{shared / 'm.rnnlm'} {verdict}"
    values = [float(line.split()[-3]) for line in out[1:4]]
    assert values[2] == pytest.approx(values[0] / values[1], abs=1e-4)
    assert called.err == ""


def test_unknown_words(call, shared):
    def value(*options):
        called = call("compare", model, model, shared / "test.txt", "--json", "--block", 2, *options)
        return json.loads(called.out)["a"]["value"]

    model = shared / "unk.rnnlm"
    stream = score(rnnlm.load(model), shared / "test.txt")
    for rule in ("skip", 3):
        expected = compare(*[stream.with_unknown(rule)] * 2, block=2).a.value
        assert value("--unknown", rule) == pytest.approx(expected, rel=1e-12)
    assert value() != pytest.approx(value("--unknown", "skip"), rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("m.rnnlm", "m.rnnlm", "-"), 2, "standard input can be read once"),
        (("m.rnnlm", "m.rnnlm", "test.txt", "--block", "1000"), 1, "has 40 sentences, 1 block of 1000"),
        (("m.rnnlm", "unk.rnnlm", "test.txt"), 1, "cannot be compared"),
        (("m.rnnlm", "m.rnnlm", "test.txt", "--unknown", "drop"), 2, "--unknown 'drop' is not a rule"),
        (("m.rnnlm", "m.rnnlm", "test.txt", "--samples", "1"), 2, "--samples 1 are too few"),
        (("m.rnnlm", "none.rnnlm", "test.txt"), 1, "none.rnnlm"),
    ],
)
def test_bad_input(call, shared, arguments, status, message, monkeypatch):
    place = [str(shared / part) if part.endswith((".rnnlm", ".txt")) else part for part in arguments]
    called = call("compare", *place)
    assert (called.status, called.out) == (status, "")
    assert message in called.err
    assert called.err.count("\n") == 1
