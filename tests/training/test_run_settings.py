"""The settings of a run as a value: to JSON and back, and compared with the record of an older version."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from rnnlm.errors import DataError, UsageError
from rnnlm.models import MODELS
from rnnlm.options import declared
from rnnlm.stored import Stored
from rnnlm.training import ClassifierSettings, Settings
from rnnlm.training.checkpoint import Snapshot

TEXT_VALUES = {
    "text": Path("a/t.txt"), "valid": "v.txt", "test": Path("x.txt"), "tokens": "chars", "max_vocab": 90,
    "min_count": 2, "model": "bengio", "hidden": 7, "layers": 2, "activation": "relu", "classes": 3,
    "class_by": "frequency", "feedback": "embedding", "order": 4, "embedding": 6, "direct": True, "kernel": 5,
    "residual": False, "dropout": 0.25, "input_dropout": 0.125, "independent": True, "dtype": "float64", "block": 9,
    "horizon": 11, "streams": 3, "optimizer": "adam", "lr": 0.5, "clip": 2.5, "clip_by": "value", "l2": 0.01,
    "weight_decay": 0.02, "momentum": 0.75, "beta1": 0.625, "beta2": 0.5, "eps": 1e-6, "schedule": "step",
    "warmup": 0, "min_improvement": 1.25, "decay": 0.375, "decay_after": 2, "patience": 6, "epochs": 8,
    "max_updates": 70, "seed": 13, "device": "gpu:1", "precision": "tf32", "backend": "numpy", "threads": 2,
    "output": Path("o/m.rnnlm"), "save_every": 0.75, "resume": True, "from_model": Path("start.rnnlm"), "trust": True,
}  # fmt: skip
CLASSIFIER_VALUES = {
    **{name: TEXT_VALUES[name] for name in (
        "valid", "test", "activation", "dropout", "dtype", "optimizer", "lr", "clip", "clip_by", "l2", "weight_decay",
        "momentum", "beta1", "beta2", "eps", "schedule", "min_improvement", "decay", "decay_after", "patience",
        "epochs", "max_updates", "seed", "device", "precision", "backend", "threads", "output", "save_every", "resume",
    )},
    "data": Path("d.npz"), "held_out": 0.25, "label_column": 3, "size": (4, 5), "shape": "4x5x1", "model": "convnet",
    "layers": (6, 5), "activation": "tanh", "blocks": ("conv 3 2", "pool 2"), "loss": "hinge", "standardize": "each",
    "batch": 7,
    "balance": True, "shift": 1, "warmup": 3,
}  # fmt: skip
EVERY = [(Settings, TEXT_VALUES), (ClassifierSettings, CLASSIFIER_VALUES)]


@pytest.mark.parametrize(("cls", "values"), EVERY)
def test_every_setting_goes_through_json(cls, values):
    assert set(values) == {f.name for f in fields(cls)}
    default = cls()
    for name, value in values.items():
        assert getattr(default, name) != value, f"{name} has its default, which shows nothing"
    settings = cls(**values)
    said = settings.to_json()
    assert set(said) == set(values)
    again = cls.from_json(json.loads(json.dumps(said)))
    for name, value in values.items():
        found = getattr(again, name)
        expected = str(value) if isinstance(value, Path) else value
        assert (found, type(found)) == (expected, type(expected)), name
    assert again.to_json() == said
    assert cls.from_json(json.loads(json.dumps(default.to_json()))) == default


@pytest.mark.parametrize(("cls", "values"), EVERY)
def test_each_setting_goes_through_json_alone(cls, values):
    for name, value in values.items():
        settings = cls(**{name: value})
        said = json.loads(json.dumps(settings.to_json()))
        assert [key for key, other in cls().to_json().items() if said[key] != other] == [name]
        expected = str(value) if isinstance(value, Path) else value
        assert cls.from_json(said) == replace(cls(), **{name: expected})


def test_lists_come_back_as_tuples():
    settings = ClassifierSettings.from_json({"layers": [6, 5], "size": [3, 4]})
    assert (settings.layers, settings.size) == ((6, 5), (3, 4))
    assert ClassifierSettings(layers=[6, 5]).to_json()["layers"] == [6, 5]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hiden": 3}, r"setting 'hiden' is not known\. Did you mean hidden\? Settings are .*hidden"),
        ({"hidden": 0}, r"hidden=0 is too small\. Give hidden >= 1\."),
        ({"save_every": 0}, r"save_every=0 is not possible\. Give save_every > 0, in minutes\."),
        ({"clip": -1.0}, r"clip=-1\.0 is not possible\. Give clip > 0, or none for no clipping\."),
    ],
)
def test_json_is_checked_as_keywords_are(values, message):
    with pytest.raises(UsageError, match=message):
        Settings.from_json(values)
    with pytest.raises(UsageError, match=message):
        Settings.of(**values)


def test_none_is_no_clipping():
    assert Settings.of(clip=None).clip is None
    assert Settings.from_json({"clip": None}).clip is None


# the record of a run, and what may differ when it goes on

OF_ALL = {"valid", "test", "output", "save_every", "resume", "epochs", "max_updates", "threads"}
FREE = OF_ALL | {"text", "from_model", "trust"}


def test_a_record_leaves_out_what_may_differ():
    record = Settings(**TEXT_VALUES).record()
    assert set(TEXT_VALUES) - set(record) == FREE
    assert record["device"] == "gpu"  # whichever it is
    assert set(CLASSIFIER_VALUES) - set(ClassifierSettings(**CLASSIFIER_VALUES).record()) == OF_ALL | {"data"}


def compared(**values):
    return Settings.comparable(Settings(**values).record())


@pytest.mark.parametrize("name", sorted(set(TEXT_VALUES) - FREE - {"model", "optimizer", "schedule", "device"}))
def test_every_other_setting_is_compared(name):
    """With a model, an optimizer and a schedule that have it."""
    option = declared(Settings)[name].option
    value = TEXT_VALUES[name]
    kinds = [kind for kind in option.kinds if option.default_of(kind) != value]
    base = {option.selector: kinds[0]} if option.kinds else {}
    one, other = compared(**base), compared(**base, **{name: value})
    assert {key for key in one if one[key] != other[key]} == {name}


def test_options_that_only_some_kinds_have_are_compared_for_these():
    for name, kinds in {
        "feedback": ("jordan",), "order": ("bengio",), "direct": ("bengio",), "embedding": ("bengio", "convolution"),
        "kernel": ("convolution",), "residual": ("convolution",),
    }.items():  # fmt: skip
        assert {kind for kind in MODELS if name in compared(model=kind)} >= set(kinds)
        assert name not in compared(model="rnnlm")


@pytest.mark.parametrize(
    ("choice", "other"), [("model", "elman"), ("optimizer", "adam"), ("schedule", "step"), ("device", "gpu")]
)
def test_the_choices_are_compared(choice, other):
    assert compared()[choice] != compared(**{choice: other})[choice]


def test_a_record_that_does_not_know_an_option_is_that_of_its_default():
    """As a version wrote it that had no optimizer's constants, no residual, no GPU."""
    for kind in (*MODELS, "mine.py:step"):
        record = Settings(model=kind).record()
        assert Settings.comparable(record) == compared(model=kind)
        for name in set(record) - {"model"}:
            older = {key: value for key, value in record.items() if key != name}
            assert Settings.comparable(older) == compared(model=kind), name
        with_another = {key: value for key, value in record.items() if key != "l2"} | {"l2": 0.5}
        assert Settings.comparable(with_another) != compared(model=kind)


