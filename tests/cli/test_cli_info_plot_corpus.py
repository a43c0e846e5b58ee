"""`rnnlm info`, `rnnlm plot`, `rnnlm corpus`, and colours."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from python_process import python

import rnnlm
from rnnlm import catalogue, ops
from rnnlm.curves import draw, read_log
from rnnlm.training import OPTIMIZERS, Settings
from rnnlm.training.events import Update
from rnnlm.training.run import Run


def checkpoint(folder: Path, text: Path, updates: int) -> Path:
    """What a run leaves that is killed right after so many updates, with a checkpoint after each."""

    class Cut(BaseException):
        pass

    def cut(event):
        if isinstance(event, Update) and event.updates == updates:
            raise Cut

    settings = Settings.of(text=text, hidden=3, streams=4, output=folder / "cut.rnnlm", save_every=1e-9)
    with pytest.raises(Cut):
        Run(settings, observers=[cut]).fit()
    return folder / "cut.rnnlm.checkpoint"


def test_info_for_people(call, model, shared):
    called = call("info", shared / "m.rnnlm")
    facts = dict(line.split(maxsplit=1) for line in called.out.splitlines())
    size = sum(param.value.size for param in model.params.values())
    assert called.err == ""
    assert facts["model"] == "rnnlm"
    assert facts["vocabulary"] == f"12 words, tokenizer words, hash {model.vocabulary.hash[:12]}"
    assert facts["output"] == "4 classes"
    assert facts["weights"] == f"{size:,}"
    assert facts["backend"] == ops.backend().description
    assert facts["settings"] == (
        "hidden 12, layers 1, classes 4, class_by sqrt, dropout 0.4, input_dropout 0.0, independent False, seed 1, "
        "dtype float32, activation logistic"
    )
    assert facts["trained"].startswith(f"on  {shared / 'text.txt'}, ")
    assert facts["epochs"] == "4; the best is 4; 4 epochs done"
    best = min(entry["valid_nll"] for entry in model.log if entry["kind"] == "epoch")
    assert facts["validation"] == f"PPL {2.718281828459045**best:.4f}"


def test_info_says_how_a_model_was_trained_with_every_default_written_out(call, shared):
    """Also what was left to the optimizer, the schedule and the activation."""
    used = json.loads(call("info", shared / "m.rnnlm", "--json").out)["used"]
    assert used == {
        "schedule": "linear", "optimizer": "adagrad", "lr": pytest.approx(0.3), "clip": 5.0, "clip_by": "norm",
        "l2": 2e-6, "weight_decay": 0.0, "block": 35, "streams": 4, "warmup": 10,
    }  # fmt: skip
    line = next(line for line in call("info", shared / "m.rnnlm").out.splitlines() if line.startswith("training "))
    said = dict(part.split(" ", 1) for part in line.split(maxsplit=1)[1].split(", "))
    assert said == {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in used.items()}


def test_info_of_chosen_optimizers_and_schedules(call, shared):
    """An optimizer's constants and a schedule's options appear with it; what was typed wins over a default."""
    small = ("--hidden", 3, "--streams", 4, "--max-updates", 3, "--backend", "numpy", "-o", "m.rnnlm")

    def used(*options):
        assert call("train", shared / "text.txt", *small, *options).status == 0
        return json.loads(call("info", "m.rnnlm", "--json").out)["used"]

    adam = used("--optimizer", "adam", "--beta1", 0.8, "--clip", "none", "--activation", "relu")
    expected = {"lr": OPTIMIZERS["adam"].default_rate * 0.2, "beta1": 0.8, "beta2": 0.999, "eps": 1e-8, "clip": None}
    assert {name: adam[name] for name in expected} == pytest.approx(expected)
    assert "momentum" not in adam
    step = used("--optimizer", "momentum", "--lr", 0.25, "--schedule", "step", "--decay", 0.75, "--warmup", 2)
    expected = {"lr": 0.25, "momentum": 0.9, "decay": 0.75, "decay_after": 4, "patience": 3, "warmup": 2}
    assert {name: step[name] for name in expected} == expected
    assert not {"beta1", "beta2", "min_improvement"} & set(step)


def test_info_for_machines(call, model, unk_model, shared):
    found = json.loads(call("info", shared / "m.rnnlm", "--json").out)
    assert found["config"] == model.config
    assert found["vocabulary"] == model.vocabulary.hash
    assert found["weights"] == sum(param.value.size for param in model.params.values())
    assert (found["words"], found["classes"], found["tokenizer"]) == (12, 4, "words")
    assert found["epochs"] == [entry for entry in model.log if entry["kind"] == "epoch"]
    assert found["training"]["seed"] == 1
    assert json.loads(call("info", shared / "unk.rnnlm", "--json").out)["classes"] == 0


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_plot_writes_a_picture(call, shared, tmp_path, ending, start):
    pytest.importorskip("matplotlib")
    called = call("plot", shared / "m.rnnlm", shared / "unk.rnnlm", "-o", f"c.{ending}")
    assert called == (0, "", f"curves written to c.{ending}\n")
    picture = (tmp_path / f"c.{ending}").read_bytes()
    assert picture.startswith(start)
    assert len(picture) > 5000
    if ending == "svg":
        assert picture.count(b"validation (best PPL") == 2
    assert [path.name for path in tmp_path.iterdir()] == [f"c.{ending}"]


def legend(*logs, tmp_path):
    draw(dict(zip("abc", logs, strict=False)), tmp_path / "c.svg")
    return [line.strip()[5:-4] for line in (tmp_path / "c.svg").read_text().splitlines() if "<!-- " in line]


def test_the_legend_says_what_differs_between_the_runs(shared, tmp_path):
    pytest.importorskip("matplotlib")
    settings = Settings.of(text=shared / "text.txt", hidden=3, streams=4, epochs=1, backend="numpy")
    changes = ({}, {"seed": 2}, {"seed": 3, "hidden": 4, "optimizer": "adam", "lr": 0.01, "clip": None, "l2": 0.0})
    logs = []
    for changed in changes:
        run = Run(replace(settings, **changed))
        run.fit()
        logs.append(run.model.log)
    shown = legend(*logs[:2], tmp_path=tmp_path)
    assert {"a (seed 1): training", "b (seed 2): training"} <= set(shown)
    shown = "\n".join(legend(*logs, tmp_path=tmp_path))
    assert "c: training\noptimizer adam, lr 0.01, clip none, l2 0, hidden 4, seed 3\nc: validation" in shown
    assert "a: training" in legend(logs[0], tmp_path=tmp_path)
    no_record = [entry for entry in logs[1] if entry["kind"] != "run"]
    assert {"a: training", "b: training"} <= set(legend(logs[0], no_record, tmp_path=tmp_path))


def test_plot_of_a_run_whose_first_epoch_is_not_over(call, shared, tmp_path):
    pytest.importorskip("matplotlib")
    path = checkpoint(tmp_path, shared / "text.txt", 3)
    log = read_log(path)
    assert [entry["updates"] for entry in log if entry["kind"] == "update"] == [1, 2]
    assert call("plot", path.name).status == 0
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_plot_without_gradient_norms_and_with_a_hopeless_loss(tmp_path):
    pytest.importorskip("matplotlib")
    epoch = {"kind": "epoch", "updates": 3, "train_nll": 2e3, "valid_nll": 1e3, "learning_rate": 0.1}
    update = {"kind": "update", "updates": 3, "nll": 2e3, "norm": None, "learning_rate": 0.1}
    draw({"run": [update, epoch]}, tmp_path / "c.svg")
    assert "best PPL e^1e+03" in (tmp_path / "c.svg").read_text()


def test_corpus_list(call):
    called = call("corpus", "list")
    lines = called.out.splitlines()
    names = [line.split()[0] for line in lines[::2]]
    assert all("licence: " in line for line in lines[1::2])
    assert "4.1 MB" in lines[1]
    assert names == list(catalogue.entries())
    assert {"kjv", "shakespeare", "ptb", "text8", "reber"} <= set(names)
    listed = json.loads(call("corpus", "list", "--json").out)
    assert list(listed) == names
    assert listed["shakespeare"]["sha256"] == "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be"


def test_corpus_get(call):
    called = call("corpus", "get", "reber")
    files = dict(line.split("\t") for line in called.out.splitlines())
    assert list(files) == ["train", "valid", "test"]
    assert all(Path(path).read_text().startswith("B ") for path in files.values())
    assert "perplexity of a perfect model: 1.45" in called.err
    found = json.loads(call("corpus", "get", "reber", "--json").out)
    assert {part: found[part] for part in files} == files
    assert found["source_perplexity"] == catalogue.get("reber").source_perplexity


@pytest.mark.parametrize(
    ("environment", "painted"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
        ({"NO_COLOR": "1"}, False),
    ],
)
def test_colours(call, monkeypatch, environment, painted):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[31m" in call("info", "nothing").err) == painted
    assert ("\x1b[36m" in call("corpus", "list").out) == painted


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("environment", "painted"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_on_a_terminal(environment, painted):
    master, slave = os.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    env = {**kept, "TERM": "xterm", **environment}
    done = python("-m", "rnnlm", "info", "nothing", env=env, stderr=slave)
    os.close(slave)
    said = os.read(master, 4096)
    os.close(master)
    assert done.returncode == 1
    assert (b"\x1b[31m" in said) == painted
    assert b"rnnlm: error:" in said


def test_a_reader_that_goes_away_is_no_accident(shared):
    """As in `rnnlm sample m.rnnlm | head`: no traceback, and not a success either."""
    read, write = os.pipe()
    os.close(read)
    done = python("-m", "rnnlm", "info", shared / "m.rnnlm", stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_no_command_shows_the_help(call):
    called = call()
    assert called.status == 2
    assert called.out == ""
    for name in ("train", "ppl", "sample", "info", "corpus", "plot"):
        assert f"  {name} " in called.err
    assert call("--version") == (0, f"rnnlm, version {rnnlm.__version__}\n", "")


def test_another_copy_of_a_licensed_corpus_is_remarked_on(call, tmp_path):
    for part in ("train", "valid", "test"):
        (tmp_path / f"ptb.{part}.txt").write_text(f"a {part}\n")
    called = call("corpus", "get", "ptb", "--from", tmp_path)
    assert called.status == 0
    assert "not the one that the field measures on" in called.err
    assert "not the one" not in call("corpus", "get", "reber").err
