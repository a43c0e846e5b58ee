"""`rnnlm classify`: what is printed where, what the options do, how data are read, and what bad input gets."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rnnlm
from rnnlm import catalogue
from rnnlm.cli import progress
from rnnlm.cli.classify import confusion_table
from rnnlm.cli.progress import ClassifierProgressBar, ProgressBar
from rnnlm.datasets import read
from rnnlm.evaluation.confusion import Confusion
from rnnlm.training.classifier_trainer import ClassifierTrainer, evaluate
from rnnlm.training.events import Sums, Update
from rnnlm.training.loop import ValidationScore

QUICK = ("--layers", "6", "--epochs", 2, "--lr", 0.05)
KINDS = ("setosa", "versicolor", "virginica")
USAGE, DATA = 2, 1


def flowers(N: int, seed: int) -> np.ndarray:
    """Three features, whose mean says the kind: N of each."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.normal([k, -k, 0], 0.2) for _ in range(N) for k in range(3)]).round(3)


def table(x: np.ndarray, labels: list[str] | None, header: str = "") -> str:
    rows = [[*map(str, row), *([labels[i % len(labels)]] if labels else [])] for i, row in enumerate(x.tolist())]
    return header + "".join(",".join(row) + "\n" for row in rows)


def squares(folder: Path, N: int, seed: int) -> None:
    """A folder of 6×6 images for each of two colours."""
    Image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(seed)
    for place, colour in enumerate(("blue", "red")):
        (folder / colour).mkdir(parents=True)
        for i in range(N):
            pixels = rng.integers(0, 90, (6, 6, 3), dtype=np.uint8)
            pixels[..., 2 - 2 * place] += 150
            Image.fromarray(pixels).save(folder / colour / f"{i}.png")


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> Path:
    """Tables and archives, good and bad, and models; no call may change what is in the folder."""
    folder = tmp_path_factory.mktemp("flowers")
    x = flowers(20, 1)
    header = "length,width,depth,kind\n"
    first = [f"{KINDS[i % 3]},{','.join(map(str, row))}\n" for i, row in enumerate(x.tolist())]
    files = {
        "train.csv": table(x, list(KINDS), header),
        "test.csv": table(flowers(5, 2), list(KINDS), header),
        "plain.csv": table(flowers(2, 3), None),
        "first.csv": "kind,length,width,depth\n" + "".join(first),
        "unknown.csv": table(flowers(2, 3), ["setosa", "tulip", "virginica"], header),
        "wide.csv": table(np.ones((6, 5)), list(KINDS)),
        "one.csv": table(x, ["setosa"], header),
        "two.csv": table(x[:2], ["setosa", "virginica"]),
        "odd.csv": table(x, ['"grün, ""hell"""', '"a\tb\n c"', "日本"]),
        "empty.csv": "",
        "text.txt": "a text\n" * 50,
        "broken.csv": header + "1,2,3,setosa\n1,2,virginica\n",
        "bad.npz": "no archive",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    np.savez(folder / "train.npz", x=x, y=np.array(KINDS)[np.arange(60) % 3])
    np.savez(folder / "unlabelled.npz", x=x)
    images = np.random.default_rng(0).uniform(0, 0.2, (24, 4, 5, 1))
    images[::2, :2] += 1
    np.savez(folder / "images.npz", x=images, y=np.arange(24) % 2, labels=np.array(["up", "down"]))
    given = {"layers": "6", "epochs": 8, "lr": 0.05}
    rnnlm.train_classifier(folder / "train.csv", output=folder / "m.rnnlm", **given)
    rnnlm.train_classifier(folder / "train.csv", output=folder / "hinge.rnnlm", loss="hinge", **given)
    rnnlm.train_classifier(folder / "images.npz", output=folder / "images.rnnlm", blocks="conv 2 3", epochs=1)
    (folder / "images.rnnlm.checkpoint").unlink()
    rnnlm.train(folder / "text.txt", hidden=2, streams=2, max_updates=1, output=folder / "lm.rnnlm")
    return folder


@pytest.fixture
def at(call, inputs, monkeypatch):
    """`call` in the folder of the inputs; what the command wrote is gone afterwards."""
    before = {path: path.read_bytes() for path in inputs.iterdir() if path.is_file()}
    call("--version")
    monkeypatch.chdir(inputs)
    yield call
    for path in inputs.iterdir():
        if path not in before:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        else:
            assert path.is_dir() or path.read_bytes() == before[path], path


@pytest.fixture
def refused(at, inputs):
    """A command line that must fail, by one line, and write nothing."""

    def refused(status: int, *arguments) -> str:
        before = sorted(inputs.iterdir())
        called = at("classify", *arguments)
        last = called.err.splitlines()[-1]
        assert called.out == ""
        assert called.err == last + "\n", called.err
        assert last.startswith("rnnlm: error: ")
        assert last.endswith((".", ".)"))
        assert called.status == status, last
        assert sorted(inputs.iterdir()) == before
        return last

    return refused


def parameters(path) -> dict[str, np.ndarray]:
    return {name: param.value for name, param in rnnlm.load_classifier(path).params.items()}


def assert_same(one, two) -> None:
    first, second = parameters(one), parameters(two)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


# Training ------------------------------------------------------------------------------------------


def test_train_results_on_standard_output_and_talk_on_standard_error(at):
    called = at("classify", "train", "train.csv", *QUICK, "--test", "test.csv", "-o", "new.rnnlm")
    assert called.status == 0
    out, err = called.out.splitlines(), called.err.splitlines()
    model = rnnlm.load_classifier("new.rnnlm")
    best = [entry for entry in model.log if entry["kind"] == "epoch" and entry["best"]][-1]
    found = evaluate(model, read("test.csv", labels=model.labels))
    assert out[0] == f"validation accuracy {100 * best['valid_accuracy']:.2f} %, loss {best['valid_nll']:.4f}"
    assert out[1] == f"test accuracy {100 * found.accuracy:.2f} % ({found.correct} of 15 right), loss {found.loss:.4f}"
    assert out[2].split() == ["is", "\\", "taken", "for", *KINDS, "found"]
    shown = [[0 if cell == "·" else int(cell) for cell in line.split()[1:4]] for line in out[3:]]
    assert shown == found.counts.tolist()
    assert [line.split()[0] for line in out[3:]] == list(KINDS)
    assert out[3].endswith(f" {100 * found.recall[0]:.1f} %")
    assert err[0] == "held out 6 of 60 examples of train.csv for validation"
    assert err[1].startswith("feedforward: 54 training examples of 3, 3 classes, 45 weights, ")
    line = r"epoch  {}  train loss \d\.\d{{4}}, [\d.]+ % right  valid loss \d\.\d{{4}}, [\d.]+ % right  rate 0\.0\d+  "
    for number in (1, 2):
        assert re.match(line.format(number), err[1 + number]), err[1 + number]
    assert err[4] == f"stopped: 2 epochs done; the best epoch is {best['epoch']}"
    assert err[5:] == [
        "model: new.rnnlm. Next:",
        "  rnnlm classify test new.rnnlm DATA",
        "  rnnlm classify predict new.rnnlm DATA",
        "  rnnlm info new.rnnlm",
        "  rnnlm plot new.rnnlm",
    ]
    assert "\r" not in called.err
    command = "rnnlm classify train train.csv --layers 6 --epochs 2 --lr 0.05 --test test.csv -o new.rnnlm"
    assert model.log[0]["command"] == command


def test_the_figures_are_those_of_the_best_epoch(at, monkeypatch):
    figures = {1: ValidationScore(0.7, 9, 10), 2: ValidationScore(0.2, 8, 10)}
    monkeypatch.setattr(ClassifierTrainer, "_validate", lambda self, valid: figures[self.progress.epoch])
    called = at("classify", "train", "train.csv", *QUICK, "-o", "new.rnnlm")
    assert called.out == "validation accuracy 90.00 %, loss 0.7000\n"
    assert "stopped: 2 epochs done; the best epoch is 1\n" in called.err
    first, second = [line for line in called.err.splitlines() if line.startswith("epoch")]
    assert first.endswith("best")
    assert "valid loss 0.2000, 80.00 % right" in second
    assert not second.endswith("best")
    assert "2; the best is 1; 2 epochs done" in at("info", "new.rnnlm").out


def test_live_line_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress, "is_terminal", lambda stream: True)
    with ClassifierProgressBar() as live:
        live(Update(1, 1, tokens=20, done=20, total=50, epochs=2, sums=Sums(60.0, 60.0), learning_rate=0.1))
        time.sleep(0.25)  # the line changes five times a second at most
        live(Update(1, 2, tokens=30, done=50, total=50, epochs=2, sums=Sums(30.0, 90.0), learning_rate=0.1))
    shown = next(line for line in capsys.readouterr().err.split("\r") if "50%" in line)
    assert re.fullmatch(r"epoch 1/2  50% \|.*\| +[\d.]+k? examples/s, loss 1\.8000, \d\d:\d\d left *", shown)


