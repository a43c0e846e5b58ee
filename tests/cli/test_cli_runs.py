"""`rnnlm train --runs` and `--last`: what is printed where, exit status, and bad input."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from python_process import start_python

import rnnlm
from rnnlm import ops

QUICK = ("--hidden", 6, "--streams", 4, "--epochs", 2, "--backend", "numpy")


@pytest.fixture(autouse=True)
def machine():
    yield
    ops.use()


def test_table_on_standard_output_and_talk_on_standard_error(call, shared, tmp_path):
    called = call("train", shared / "text.txt", *QUICK, "--runs", 2, "--jobs", 2, "-o", "m.rnnlm")
    assert called.status == 0, called.err
    assert sorted(path.name for path in tmp_path.glob("*.rnnlm")) == ["m.1.rnnlm", "m.2.rnnlm", "m.rnnlm"]
    head, *runs, mean, spread, mixture = (re.split(r"  +", line) for line in called.out.splitlines())
    assert head == ["run", "file", "seed", "best epoch", "validation PPL", "test PPL"]
    assert [row[:3] for row in runs] == [["1", "m.1.rnnlm", "1"], ["2", "m.2.rnnlm", "2"]]
    found = np.array([[float(cell) for cell in row[-2:]] for row in runs])
    assert (mean[0], spread[0]) == ("mean", "spread")
    np.testing.assert_allclose([float(cell) for cell in mean[1:]], found.mean(0), atol=2e-4)
    np.testing.assert_allclose([float(cell) for cell in spread[1:]], found.std(0, ddof=1), atol=2e-4)
    assert mixture[:2] == ["mixture", "m.rnnlm"]
    assert np.all(np.array(mixture[2:], dtype=float) < found.mean(0))  # by Jensen's inequality
    err = called.err.splitlines()
    assert re.fullmatch(r"held out the last \d+ and \d+ tokens of .*", err[0])
    assert err[1] == "2 runs, 2 at a time, 1 thread each"
    assert "Next" not in called.err
    assert {line[:7] for line in err[2:-1]} == {"run 1: ", "run 2: "}
    assert sum(bool(re.match(r"run [12]: epoch  [12]  train PPL", line)) for line in err) == 4
    assert err[-1] == "model: m.rnnlm, the mixture of all runs with equal weights"
    assert call("sample", "m.rnnlm").status == 0


def test_settings_of_a_file_in_json(call, shared):
    Path("runs.toml").write_text('[[run]]\nhidden = 4\n[[run]]\nmodel = "elman"\nseed = 7\noutput = "e.rnnlm"\n')
    called = call("train", shared / "text.txt", *QUICK, "--runs", "runs.toml", "-o", "m.rnnlm", "--json")
    assert called.status == 0, called.err
    found = json.loads(called.out)
    assert [(run["run"], run["model"], run["seed"]) for run in found["runs"]] == [
        (1, "m.1.rnnlm", 1),
        (2, "e.rnnlm", 7),
    ]
    assert rnnlm.load("m.1.rnnlm").config["hidden"] == 4
    assert (rnnlm.load("e.rnnlm").kind, rnnlm.load("e.rnnlm").config["hidden"]) == ("elman", 6)
    assert found["ppl"]["test"]["mean"] == pytest.approx(np.mean([run["test"]["ppl"] for run in found["runs"]]))
    assert found["mixture"]["model"] == "m.rnnlm"


def columns(out: str) -> list[list[str]]:
    return [re.split(r"  +", line) for line in out.splitlines()]


def test_the_table_has_a_column_for_each_setting_that_differs(call, shared):
    Path("runs.toml").write_text('[[run]]\nhidden = 4\n[[run]]\nmodel = "jordan"\nactivation = "tanh"\nclip = "none"\n')
    options = ("train", shared / "text.txt", *QUICK, "--runs", "runs.toml", "--jobs", 1, "-o", "m.rnnlm")
    called = call(*options)
    assert called.status == 0, called.err
    head, one, two, *_ = columns(called.out)
    assert head == ["run", "file", "model", "clip", "hidden", "activation", "best epoch", "validation PPL", "test PPL"]
    assert one[1:6] == ["m.1.rnnlm", "rnnlm", "5", "4", "logistic"]
    assert two[1:6] == ["m.2.rnnlm", "jordan", "none", "6", "tanh"]
    found = json.loads(call(*options, "--resume", "--json").out)
    assert [run["differs"] for run in found["runs"]] == [
        {"model": "rnnlm", "clip": 5.0, "hidden": 4, "activation": "logistic"},
        {"model": "jordan", "clip": None, "hidden": 6, "activation": "tanh"},
    ]


def test_no_mixture_of_a_number_of_runs_and_of_different_texts(call, shared, tmp_path):
    text = (shared / "text.txt").read_text()
    Path("other.txt").write_text(text.replace("the", "thee"))
    Path("runs.toml").write_text('[[run]]\n[[run]]\ntext = "other.txt"\n')
    options = ("train", shared / "text.txt", *QUICK, "--runs", "runs.toml", "--jobs", 1, "-o", "m.rnnlm")
    refused = call(*options)
    assert refused.status == 1
    assert "run 2 has another vocabulary than run 1, so they cannot be mixed." in refused.err
    assert refused.err.endswith("or --no-mixture.\n")
    called = call(*options, "--no-mixture")
    assert called.status == 0, called.err
    assert sorted(path.name for path in tmp_path.glob("*.rnnlm")) == ["m.1.rnnlm", "m.2.rnnlm"]
    head, *runs = columns(called.out)
    assert head == ["run", "file", "text", "best epoch", "validation PPL", "test PPL"]
    assert [row[:3] for row in runs] == [["1", "m.1.rnnlm", str(shared / "text.txt")], ["2", "m.2.rnnlm", "other.txt"]]
    held_out = [line for line in called.err.splitlines() if "held out" in line]
    assert [line[:13] for line in held_out] == ["held out the ", "run 2: held o"]
    assert "mixture" not in called.err
    found = json.loads(call(*options, "--no-mixture", "--resume", "--json").out)
    assert (found["mixture"], found["ppl"], len(found["runs"])) == (None, {}, 2)

    called = call("train", shared / "text.txt", *QUICK, "--runs", 2, "--no-mixture", "--jobs", 1, "-o", "n.rnnlm")
    assert [row[0] for row in columns(called.out)] == ["run", "1", "2", "mean", "spread"]
    assert not Path("n.rnnlm").exists()


def test_last_epochs_beside_the_best(call, shared, tmp_path):
    called = call("train", shared / "text.txt", *QUICK, "--last", 2, "-o", "m.rnnlm")
    assert called.status == 0, called.err
    names = ["m.average.rnnlm", "m.checkpoints.rnnlm", "m.rnnlm", "m.rnnlm.checkpoint"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    rows = [re.split(r"  +", line) for line in called.out.splitlines()[3:]]
    assert [row[:2] for row in rows[1:]] == [
        ["best epoch, 2", "m.rnnlm"],
        ["average of epochs 1, 2", "m.average.rnnlm"],
        ["mixture of epochs 1, 2", "m.checkpoints.rnnlm"],
    ]
    assert called.out.splitlines()[0] == f"validation perplexity {rows[1][2]}"
    assert call("train", shared / "text.txt", *QUICK, "--last", 2, "--keep-epochs", "-o", "k.rnnlm").status == 0
    assert {"k.epoch-1.rnnlm", "k.epoch-2.rnnlm"} < {path.name for path in tmp_path.iterdir()}


def test_one_epoch_is_nothing_to_average(call, shared):
    called = call("train", shared / "text.txt", *QUICK[:4], "--epochs", 1, "--last", 2, "-o", "m.rnnlm", "--json")
    assert (called.status, "last" in json.loads(called.out)) == (0, False)
    assert "fewer than two epochs left a model, so there is nothing to average" in called.err


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_in_a_real_process(shared, tmp_path):
    """Whatever the runs are doing: status 130, no traceback, and --resume ends it."""
    command = ["-m", "rnnlm", "train", shared / "text.txt", *QUICK, "--epochs", 40]
    process = start_python(*command, "--save-every", 1e-9, "--runs", 2, "--jobs", 2, "-o", tmp_path / "m.rnnlm")
    said = []
    for line in process.stderr:
        said.append(line)
        if "epoch  2" in line:
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=60)
    said = "".join(said) + err
    assert process.returncode == 130, said
    assert out == ""
    assert "Traceback" not in said
    assert said.endswith("interrupted. Go on with the same command and --resume.\n")
    assert (tmp_path / "m.1.rnnlm.checkpoint").exists() or (tmp_path / "m.2.rnnlm.checkpoint").exists()
    assert not (tmp_path / "m.rnnlm").exists()


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--runs", "1"), 2, "--runs 1 is too few. Give --runs >= 2, or a TOML file of runs."),
        (("--runs", "-2"), 2, "--runs -2 is too few"),
        (("--runs", "none.toml"), 1, "none.toml cannot be read: No such file or directory."),
        (("--runs", "2", "--jobs", "0"), 2, "--jobs 0 is too small. Give --jobs >= 1."),
        (("--no-mixture",), 2, "--no-mixture is for several --runs, and this is one."),
        (("--jobs", "2"), 2, "--jobs says how many of several --runs"),
        (("--jobs", "0"), 2, "--jobs says how many of several --runs"),
        (("--keep-epochs",), 2, "--keep-epochs keeps the models of the --last epochs. Give --last N"),
        (("--runs", "2", "--last", "2"), 2, "--last is for one run, and --runs trains several"),
        (("--runs", "2", "--snapshot", "2"), 2, "--snapshot is for one run"),
        (("--runs", "2", "--hidden", "0"), 2, "--hidden 0 is too small. Give --hidden >= 1."),
        (("--runs", "2", "--threads", "0"), 2, "--threads 0 is too few"),
        (("--runs", "2", "-o", "none/m.rnnlm"), 1, "the folder none does not exist"),
        (("--last", "1"), 2, "--last 1 is too small. Give --last >= 2."),
    ],
)
def test_bad_input(call, shared, tmp_path, options, status, message):
    called = call("train", shared / "text.txt", "--hidden", 6, *options)
    assert (called.status, called.out) == (status, "")
    assert message in called.err
    assert called.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
