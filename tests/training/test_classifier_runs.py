"""Runs that train a classifier: cut off and resumed, on other threads, from settings, and the curves they leave."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from gradient_checks import values
from labelled_examples import bars

import rnnlm
from rnnlm.errors import DataError, TrainingError, UsageError
from rnnlm.models import ConvNet, load_any, load_classifier
from rnnlm.training import OPTIMIZERS, ClassifierRun, ClassifierSettings, ClassifierTrainer
from rnnlm.training.classifier_trainer import evaluate
from rnnlm.training.events import Update
from rnnlm.training.loop import ValidationScore


class Cut(BaseException):
    """Stands for the power cut."""


LIVELY = {  # everything that changes in a run at once
    "blocks": "conv 3 3, batch, pool 2, affine 5, batch, dropout 0.3",
    "optimizer": "momentum",
    "lr": 0.05,
    "shift": 1,
    "balance": True,
    "batch": 6,
    "warmup": 3,
    "clip": 0.5,
    "epochs": 3,
    "seed": 4,
}
UPDATES = 4  # an epoch: of 25 examples 22 are left to learn from


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    data = bars(25)
    np.savez(folder / "bars.npz", x=data.x, y=np.array(data.labels)[data.y])
    return folder


def settings(folder, **changes):
    return ClassifierSettings.of(data=folder / "bars.npz", **{**LIVELY, "held_out": 0.12, **changes})


def run(given, cut_at=None):
    """A run that is cut off right after an update, with a checkpoint of the one before the last but one."""

    def cut(event):
        if isinstance(event, Update):
            made.trainer.checkpoint.minutes = 1e-9 if event.updates == cut_at - 2 else None
            if event.updates == cut_at:
                raise Cut

    made = ClassifierRun(given, observers=[] if cut_at is None else [cut])
    if cut_at is None:
        made.fit()
    else:
        with pytest.raises(Cut):
            made.fit()
    return made


@pytest.fixture(scope="module")
def whole(folder):
    made = run(settings(folder, output=folder / "whole.rnnlm"))
    assert made.trainer.progress.updates == 3 * UPDATES
    assert len(made.data.train) == 22
    return folder / "whole.rnnlm"


def assert_same(one, two):
    a, b = load_classifier(one), load_classifier(two)
    first, second = values(a.params), values(b.params)
    assert first.keys() == second.keys()
    for name in first:
        assert first[name].tobytes() == second[name].tobytes(), name
    assert a.config == b.config
    assert a.log[1:] == b.log[1:]  # the first entry has the settings


@pytest.mark.parametrize("update", range(3, 3 * UPDATES + 1))
def test_cut_anywhere_and_resumed(folder, whole, tmp_path, update):
    run(settings(folder, output=tmp_path / "m.rnnlm"), cut_at=update)
    assert (tmp_path / "m.rnnlm.checkpoint").exists()
    resumed = ClassifierRun(settings(folder, output=tmp_path / "m.rnnlm", resume=True))
    assert resumed.resumed
    assert resumed.trainer.progress.updates in (update - 2, update - 1)  # an epoch that ends has its own checkpoint
    resumed.fit()
    assert_same(whole, tmp_path / "m.rnnlm")
    assert ClassifierRun(settings(folder, output=tmp_path / "m.rnnlm", resume=True)).has_ended


@pytest.mark.parametrize("update", [4, 7, 12])
def test_the_best_epoch_outlives_a_cut(folder, tmp_path, monkeypatch, update):
    """The first is the best here, and its weights are those of the model whenever the run was cut off."""
    monkeypatch.setattr(
        ClassifierTrainer, "_validate", lambda self, valid: ValidationScore(0.5, 9 - self.progress.epoch, 9)
    )
    first = run(settings(folder, output=tmp_path / "first", max_updates=UPDATES)).model
    run(settings(folder, output=tmp_path / "m"), cut_at=update)
    run(settings(folder, output=tmp_path / "m", resume=True))
    for name, value in values(load_classifier(tmp_path / "m").params).items():
        np.testing.assert_array_equal(value, first.params[name].value)


@pytest.mark.parametrize(("name", "value"), [
    ("balance", False), ("shift", 0), ("warmup", 0), ("clip", None), ("clip_by", "value"), ("l2", 0.1),
    ("weight_decay", 0.1), ("lr", None), ("schedule", "step"), ("loss", "hinge"), ("standardize", "each"),
    ("activation", "tanh"), ("batch", 7), ("seed", 5), ("optimizer", "nesterov"), ("held_out", 0.2),
])  # fmt: skip
def test_every_setting_matters(folder, whole, name, value):
    given = {"decay_after": 1} if name == "schedule" else {}
    other, usual = run(settings(folder, **{name: value}, **given)).model, load_classifier(whole)
    assert not np.array_equal(other.params["network.1.W"].value, usual.params["network.1.W"].value)


@pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name != "momentum"])
def test_cut_and_resumed_with_every_optimizer(folder, tmp_path, optimizer):
    given = {"optimizer": optimizer, "model": "feedforward", "blocks": None, "layers": (4,), "dropout": 0.3}
    for name, at in (("whole", None), ("cut", 6)):
        run(settings(folder, output=tmp_path / name, **given), cut_at=at)
    run(settings(folder, output=tmp_path / "cut", resume=True, **given))
    assert_same(tmp_path / "whole", tmp_path / "cut")


def test_ctrl_c_and_resume(folder, whole, tmp_path):
    def press(event):
        if isinstance(event, Update) and event.updates == 6:
            signal.raise_signal(signal.SIGINT)

    made = ClassifierRun(settings(folder, output=tmp_path / "m.rnnlm"), observers=[press])
    assert made.fit() == "interrupted"
    assert made.trainer.progress.updates == 6
    kept = load_classifier(tmp_path / "m.rnnlm")  # of the first epoch, which is over
    best = next(entry for entry in kept.log if entry["kind"] == "epoch")
    assert evaluate(kept, made.data.valid).loss == pytest.approx(best["valid_nll"], rel=1e-6)
    run(settings(folder, output=tmp_path / "m.rnnlm", resume=True))
    assert_same(whole, tmp_path / "m.rnnlm")


@pytest.mark.parametrize(("name", "value"), [
    ("seed", 5), ("batch", 7), ("shift", 0), ("balance", False), ("held_out", 0.2), ("blocks", "affine 5"),
])  # fmt: skip
def test_resume_with_other_settings_is_refused(folder, tmp_path, name, value):
    run(settings(folder, output=tmp_path / "m.rnnlm"), cut_at=4)
    with pytest.raises(DataError, match=rf"with {name}=|run on other data"):
        ClassifierRun(settings(folder, output=tmp_path / "m.rnnlm", resume=True, **{name: value}))


def test_resume_with_other_data_is_refused(folder, tmp_path):
    run(settings(folder, output=tmp_path / "m.rnnlm"), cut_at=4)
    data = bars(25, seed=1)
    np.savez(tmp_path / "bars.npz", x=data.x, y=np.array(data.labels)[data.y])
    with pytest.raises(DataError, match=r"a run on other data: its train is .*Resume with the data of the first start"):
        ClassifierRun(settings(tmp_path, output=tmp_path / "m.rnnlm", resume=True))


def test_a_language_models_checkpoint_is_refused_and_the_other_way_round(folder, tmp_path):
    (tmp_path / "text.txt").write_text("a b\n" * 30)
    run(settings(folder, output=tmp_path / "m.rnnlm"), cut_at=4)
    with pytest.raises(DataError, match="checkpoint of another kind of model, convnet"):
        rnnlm.train(tmp_path / "text.txt", hidden=2, streams=2, output=tmp_path / "m.rnnlm", resume=True)


def test_same_seed_same_bytes_at_one_and_two_threads(folder, whole, tmp_path):
    first = whole.read_bytes()
    for threads in (1, 2):
        given = settings(folder, output=whole, threads=threads)
        path = tmp_path / f"{threads}.rnnlm"
        made = ClassifierRun(given)
        made.files.output = path
        made.fit()
        assert_same(whole, path)
    run(settings(folder, output=whole))
    assert whole.read_bytes() == first
    other = run(settings(folder, seed=5)).model
    assert not np.array_equal(other.params["network.1.W"].value, load_classifier(whole).params["network.1.W"].value)


def test_the_run_as_python_calls_it(folder, whole):
    given = {name: value for name, value in settings(folder).to_json().items() if name in LIVELY or name == "held_out"}
    model = rnnlm.train_classifier(folder / "bars.npz", **given)
    expected = load_classifier(whole)
    assert isinstance(model, ConvNet)
    for name, param in expected.params.items():
        np.testing.assert_array_equal(model.params[name].value, param.value)
    with pytest.raises(UsageError, match=r"setting 'hidden' is not known\. .*Settings are .*layers"):
        rnnlm.train_classifier(folder / "bars.npz", hidden=3)
    with pytest.raises(UsageError, match="resume needs the output"):
        rnnlm.train_classifier(folder / "bars.npz", resume=True)


def test_lists_of_layers_and_blocks_are_as_good_as_text(folder):
    blocks = rnnlm.train_classifier(folder / "bars.npz", blocks=("conv 2 3", "affine 4"), epochs=1)
    assert blocks.config["blocks"] == ["conv 2 3", "affine 4"]
    for layers in ("4, 3", [4, 3], (4, 3)):
        model = rnnlm.train_classifier(folder / "bars.npz", model="feedforward", layers=layers, epochs=1)
        assert model.config["layers"] == [4, 3]
    assert rnnlm.train_classifier(folder / "bars.npz", model="feedforward", layers="", epochs=1).config["layers"] == []


def test_the_parts_of_a_run(folder, tmp_path):
    """Held out: of each class its share; a validation file instead of it; the same labels in another order."""
    made = ClassifierRun(settings(folder, epochs=1))
    assert made.data.held_out_note == "held out 3 of 25 examples of " + str(folder / "bars.npz") + " for validation"
    assert (made.data.train.counts.tolist(), made.data.valid.counts.tolist()) == ([14, 8], [2, 1])
    assert made.data.test is None
    assert made.test() is None
    data = bars(9, seed=3)
    np.savez(tmp_path / "v.npz", x=data.x, y=data.y[::-1] * 0, labels=np.array(["stands"]))
    given = settings(folder, valid=tmp_path / "v.npz", test=folder / "bars.npz", epochs=1)
    made = ClassifierRun(given)
    assert made.data.held_out_note == ""
    assert (made.data.train.counts.tolist(), made.data.valid.counts.tolist()) == ([16, 9], [0, 9])
    made.fit()
    expected = evaluate(made.model, made.data.test)
    assert made.test().counts.tolist() == expected.counts.tolist()
    assert made.test().examples == 25


@pytest.mark.parametrize("part", ["valid", "test"])
def test_a_part_without_labels_is_refused_before_training(folder, tmp_path, part):
    np.savez(tmp_path / "u.npz", x=bars(5).x)
    with pytest.raises(DataError, match=r"u\.npz has no labels"):
        ClassifierRun(settings(folder, **{part: tmp_path / "u.npz"}))
    np.savez(tmp_path / "u.npz", x=bars(2).x, y=["lies", "leans"])
    with pytest.raises(DataError, match=r"u\.npz: example 2 has the label 'leans', which is none of the classes lies"):
        ClassifierRun(settings(folder, **{part: tmp_path / "u.npz"}))


def test_a_diverged_run_leaves_its_best_epoch(folder, tmp_path):
    def spoil(event):
        if isinstance(event, Update) and event.updates == 2 * UPDATES + 2:
            made.model.params["network.1.W"].value[...] = np.nan

    made = ClassifierRun(settings(folder, output=tmp_path / "m.rnnlm"), observers=[spoil])
    with pytest.raises(TrainingError, match=r"The best epoch, \d, is in .*m\.rnnlm\."):
        made.fit()
    best = [entry for entry in load_any(tmp_path / "m.rnnlm").log if entry["kind"] == "epoch" and entry["best"]][-1]
    found = evaluate(load_classifier(tmp_path / "m.rnnlm"), made.data.valid)
    assert found.loss == pytest.approx(best["valid_nll"], rel=1e-6)


def test_the_learning_curve_has_a_panel_of_accuracies(folder, whole, tmp_path):
    pytest.importorskip("matplotlib")
    from rnnlm.curves import draw, read_log

    log = read_log(whole)
    draw({"bars": log}, tmp_path / "c.svg")
    picture = (tmp_path / "c.svg").read_text()
    best = max(entry["valid_accuracy"] for entry in log if entry["kind"] == "epoch")
    assert f"<!-- bars: validation (best {100 * best:.2f} %" in picture
    assert all(f"<!-- {panel}" in picture for panel in ("loss", "accuracy (%)", "gradient norm", "learning rate"))
    assert "nats/token" not in picture
    language = {"kind": "epoch", "updates": 3, "train_nll": 2.0, "valid_nll": 1.0, "learning_rate": 0.1}
    draw({"text": [language]}, tmp_path / "t.svg")
    assert "accuracy" not in (tmp_path / "t.svg").read_text()
    draw({"bars": log, "text": [language]}, tmp_path / "both.svg")  # each with its own words
    assert all(word in (tmp_path / "both.svg").read_text() for word in ("right)", "best PPL 2.7", "accuracy (%)"))