def test_train_json(at):
    called = at("classify", "train", "train.csv", *QUICK, "--valid", "test.csv", "--test", "test.csv", "--json",
                "-o", "new.rnnlm")  # fmt: skip
    found, model = json.loads(called.out), rnnlm.load_classifier("new.rnnlm")
    assert (found["model"], found["stopped"]) == ("new.rnnlm", "2 epochs done")
    assert found["epochs"] == [entry for entry in model.log if entry["kind"] == "epoch"]
    assert found["test"] == evaluate(model, read("test.csv", labels=model.labels)).as_dict()
    assert "held out" not in called.err
    assert json.loads(at("classify", "train", "train.csv", *QUICK, "--json", "-o", "2.rnnlm").out)["test"] is None


def test_tables_archives_and_python_give_the_same_model(at):
    for name, data in (("a", "train.csv"), ("b", "train.npz"), ("c", "first.csv")):
        column = ("--label-column", "kind") if data == "first.csv" else ()
        assert at("classify", "train", data, *QUICK, *column, "-o", name).status == 0
    rnnlm.train_classifier("train.csv", layers="6", epochs=2, lr=0.05, output="d")
    for name in "bcd":
        assert_same("a", name)
    at("classify", "train", "first.csv", *QUICK, "--label-column", 1, "--seed", 2, "-o", "e")
    assert not np.array_equal(parameters("a")["network.2.W"], parameters("e")["network.2.W"])


