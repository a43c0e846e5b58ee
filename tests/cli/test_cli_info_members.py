"""`rnnlm info` on models that are made of others: what each is, its weight, its file and the command that made it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rnnlm
from rnnlm import ops


@pytest.fixture
def folder(call, shared):
    """Two networks and an n-gram model, each with its command in its log, and an ARPA file, which has none."""
    ops.use("numpy")
    text = Path("text.txt")
    text.write_text((shared / "text.txt").read_text())
    quick = ("--streams", 4, "--epochs", 1, "--backend", "numpy")
    assert call("train", text, "--hidden", 3, *quick, "-o", "a.rnnlm").status == 0
    assert call("ngram", text, "--order", 2, "-o", "n.rnnlm").status == 0
    assert call("ngram", text, "--order", 2, "-o", "n.arpa").status == 0
    yield
    ops.use()


def lines(call, file):
    called = call("info", file)
    assert called.status == 0, called.err
    split = [line.split("  ", 1) for line in called.out.splitlines()]
    return {name: text.strip() for name, text in split}


def command(file):
    return next(entry["command"] for entry in rnnlm.load(file).log if entry["kind"] == "run")


@pytest.mark.parametrize("reference", [False, True])
def test_a_mixture_shows_its_members(call, folder, reference):
    more = ["--reference"] if reference else []
    weights = ("--weights", "0.5,0.3,0.2")
    assert call("ensemble", "a.rnnlm", "n.rnnlm", "n.arpa", *weights, *more, "-o", "mix.rnnlm").status == 0
    told = lines(call, "mix.rnnlm")
    files = [f"{file}  " if reference else "" for file in ("a.rnnlm", "n.rnnlm", "n.arpa")]
    assert told["member 1"].startswith(f"weight 0.5000  rnnlm  {files[0]}hidden 3, ")
    for place, start in ((2, f"weight 0.3000  ngram  {files[1]}"), (3, f"weight 0.2000  ngram  {files[2]}")):
        assert told[f"member {place}"].startswith(start)
        assert "order 2" in told[f"member {place}"].removeprefix(start).split(", ")
    assert told["member 1 command"] == command("a.rnnlm")
    assert told["member 1 command"].startswith("rnnlm train text.txt --hidden 3 ")
    assert told["member 2 command"] == command("n.rnnlm")
    assert told["command"].startswith("rnnlm ensemble ")
    assert "member 3 command" not in told
    found = json.loads(call("info", "mix.rnnlm", "--json").out)["members"]
    assert [(one["model"], one["weight"]) for one in found] == [("rnnlm", 0.5), ("ngram", 0.3), ("ngram", 0.2)]
    assert [one.get("command") for one in found] == [command("a.rnnlm"), command("n.rnnlm"), None]
    assert [Path(one["file"]).name for one in found if "file" in one] == (
        ["a.rnnlm", "n.rnnlm", "n.arpa"] if reference else []
    )


def test_models_inside_of_models(call, folder):
    """A cache on a mixture that has a cache as a member: every model below has its lines."""
    assert call("cache", "n.rnnlm", "--strengths", 500, "-o", "c.rnnlm").status == 0
    assert call("ensemble", "a.rnnlm", "c.rnnlm", "-o", "mix.rnnlm").status == 0
    assert call("cache", "mix.rnnlm", "--strengths", 100, "-o", "top.rnnlm").status == 0
    told = lines(call, "top.rnnlm")
    commands = {name: text for name, text in told.items() if name.endswith("command")}
    assert commands == {
        "on command": command("mix.rnnlm"),
        "on member 1 command": command("a.rnnlm"),
        "on member 2 command": command("c.rnnlm"),
        "on member 2 on command": command("n.rnnlm"),
        "command": command("top.rnnlm"),
    }
    assert told["on"] == "mixture  mix linear"
    assert told["on member 2"].startswith("weight 0.5000  cache  decay")
    assert told["on member 2 on"].startswith("ngram  ")
    assert "order 2" in told["on member 2 on"]
    base = json.loads(call("info", "top.rnnlm", "--json").out)["base"]
    assert base["command"] == command("mix.rnnlm")
    assert base["members"][1]["base"]["command"] == command("n.rnnlm")
    assert repr(rnnlm.load("top.rnnlm")).startswith("CacheLM(")