@pytest.mark.parametrize(
    ("chosen", "option", "default"),
    [
        ({"model": "bengio"}, "order", 5), ({"model": "bengio"}, "direct", False),
        ({"model": "convolution"}, "kernel", 3), ({"model": "convolution"}, "residual", True),
        ({"model": "convolution"}, "layers", 2), ({"model": "convolution"}, "activation", "gated"),
        ({"model": "elman"}, "layers", 1), ({"model": "elman"}, "activation", "tanh"),
        ({"model": "rnnlm"}, "activation", "logistic"), ({"model": "jordan"}, "feedback", "distribution"),
        ({"optimizer": "momentum"}, "momentum", 0.9),
        ({"optimizer": "adam"}, "beta1", 0.9), ({"schedule": "step"}, "decay", 0.5),
        ({"schedule": "step"}, "decay_after", 4), ({"schedule": "halving"}, "min_improvement", 1.003),
    ],
)  # fmt: skip
def test_none_and_the_default_are_the_same(chosen, option, default):
    record = Settings(**chosen).record()
    assert record[option] is None
    written = Settings.comparable(record | {option: default})
    assert written == Settings.comparable(record)
    assert written[option] == default
    assert Settings.comparable(record | {option: "another"}) != written


def test_options_of_another_model_mean_nothing():
    """Earlier records held every model's options, with the default of each."""
    record = Settings(model="elman", optimizer="sgd", schedule="constant").record()
    older = record | {"feedback": "distribution", "order": 5, "direct": False, "kernel": 3, "momentum": 0.9}
    assert Settings.comparable(older) == Settings.comparable(record)
    assert not {"feedback", "order", "direct", "kernel", "momentum", "decay"} & set(Settings.comparable(record))


def test_the_data_are_compared_but_not_the_test():
    record = Settings().record()
    found = Settings.comparable(
        record | {"data.train": "aa", "data.test": "bb", "data.valid_tokens": 7, "command": "c"}
    )
    assert {name: value for name, value in found.items() if name.startswith("data")} == {
        "data.train": "aa",
        "data.valid_tokens": 7,
    }
    assert "command" not in found


def test_a_classifier_that_was_not_named():
    """The model is chosen by the data, so a record without one keeps the options of both kinds."""
    record = ClassifierSettings(layers=(3, 4)).record()
    assert ClassifierSettings.comparable(record)["layers"] == [3, 4]
    assert ClassifierSettings.comparable(record | {"layers": (3, 4)}) == ClassifierSettings.comparable(record)
    assert "layers" not in ClassifierSettings.comparable(record | {"model": "convnet"})
    assert ClassifierSettings.comparable(record)["dropout"] == 0.0


def test_the_message_names_the_choice_from_which_other_differences_follow():
    """Another model has another default activation; what the user changed is the model."""
    before, after = Settings(model="rnnlm").record(), Settings(model="elman", optimizer="adam").record()
    stored = Snapshot(Path("m.checkpoint"), Stored({"run": before}, {}))
    with pytest.raises(DataError, match=r"with model='rnnlm', this one has model='elman'\."):
        stored.require_same(after, Settings.comparable)
    with pytest.raises(DataError, match=r"with optimizer='adagrad', this one has optimizer='adam'\."):
        stored.require_same(Settings(optimizer="adam").record(), Settings.comparable)
    stored.require_same(Settings(activation="logistic").record(), Settings.comparable)