def test_the_model_file_is_named_after_the_data(at, stdin, inputs):
    shutil.copy("train.csv", "flowers.v2.csv")
    assert at("classify", "train", "flowers.v2.csv", *QUICK).status == 0
    stdin(Path("train.csv").read_bytes())
    assert at("classify", "train", "-", *QUICK).status == 0
    assert_same("flowers.rnnlm", "model.rnnlm")


def test_images_of_an_archive(at):
    """Images take a convolution network; --model and --shape change that."""
    called = at("classify", "train", "images.npz", "--blocks", " conv 3 2 , pool 2,affine 4,", "--epochs", 1, "-o", "a")
    assert "convnet: 22 training examples of 4×5×1, 2 classes" in called.err
    assert rnnlm.load_classifier("a").config["blocks"] == ["conv 3 2", "pool 2", "affine 4"]
    assert rnnlm.load_classifier("a").labels == ("up", "down")
    called = at("classify", "train", "images.npz", "--model", "feedforward", *QUICK, "-o", "b")
    assert "feedforward: 22 training examples of 4×5×1" in called.err
    x, y = np.load("images.npz")["x"].reshape(24, 20), np.load("images.npz")["y"]
    Path("flat.csv").write_text(table(x, [("up", "down")[i] for i in y]))
    given = ("--shape", "4x5x1", "--blocks", "conv 3 2, pool 2, affine 4", "--epochs", 1)
    called = at("classify", "train", "flat.csv", *given, "-o", "c")
    assert "convnet: 22 training examples of 4×5×1" in called.err
    for source in ("flat.csv", "images.npz"):  # both ways in, into both kinds of model
        for model in "abc":
            assert "accuracy" in at("classify", "test", model, source).out


def test_a_folder_of_images(at):
    squares(Path("train"), 8, 1)
    squares(Path("test"), 3, 2)
    called = at("classify", "train", "train", "--blocks", "conv 4 3, affine 4", "--lr", 0.02, "--epochs", 9,
                "--batch", 4, "--test", "test")  # fmt: skip
    assert called.status == 0, called.err
    assert "convnet: 14 training examples of 6×6×3, 2 classes" in called.err
    assert "test accuracy 100.00 % (6 of 6 right)" in called.out
    lines = at("classify", "predict", "train.rnnlm", "test").out.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [
        [f"test/{colour}/{i}.png", colour] for colour in ("blue", "red") for i in range(3)
    ]
    one = at("classify", "predict", "train.rnnlm", "test/red/1.png")
    assert (one.status, one.out, one.err) == (0, lines[4] + "\n", "")
    assert at("classify", "predict", "train.rnnlm", "test/red").out.splitlines() == lines[3:]  # no labels
    grey = at("classify", "test", "images.rnnlm", "test")
    assert grey.status == 1
    assert "not 4×5×1 as asked for. Resize all with --size HEIGHTxWIDTH" in grey.err
    assert "label 'blue'" in at("classify", "test", "images.rnnlm", "test", "--size", "4x5").err
    assert at("classify", "predict", "images.rnnlm", "test", "--size", "4x5").out.count("\n") == 6
    at("classify", "train", "train", "--size", "3x3", "--model", "feedforward", "--epochs", 1, "-o", "small.rnnlm")
    said = at("classify", "test", "small.rnnlm", "test", "--size", "3x3").out
    assert "accuracy" in said
    assert at("classify", "test", "small.rnnlm", "test").out == said  # the size of the training


