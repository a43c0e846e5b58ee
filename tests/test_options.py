"""Options declared once: what a declaration says of a value, and the classes that are made of several."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest

import rnnlm
from rnnlm.errors import UsageError, unknown_name
from rnnlm.models import MODELS, CustomLM
from rnnlm.option_help import signature
from rnnlm.option_sets import merge, refuse_others, subset, union
from rnnlm.options import as_dict, check, declared, make, option
from rnnlm.outputs.table import OutputOptions
from rnnlm.training import ClassifierSettings, Settings
from rnnlm.training.settings import ModelOptions


@dataclass(frozen=True, kw_only=True)
class Some:
    units: int = option(3, "Units.", metavar="U", least=1)
    share: float = option(0.5, "A share.", least=0, below=1)
    top: float | None = option(None, "A probability.", above=0, most=1, advice="as in 0.9")
    limit: float | None = option(5.0, "A limit.", above=0, none="no limit")
    rule: str = option("norm", "A rule.", choices=("norm", "value"))
    late: str = option("a", "Words that are worked out.", choices=lambda: ("a", "b"))
    deep: bool = option(False, "A switch.")
    sizes: str | Sequence[int] | None = option(None, "Sizes.")
    file: str | Path | None = option(None, "A file.")
    plain: int = 7  # a field that is no option


@dataclass(frozen=True, kw_only=True)
class Deeper(Some):
    units: int = 4
    deep: bool = True


def test_what_a_declaration_says():
    known = declared(Some)
    assert list(known) == ["units", "share", "top", "limit", "rule", "late", "deep", "sizes", "file"]
    assert {name: one.default for name, one in known.items()} == {
        "units": 3, "share": 0.5, "top": None, "limit": 5.0, "rule": "norm", "late": "a", "deep": False, "sizes": None,
        "file": None,
    }  # fmt: skip
    assert [name for name, one in known.items() if one.optional] == ["top", "limit", "sizes", "file"]
    assert [name for name, one in known.items() if one.is_flag] == ["deep"]
    assert (known["rule"].choices, known["late"].choices, known["units"].choices) == (("norm", "value"), ("a", "b"), ())
    assert known["units"].range() == "units >= 1"
    assert known["share"].range() == "0 <= share < 1"
    assert known["top"].range() == "0 < top <= 1"
    assert known["limit"].range() == "limit > 0"
    assert known["rule"].range() == ""


def test_a_subclass_that_changes_a_default_keeps_the_declaration():
    units, deep = declared(Deeper)["units"], declared(Deeper)["deep"]
    assert (units.default, deep.default) == (4, True)
    assert units.option == declared(Some)["units"].option
    with pytest.raises(UsageError, match=r"^units=0 is too small\. Give units >= 1\.$"):
        make(Deeper, {"units": 0})


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"units": 0}, "units=0 is too small. Give units >= 1."),
        ({"units": None}, "units=None is not possible. Give units >= 1."),
        ({"units": "3"}, "units=3 is not possible. Give units >= 1."),
        ({"share": 1}, "share=1 is not possible. Give 0 <= share < 1."),
        ({"share": -0.1}, "share=-0.1 is not possible. Give 0 <= share < 1."),
        ({"share": float("nan")}, "share=nan is not possible. Give 0 <= share < 1."),
        ({"top": 0}, "top=0 is not possible. Give 0 < top <= 1, as in 0.9."),
        ({"top": 1.01}, "top=1.01 is not possible. Give 0 < top <= 1, as in 0.9."),
        ({"limit": 0.0}, "limit=0.0 is not possible. Give limit > 0, or none for no limit."),
        ({"limit": float("inf")}, "limit=inf is not possible. Give limit > 0, or none for no limit."),
        ({"rule": "length"}, "rule='length' is not known. Give one of norm, value."),
        ({"rule": "valeu"}, "rule='valeu' is not known. Did you mean value? Give one of norm, value."),
        ({"rule": None}, "rule=None is not known. Give one of norm, value."),
        ({"late": "c"}, "late='c' is not known. Give one of a, b."),
        ({"unit": 3}, "option 'unit' is not known. Did you mean units? Options are units, share, top, limit, rule, "
                      "late, deep, sizes, file."),
        ({"plain": 3}, "option 'plain' is not known. Options are units, share, top, limit, rule, late, deep, sizes, "
                       "file."),
    ],
)  # fmt: skip
def test_what_is_refused(keywords, message):
    with pytest.raises(UsageError) as refused:
        make(Some, keywords)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "keywords",
    [{}, {"units": 1}, {"share": 0}, {"top": 1}, {"top": None}, {"limit": None}, {"limit": 1e-9}, {"late": "b"}],
)
def test_what_is_allowed(keywords):
    assert make(Some, keywords) == Some(**keywords)
    check(Some(**keywords))


def test_the_kind_of_thing_is_named_in_the_error():
    with pytest.raises(UsageError, match=r"^setting 'unitz' is not known\. Did you mean units\? Settings are units, "):
        make(Some, {"unitz": 3}, what="setting")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("units", 4, 4), ("share", 1, 1.0), ("share", 0.25, 0.25), ("limit", "none", None), ("limit", None, None),
        ("rule", "none", "none"), ("deep", True, True), ("sizes", [3, 4], (3, 4)), ("sizes", "3,4", "3,4"),
        ("file", "a/b", "a/b"), ("file", "none", "none"), ("top", 1, 1.0),
    ],
)  # fmt: skip
def test_values_of_a_file(name, value, expected):
    found = declared(Some)[name].convert(value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("units", "4", "units = '4' is not a whole number"), ("units", 4.0, "units = 4.0 is not a whole number"),
        ("units", True, "units = True is not a whole number"),
        ("units", "none", "units = 'none' is not a whole number"),
        ("share", "x", "share = 'x' is not a number"), ("share", False, "share = False is not a number"),
        ("rule", 3, "rule = 3 is not a text"), ("deep", 1, "deep = 1 is not true or false"),
        ("share", [1], r"share = \[1\] is not a number"),
    ],
)  # fmt: skip
def test_values_of_a_file_that_are_of_another_type(name, value, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        declared(Some)[name].convert(value)


def test_values_for_a_file():
    assert as_dict(Some(file=Path("a/b"), sizes=(1, 2))) == {
        "units": 3, "share": 0.5, "top": None, "limit": 5.0, "rule": "norm", "late": "a", "deep": False,
        "sizes": [1, 2], "file": "a/b", "plain": 7,
    }  # fmt: skip


def test_help_shows_the_options_instead_of_keywords():
    def function(text: str, units: int = 9, **keywords):
        """Takes options."""

    signature(function, Some, without=("file",))
    shown = inspect.signature(function).parameters
    assert list(shown) == ["text", "units", "share", "top", "limit", "rule", "late", "deep", "sizes"]
    assert (shown["units"].default, shown["limit"].default) == (9, 5.0)
    assert shown["limit"].kind is inspect.Parameter.KEYWORD_ONLY
    said = inspect.getdoc(function).splitlines()
    assert said[:3] == ["Takes options.", "", "Options:"]
    assert [line.split("=")[0].strip() for line in said[3:]] == list(shown)[2:]


def test_help_lists_every_option_of_a_training_by_group():
    said = inspect.getdoc(rnnlm.train).split("\n\n")
    groups = dict(part.split(":\n", 1) for part in said[2:])
    assert list(groups) == ["Text", "Model", "Output", "Training", "Regularisation", "Files", "Machine"]
    lines = [line for group in groups.values() for line in group.splitlines() if line[4] != " "]
    names = {line.split("=")[0].strip() for line in lines}
    assert names == set(declared(Settings)) - {"text"}
    assert max(map(len, inspect.getdoc(rnnlm.train).splitlines())) <= 120
    assert "    seed=1                      Same seed, same model." in groups["Training"].splitlines()
    assert (
        "    lr=None                     Learning rate; the optimizer's own default without it." in groups["Training"]
    )


@dataclass(frozen=True, kw_only=True)
class Other:
    units: int = option(3, "Units.", metavar="U", least=1)
    noise: float = option(0.1, "Noise.", least=0)


@dataclass(frozen=True, kw_only=True)
class Third:
    units: int = option(8, "Units.", metavar="U", least=1)
    rule: str = option("value", "A rule.", choices=("value", "length"))
    inner: str = option("", "Nobody's business.", group="")


def test_options_that_stand_beside_each_other():
    both = merge("Both", [Some, Other])
    assert [f.name for f in fields(both)] == [*declared(Some), "noise"]
    assert declared(both)["limit"].option == declared(Some)["limit"].option
    assert (both().units, both().noise) == (3, 0.1)
    with pytest.raises(TypeError, match="Third declares units in another way than a class before it"):
        merge("Both", [Some, Third])


ONE_OF = union("OneOf", "model", {"some": Some, "other": Other, "third": Third})


def test_options_of_which_one_kind_is_chosen():
    known = declared(ONE_OF)
    assert "inner" not in known
    assert known["units"].default is None  # each kind has its own
    assert (known["units"].option.kinds, known["units"].option.usual) == ((), "the model's own")
    assert (known["noise"].default, known["noise"].option.fallback) == (None, 0.1)
    assert (known["noise"].option.kinds, known["noise"].option.usual) == (("other",), "0.1")
    assert known["deep"].option.usual == ""  # without a switch it is off
    assert known["rule"].option.kinds == ("some", "third")
    assert known["rule"].choices == ("norm", "value", "length")  # what the help lists
    chosen = ONE_OF(units=2, rule="length")
    assert subset(Third, chosen) == {"units": 2, "rule": "length"}
    assert subset(Other, ONE_OF(noise=0.0)) == {"noise": 0.0}
    same = union("Same", "model", {"some": Some, "other": Other})
    assert (declared(same)["units"].default, declared(same)["units"].option.kinds) == (3, ())


def test_what_all_kinds_allow_is_checked_at_once_and_the_rest_by_the_kind():
    with pytest.raises(UsageError, match=r"^units=0 is too small\. Give units >= 1\.$"):
        check(ONE_OF(units=0))
    check(ONE_OF(rule="length"))
    check(ONE_OF(rule="norm"))
    with pytest.raises(UsageError, match=r"^rule='norm' is not known\. Give one of value, length\.$"):
        make(Third, subset(Third, ONE_OF(rule="norm")))


def test_an_option_of_another_kind_is_refused_even_at_its_default():
    refuse_others(ONE_OF(noise=0.1), "model", "other")
    refuse_others(ONE_OF(noise=0.1), "optimizer", "third")  # another choice's business
    message = r"^noise=0\.1 is for the model other, and this is some\. Leave it out\.$"
    with pytest.raises(UsageError, match=message):
        refuse_others(ONE_OF(noise=0.1), "model", "some")
    with pytest.raises(UsageError, match=r"^rule='norm' is for the model some or third, and this is mine\.py:step\."):
        refuse_others(ONE_OF(rule="norm"), "model", "other", "mine.py:step")


def test_the_nearest_name():
    assert unknown_name("model 'elmann'", "elmann", ["elman", "jordan"]) == (
        "model 'elmann' is not known. Did you mean elman? Give one of elman, jordan."
    )
    assert unknown_name("model 'ELMAN'", "ELMAN", ["elman"]) == (
        "model 'ELMAN' is not known. Did you mean elman? Give one of elman."
    )
    assert unknown_name("setting 'q'", "q", iter(["a", "b"]), allowed="Settings are") == (
        "setting 'q' is not known. Settings are a, b."
    )


def test_every_option_of_a_run_says_what_it_is():
    for cls in (Settings, ClassifierSettings):
        for name, one in declared(cls).items():
            assert one.option.help.endswith("."), name
            assert one.option.group, name
            assert not one.is_flag or one.default in (False, None) or one.option.fallback, name
        assert set(declared(cls)) == {f.name for f in fields(cls)}


def test_the_options_of_the_models_are_those_of_their_classes():
    """A model's option reaches the settings of a run, and a run's defaults are the model's own."""
    kinds = {**MODELS, "custom": CustomLM}
    for kind, model in kinds.items():
        for name, one in declared(model.Options).items():
            if one.option.group:
                joined = declared(ModelOptions)[name]
                assert not joined.option.kinds or kind in joined.option.kinds
                assert joined.default in (None, one.default)
                assert set(one.choices) <= set(joined.choices)
    assert {"classes", "class_by"} <= set(declared(OutputOptions))
    assert declared(OutputOptions).keys() <= declared(ModelOptions).keys()


