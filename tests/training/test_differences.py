"""What tells runs apart: what was asked for, as it was used, from the records in their models' logs."""

from __future__ import annotations

import pytest

from rnnlm.training import ClassifierSettings, Settings
from rnnlm.training.differences import differences, differences_text, value_text


def record(**changes):
    return {"text": "a.txt", **Settings.of(**changes).record()}


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ({}, {}, [{}, {}]),
        ({}, {"seed": 2}, [{"seed": 1}, {"seed": 2}]),
        ({"clip": None}, {}, [{"clip": None}, {"clip": 5.0}]),
        ({"max_vocab": 10}, {}, [{"max_vocab": 10}, {"max_vocab": "default"}]),
        ({"activation": "logistic"}, {}, [{}, {}]),  # the default of the model, written out
        ({"optimizer": "adam", "beta1": 0.8}, {}, [{"optimizer": "adam", "beta1": 0.8}, {"optimizer": "adagrad"}]),
        ({"model": "jordan"}, {"model": "elman"}, [{"model": "jordan"}, {"model": "elman"}]),
        ({"output": "a", "save_every": 2.0}, {"output": "b", "resume": True}, [{}, {}]),
    ],
)
def test_differences(one, two, expected):
    assert differences([record(**one), record(**two)]) == expected


def test_a_rate_that_was_left_to_its_default_is_that_of_the_record():
    left = record() | {"learning_rate": {"lr": 0.3, "warmup": 10}}
    given = record(lr=0.01, warmup=4) | {"learning_rate": {"lr": 0.01, "warmup": 4}}
    assert differences([left, given]) == [{"lr": 0.3, "warmup": 10}, {"lr": 0.01, "warmup": 4}]
    assert differences([left, record(lr=0.3) | {"learning_rate": {"lr": 0.3, "warmup": 10}}]) == [{}, {}]
    earlier = {name: value for name, value in left.items() if name not in ("learning_rate", "clip_by")}
    assert differences([earlier, given])[0] == {"lr": "default", "warmup": "default"}


def test_records_that_cannot_be_compared_have_no_differences():
    classifier = {"data": "digits", **ClassifierSettings.of().record()}
    assert differences([record(seed=1), classifier]) == [{}, {}]
    assert differences([record(seed=1), {}]) == [{}, {}]
    assert differences([]) == []
    other = {"data": "digits", **ClassifierSettings.of(batch=7).record()}
    assert differences([classifier, other])[1] == {"batch": 7}


def test_text():
    values = {"hidden": 20, "lr": 0.30000001, "clip": None, "independent": True, "strengths": [1.0, 2.5], "layers": []}
    assert differences_text(values) == "hidden 20, lr 0.3, clip none, independent on, strengths 1,2.5, layers none"
    assert (value_text(False), value_text("tanh")) == ("off", "tanh")