def test_the_label_column_of_the_training_counts(at):
    rows = [f"{i % 2},{i % 2 + i / 100},{i % 3},0" for i in range(40)]  # the last column could be a label as well
    Path("digits.csv").write_text("\n".join(rows), encoding="utf-8")
    Path("bare.csv").write_text("\n".join(row[2:] for row in rows), encoding="utf-8")
    at("classify", "train", "digits.csv", "--label-column", 1, "--epochs", 20, "-o", "left.rnnlm")
    assert at("classify", "test", "left.rnnlm", "digits.csv").out.startswith("accuracy 100.00 %")
    said = at("classify", "predict", "left.rnnlm", "digits.csv").out
    assert [line.split("\t")[1] for line in said.splitlines()] == [row[0] for row in rows]
    assert at("classify", "predict", "left.rnnlm", "bare.csv").out == said


def test_options_reach_the_run(at):
    given = ["--activation", "tanh", "--dropout", 0.2, "--loss", "squared", "--standardize", "each", "--batch", 7,
             "--balance", "--optimizer", "adam", "--lr", 0.003, "--clip", 2, "--clip-by", "value", "--l2", 0.01,
             "--weight-decay", 0.02, "--schedule", "step", "--decay", 0.7, "--decay-after", 1, "--patience", 2,
             "--warmup", 3, "--max-updates", 9, "--seed", 6, "--dtype", "float64", "--held-out", 0.2, "--layers",
             "4,3", "--threads", 1, "--backend", "numpy"]  # fmt: skip
    assert at("classify", "train", "train.csv", *given, "-o", "new.rnnlm").status == 0
    model = rnnlm.load_classifier("new.rnnlm")
    assert model.config == {"layers": [4, 3], "activation": "tanh", "dropout": 0.2, "loss": "squared",
                            "standardize": "each", "seed": 6, "dtype": "float64"}  # fmt: skip
    record = model.log[0]
    names = [str(name)[2:].replace("-", "_") for name in given if str(name).startswith("--")]
    free = {"balance", "threads", "max_updates"}  # the last two may differ on resume
    assert {name: record[name] for name in names if name not in free} == {
        name: given[given.index(f"--{name.replace('_', '-')}") + 1] for name in names if name not in free
    }
    assert record["balance"] is True
    assert (record["data.train_examples"], record["data.valid_examples"]) == (48, 12)
    assert model.log[-1]["stop"] == "9 updates done"


def test_ctrl_c_and_resume(at, monkeypatch):
    arguments = ("classify", "train", "train.csv", *QUICK, "--dropout", 0.3, "--batch", 10)
    at(*arguments, "-o", "whole")
    tell = ProgressBar.__call__

    def press(self, event):
        tell(self, event)
        if isinstance(event, Update) and event.updates == 8:
            signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClassifierProgressBar, "__call__", press)
        called = at(*arguments, "-o", "cut", "--json")
    assert called.status == 130
    assert "stopped: interrupted; the best epoch is 1" in called.err
    assert json.loads(called.out)["stopped"] == "interrupted"
    assert Path("cut.checkpoint").exists()
    again = at(*arguments, "-o", "cut")
    assert again.status == 1
    assert "belongs to a run that was cut off. Go on with it by --resume" in again.err
    other = at(*arguments, "-o", "cut", "--resume", "--layers", "7")
    assert (other.status, other.out) == (1, "")
    assert "was written by a run with --layers '6', this one has --layers '7'" in other.err
    resumed = at(*arguments, "-o", "cut", "--resume")
    assert resumed.status == 0
    assert "resuming at epoch 2, update 8" in resumed.err
    assert_same("whole", "cut")
    assert "this run has ended: 2 epochs done" in at(*arguments, "-o", "cut", "--resume").err
    assert "no checkpoint yet, so the run starts" in at(*arguments, "-o", "fresh", "--resume").err