@dataclass(frozen=True, kw_only=True)
class Plain:
    depth: int = option(1, "Layers.")
    skip: bool = option(False, "Connect over a layer.")


@dataclass(frozen=True, kw_only=True)
class Deep:
    depth: int = option(4, "Layers.")
    skip: bool = option(True, "Connect over a layer.")


@dataclass(frozen=True, kw_only=True)
class Bare:
    depth: int = option(1, "Layers.")


def test_each_kind_keeps_its_own_default():
    """A kind that declares an option of another kind with another default changes nothing for that kind."""
    Kinds = union("Kinds", "network", {"plain": Plain, "deep": Deep, "bare": Bare})
    depth, skip = (declared(Kinds)[name] for name in ("depth", "skip"))
    assert (depth.default, skip.default) == (None, None)
    assert [depth.option.default_of(kind) for kind in ("plain", "deep", "bare")] == [1, 4, 1]
    assert [skip.option.default_of(kind) for kind in ("plain", "deep")] == [False, True]
    assert [skip.option.belongs_to(kind) for kind in ("plain", "deep", "bare")] == [True, True, False]
    refuse_others(Kinds(depth=3), "network", "bare")  # which has this option, as all have
    with pytest.raises(UsageError, match=r"skip=True is for the network plain or deep, and this is bare"):
        refuse_others(Kinds(skip=True), "network", "bare")


def test_a_value_that_asks_for_nothing_is_no_option_of_another_kind():
    settings = {"direct": False, "feedback": "distribution", "kernel": None}
    for name, value in settings.items():
        refuse_others(Settings(model="rnnlm", **{name: value}), "model", "rnnlm")
    for name, value in {"direct": True, "feedback": "embedding", "kernel": 3, "order": 5}.items():
        with pytest.raises(UsageError, match=rf"{name}=.* Leave it out\."):
            refuse_others(Settings(model="rnnlm", **{name: value}), "model", "rnnlm")


def test_numbers_of_numpy_are_numbers():
    made = make(Some, {"units": np.int64(5), "share": np.float32(0.25), "top": np.float64(0.5)})
    assert (made.units, made.share, made.top) == (5, 0.25, 0.5)
    assert [type(value) for value in (made.units, made.share)] == [int, float]
    with pytest.raises(UsageError, match=r"units=0 is too small\. Give units >= 1\."):
        make(Some, {"units": np.int64(0)})


def test_the_help_of_the_model_lists_every_kind():
    help = declared(Settings)["model"].option.help
    assert help.startswith("elman, jordan, rnnlm (Mikolov's), ")
    assert all(name in help for name in MODELS)