def test_the_digits_are_what_is_trained_on_without_data(at, inputs, tmp_path, monkeypatch):
    """A stand-in for them: twenty noisy images that the catalogue takes for the digits."""
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    rows = np.random.default_rng(0).integers(0, 256, (40, 785), dtype=np.uint8)
    rows[:, -1] = np.arange(40) // 4
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(gzip.compress("".join(",".join(map(str, row)) + "\n" for row in rows.tolist()).encode(), mtime=0))
    entry = catalogue.entries()["digits"]
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    entries = {**catalogue.entries(), "digits": replace(entry, sha256=sha256, options={**entry.options, "test": 1})}
    monkeypatch.setattr(catalogue.corpora, "_entries", lambda: entries)
    assert at("corpus", "get", "digits", "--from", path).status == 0
    called = at("classify", "train", "--epochs", 1)
    assert called.status == 0, called.err
    assert "held out 3 of 30 examples of digits for validation" in called.err
    assert "convnet: 27 training examples of 28×28×1, 10 classes, " in called.err
    assert re.search(r"^test accuracy [\d.]+ % \(\d of 10 right\)", called.out, re.M)  # it brings its own test part
    assert at("classify", "predict", "digits.rnnlm", "digits:test").out.count("\n") == 10


# Testing and predicting ----------------------------------------------------------------------------


def test_test(at):
    called = at("classify", "test", "m.rnnlm", "test.csv")
    model = rnnlm.load_classifier("m.rnnlm")
    found = evaluate(model, read("test.csv", labels=model.labels))
    assert (called.status, called.err) == (0, "")
    first, *rest = called.out.splitlines()
    assert first == f"accuracy {100 * found.accuracy:.2f} % ({found.correct} of 15 right), loss {found.loss:.4f}"
    assert len(rest) == 4
    answer = json.loads(at("classify", "test", "m.rnnlm", "test.csv", "--json").out)
    assert answer == {"model": "m.rnnlm", "data": "test.csv", **found.as_dict()}
    assert found.accuracy > 0.9


def test_a_class_that_does_not_occur_in_the_test(at):
    Path("some.csv").write_text(table(flowers(1, 2), ["setosa", "virginica", "virginica"]))
    lines = at("classify", "test", "m.rnnlm", "some.csv").out.splitlines()
    assert lines[3].split() == ["versicolor", "·", "·", "·", "-"]
    found = json.loads(at("classify", "test", "m.rnnlm", "some.csv", "--json").out)
    assert found["recall"][1] is None


def test_many_classes_are_no_matrix():
    """Then each line says what a class was mistaken for."""
    labels = tuple(f"c{i}" for i in range(30))
    true = np.array([0, 0, 0, 0, 1, 2])
    found = Confusion.of(labels, true, np.array([0, 3, 3, 4, 1, 7]), 0.5)
    lines = [line.split() for line in confusion_table(found).splitlines()]
    assert lines[0] == ["class", "examples", "found", "most", "often", "taken", "for"]
    assert lines[1:5] == [
        ["c0", "4", "25.0", "%", "c3", "(2)"], ["c1", "1", "100.0", "%", "-"], ["c2", "1", "0.0", "%", "c7", "(1)"],
        ["c3", "0", "-", "-"],
    ]  # fmt: skip
    assert len(lines) == 31


def test_predict(at):
    called = at("classify", "predict", "m.rnnlm", "test.csv")
    model, data = rnnlm.load_classifier("m.rnnlm"), read("test.csv")
    P = model.probabilities(data.x)
    expected = [f"{i + 1}\t{model.labels[row.argmax()]}\t{row.max():.4f}" for i, row in enumerate(P)]
    assert (called.status, called.out.splitlines(), called.err) == (0, expected, "")
    top = at("classify", "predict", "m.rnnlm", "test.csv", "--top", 2).out.splitlines()
    assert all(line.startswith(best + "\t") for line, best in zip(top, expected, strict=True))
    assert top[0].split("\t")[3:] == [model.labels[np.argsort(P[0])[1]], f"{np.sort(P[0])[1]:.4f}"]
    found = json.loads(at("classify", "predict", "m.rnnlm", "test.csv", "--top", 9, "--json").out)
    assert (found["model"], found["data"], len(found["answers"])) == ("m.rnnlm", "test.csv", 15)
    for row, answer in zip(P, found["answers"], strict=True):
        assert dict(answer["classes"]) == pytest.approx(dict(zip(model.labels, row.tolist(), strict=True)))
        values = [value for _, value in answer["classes"]]
        assert values == sorted(values, reverse=True)
    assert [answer["example"] for answer in found["answers"]] == [str(i + 1) for i in range(15)]


def test_predict_of_tables_with_and_without_labels(at, stdin):
    labelled = at("classify", "predict", "m.rnnlm", "unknown.csv")  # nobody looks at the labels
    plain = at("classify", "predict", "m.rnnlm", "plain.csv")
    assert plain.status == 0
    assert plain.out == labelled.out
    assert plain.out.count("\n") == 6
    assert at("classify", "predict", "m.rnnlm", "plain.csv", "--label-column", "none").out == plain.out
    first = at("classify", "predict", "m.rnnlm", "first.csv", "--label-column", "kind").out
    assert first == at("classify", "predict", "m.rnnlm", "train.csv").out
    assert at("classify", "predict", "m.rnnlm", "unlabelled.npz").out == first
    stdin(Path("plain.csv").read_bytes())
    assert at("classify", "predict", "m.rnnlm", "-").out == plain.out


def test_predict_shows_outputs_where_there_are_no_probabilities(at):
    called = at("classify", "predict", "hinge.rnnlm", "plain.csv", "--top", 3)
    model = rnnlm.load_classifier("hinge.rnnlm")
    outputs = model.outputs(read("plain.csv", features=3).x)
    for line, row in zip(called.out.splitlines(), outputs, strict=True):
        shown = line.split("\t")[1:]
        assert shown[::2] == [model.labels[k] for k in np.argsort(-row)]
        assert shown[1::2] == [f"{value:.4f}" for value in sorted(row.tolist(), reverse=True)]
    assert any(float(value) < 0 for value in re.findall(r"\t(-?[\d.]+)", called.out))


def test_labels_of_any_kind(at):
    called = at("classify", "train", "odd.csv", *QUICK, "--test", "odd.csv", "-o", "odd.rnnlm")
    assert called.status == 0, called.err
    labels = ("a b c", 'grün, "hell"', "日本")
    assert rnnlm.load_classifier("odd.rnnlm").labels == labels
    lines = at("classify", "predict", "odd.rnnlm", "odd.csv").out.splitlines()
    assert len(lines) == 60
    assert {line.split("\t")[1] for line in lines} <= set(labels)
    assert 'labels      a b c, grün, "hell", 日本\n' in at("info", "odd.rnnlm").out
    assert json.loads(at("info", "odd.rnnlm", "--json").out)["labels"] == list(labels)


def test_info(at):
    called = at("info", "m.rnnlm")
    facts = dict(re.split(r"  +", line, maxsplit=1) for line in called.out.splitlines())
    assert called.err == ""
    assert facts["model"] == "feedforward"
    assert facts["settings"] == (
        "activation relu, loss cross-entropy, standardize mean, seed 1, dtype float32, layers [6], dropout 0.0"
    )
    assert (facts["inputs"], facts["labels"], facts["weights"]) == ("3", ", ".join(KINDS), "45")
    assert facts["trained on"].split(", sha256 ")[0].endswith("train.csv, 54 examples")
    assert "vocabulary" not in facts


def test_info_tells_the_epoch_that_was_kept(at):
    """That of the fewest wrong answers, not that of the smallest loss."""
    model = rnnlm.load_classifier("m.rnnlm")
    epochs = [entry for entry in model.log if entry["kind"] == "epoch"]
    changed = [(1, 0.5, 0.7, True), (2, 0.9, 0.8, True), (3, 0.1, 0.6, False)]
    model.log = [model.log[0]] + [
        {**epochs[-1], "epoch": number, "valid_nll": loss, "valid_accuracy": right, "best": best}
        for number, loss, right, best in changed
    ]
    model.save("new.rnnlm")
    found = at("info", "new.rnnlm").out
    assert "3; the best is 2; 8 epochs done" in found
    assert "validation  accuracy 80.00 %, loss 0.9000\n" in found


def test_plot(at):
    pytest.importorskip("matplotlib")
    assert at("plot", "m.rnnlm", "hinge.rnnlm", "-o", "c.svg") == (0, "", "curves written to c.svg\n")
    assert "<!-- accuracy (%)" in Path("c.svg").read_text()


# Bad input -----------------------------------------------------------------------------------------

OPTIONS = [
    ("--batch 0", ["--batch 0 is too small", "Give --batch >= 1"]),
    ("--batch many", ["'--batch'", "'many' is not a valid integer"]),
    ("--held-out 0", ["the held-out share is 0.0", "between 0 and 1"]),
    ("--held-out 1", ["the held-out share is 1.0", "between 0 and 1"]),
    ("--held-out nan", ["the held-out share is nan"]),
    ("--layers a,b", ["--layers 'a,b' are no sizes", "such as 100,100"]),
    ("--layers 5,0", ["a layer of 0 units"]),
    ("--layers 5.5", ["--layers '5.5' are no sizes"]),
    ("--model linear", ["model 'linear' is not known", "feedforward, convnet"]),
    ("--model convnet", ["block 'conv 20 5' on an input of 3: it needs images", "Give the shape of the images"]),
    (
        "--model convnet --layers 3",
        ["--layers '3' is for the model feedforward, and this is convnet", "`affine UNITS`"],
    ),
    ("--model convnet --dropout 0.5", ["--dropout 0.5 is for the model feedforward", "`dropout RATE`"]),
    (
        "--blocks pool_2",
        ["--blocks 'pool_2' is for the model convnet, and this is feedforward", "--shape HEIGHTxWIDTH"],
    ),
    ("--loss ctc", ["loss 'ctc' is not known", "cross-entropy, hinge, squared"]),
    ("--activation sine", ["activation 'sine' is not known", "relu"]),
    ("--standardize all", ["standardization 'all' is not known", "none, mean, each"]),
    ("--optimizer magic", ["optimizer 'magic' is not known", "nesterov"]),
    ("--schedule never", ["schedule 'never' is not known"]),
    ("--patience 0", ["--patience 0 is too small", "Give --patience >= 1"]),
    ("--decay 0.5", ["decay is no option of the schedule 'linear'"]),
    ("--dropout 1", ["--dropout 1.0 is not possible", "Give 0 <= --dropout < 1"]),
    ("--dropout -0.5", ["--dropout -0.5 is not possible", "Give 0 <= --dropout < 1"]),
    ("--shift -1", ["--shift -1 is too small", "Give --shift >= 0"]),
    ("--shift 1", ["--shift 1 is not possible for inputs of 3", "Give images"]),
    ("--epochs 0", ["--epochs 0 is too small", "Give --epochs >= 1"]),
    ("--max-updates 0", ["--max-updates 0 is too small", "Give --max-updates >= 1"]),
    ("--lr -1", ["--lr -1.0 is not possible"]),
    ("--lr nan", ["--lr nan is not possible"]),
    ("--clip 0", ["--clip 0.0 is not possible", "Give --clip > 0, or none for no clipping"]),
    ("--clip-by length", ["--clip-by 'length' is not known", "norm, value"]),
    ("--l2 -1", ["--l2 -1.0 is not possible", "Give --l2 >= 0"]),
    ("--weight-decay -1", ["--weight-decay -1.0 is not possible", "Give --weight-decay >= 0"]),
    ("--warmup -1", ["--warmup -1 is too small", "Give --warmup >= 0"]),
    ("--seed -1", ["--seed -1 is too small", "Give --seed >= 0"]),
    ("--dtype float16", ["--dtype 'float16' is not known", "Give one of float32, float64"]),
    ("--save-every 0", ["--save-every 0.0 is not possible", "Give --save-every > 0, in minutes"]),
    ("--label-column 9", ["--label-column 9 is not a column of train.csv", "from 1 to 4"]),
    ("--size 3x3", ["--size 3×3 is for images", "Leave it out"]),
    ("--shape 2xx", ["shape is '2xx'", "28x28x1"]),
    ("--backend cuda", ["cuda"]),
    ("--threads 0", ["threads"]),
    ("--hidden 5", ["No such option '--hidden'", "rnnlm classify train --help"]),
    ("test.csv", ["unexpected extra argument (test.csv)"]),
]


@pytest.mark.parametrize(("options", "fragments"), OPTIONS)
def test_option_of_train(refused, options, fragments):
    line = refused(USAGE, "train", "train.csv", *options.split(), "-o", "new.rnnlm")
    assert [part for part in fragments if part not in line] == []


@pytest.mark.parametrize(
    ("blocks", "fragments"),
    [
        ("nonsense", ["block 'nonsense' is not known. Blocks are: conv FILTERS SIZE [stride S] [pad P|same]"]),
        ("conv 3", ["block 'conv 3' is not written as it should be: conv FILTERS SIZE"]),
        ("pool 2, pool 2, pool 2", ["block 'pool 2' on an input of 1×1×1: ", "a window of 2 rows does not fit into 1"]),
        ("affine 3, conv 3 3", ["block 'conv 3 3' on an input of 3: it needs images"]),
    ],
)
def test_bad_blocks(refused, blocks, fragments):
    line = refused(USAGE, "train", "images.npz", "--blocks", blocks, "-o", "new.rnnlm")
    assert [part for part in fragments if part not in line] == []


COMMANDS = [
    ("train missing.csv", DATA, ["missing.csv does not exist", "rnnlm corpus list"]),
    ("train empty.csv", DATA, ["empty.csv is empty"]),
    ("train broken.csv", DATA, ["broken.csv, line 3 has 3 columns, and the first line has 4"]),
    ("train bad.npz", DATA, ["bad.npz cannot be read as an .npz archive"]),
    ("train text.txt", DATA, ["text.txt is none of the files that hold labelled data", "Rename or convert"]),
    ("train m.rnnlm -o new.rnnlm", DATA, ["m.rnnlm is none of the files that hold labelled data"]),
    ("train kjv", USAGE, ["kjv is a text, not labelled data", "`rnnlm train kjv`"]),
    ("train unlabelled.npz", DATA, ["unlabelled.npz has no labels"]),
    ("train train.csv --label-column none", DATA, ["train.csv, line 2, column 4 is 'setosa'"]),
    ("train plain.csv --label-column none", DATA, ["plain.csv has no labels"]),
    ("train train.csv --label-column colour", DATA, ["no column 'colour'", "length, width, depth, kind"]),
    ("train train.csv --label-column 1", DATA, ["column 1: the label", "neither a name nor a whole number"]),
    ("train one.csv", DATA, ["all 60 examples of one.csv have the label 'setosa'", "another class"]),
    ("train two.csv", DATA, ["two.csv has 2 examples, too few to hold out"]),
    ("train train.csv --valid unknown.csv", DATA, ["unknown.csv: example 2 has the label 'tulip'", "setosa"]),
    ("train train.csv --valid unlabelled.npz", DATA, ["unlabelled.npz has no labels"]),
    ("train train.csv --test unlabelled.npz", DATA, ["unlabelled.npz has no labels"]),
    ("train train.csv --test wide.csv", DATA, ["wide.csv: an example has the shape 5, and the model takes 3"]),
    ("train train.csv --test missing.csv", DATA, ["missing.csv does not exist"]),
    ("train train.csv -o train.csv", USAGE, ["the output train.csv is the training data itself", "another -o"]),
    ("train train.csv --test test.csv -o test.csv", USAGE, ["the output test.csv is the test data itself"]),
    ("train train.csv --valid test.csv -o ./test.csv", USAGE, ["test.csv is the validation data"]),
    ("train train.csv -o nowhere/m.rnnlm", DATA, ["the folder nowhere does not exist"]),
    ("train images.npz -o images.rnnlm --resume", DATA, ["no checkpoint images.rnnlm.checkpoint", "is there already"]),
    ("test m.rnnlm", USAGE, ["Missing argument 'DATA'"]),
    ("test m.rnnlm unknown.csv", DATA, ["example 2 has the label 'tulip', which is none of the classes setosa"]),
    ("test m.rnnlm unlabelled.npz", DATA, ["unlabelled.npz has no labels"]),
    ("test m.rnnlm wide.csv", DATA, ["an example has the shape 5, and the model takes 3", "--label-column"]),
    ("test images.rnnlm test.csv", DATA, ["example 1 has the label 'setosa', which is none of the classes up, down"]),
    ("test train.csv test.csv", DATA, ["train.csv is not a model"]),
    ("test missing.rnnlm test.csv", DATA, ["missing.rnnlm cannot be read as a model"]),
    ("predict m.rnnlm wide.csv", DATA, ["an example has the shape 5, and the model takes 3"]),
    ("predict images.rnnlm train.csv", DATA, ["train.csv: an example has the shape 3, and the model takes 4×5×1"]),
    ("predict m.rnnlm test.csv --top 0", USAGE, ["--top 0 is too small"]),
    ("predict m.rnnlm missing.png", DATA, ["missing.png does not exist"]),
    ("predict m.rnnlm kjv", USAGE, ["kjv is a text, not labelled data"]),
    ("learn", USAGE, ["No such command 'learn'", "rnnlm classify --help"]),
]


@pytest.mark.parametrize(("arguments", "status", "fragments"), COMMANDS)
def test_command(refused, arguments, status, fragments):
    line = refused(status, *arguments.split())
    assert [part for part in fragments if part not in line] == []


@pytest.mark.parametrize("command", ["test", "predict"])
def test_a_language_model_is_no_classifier(refused, command):
    line = refused(DATA, command, "lm.rnnlm", "test.csv")
    assert "holds a language model (rnnlm), not a classifier. Use it with `rnnlm ppl` or `rnnlm sample`" in line


def test_a_run_that_diverges(at):
    called = at("classify", "train", "train.csv", "--lr", 1e30, "--epochs", 9, "-o", "new.rnnlm")
    assert (called.status, called.out) == (1, "")
    assert re.search(r"error: the (loss|gradient norm) is .* Try a tenth of the learning rate", called.err)


def test_no_command_shows_the_help(at):
    called = at("classify")
    assert (called.status, called.out) == (2, "")
    for line in ("train    Train a classifier", "test     How often", "predict  The class"):
        assert line in called.err
    assert "...\n" not in called.err.split("Commands:")[1]  # no line is cut short
