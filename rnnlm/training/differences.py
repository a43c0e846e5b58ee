"""What differs between several runs: the settings by which their figures and their curves are told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..options import Declared, declared
from .classifier_settings import ClassifierSettings
from .run_settings import RunSettings
from .settings import Settings

# What a run learns does not depend on these.
_OF_NO_MATTER = ("output", "save_every", "resume", "trust")
DEFAULT = "default"


def differences(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each run the settings that are not the same for all of them, by name, as JSON has them.

    `records` are the runs' records: the entries of the kind "run" in their models' logs. Only what was asked for
    counts. Where runs differ in the optimizer, and for that reason alone in the rate, only the optimizer is named. A
    value that a run left to its default is the value that it got, or "default" where that depends on the data. A run
    whose model, optimizer or schedule does not have an option lacks its name. Nothing differs, as far as can be said,
    between language models and classifiers, and where a run has no record.
    """
    found: list[dict[str, Any]] = [{} for _ in records]
    kinds = {_settings_class(record) for record in records}
    cls = kinds.pop() if len(kinds) == 1 else None
    if cls is None:
        return found
    for name, declaration in sorted(declared(cls).items(), key=lambda one: one[0] != "model"):  # the model first
        asked = [_as_json(record.get(name, declaration.default)) for record in records]
        if name in _OF_NO_MATTER or all(value == asked[0] for value in asked):
            continue
        used = [_used(cls, declaration, record) for record in records]
        if any(value != used[0] for value in used):
            for run, values in zip(found, used, strict=True):
                run |= values
    return found


def value_text(value: Any) -> str:
    """A value of `differences` as it stands in tables and legends."""
    if isinstance(value, list):
        return ",".join(map(value_text, value)) or "none"
    if value is None or isinstance(value, bool):
        return "none" if value is None else "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def differences_text(values: Mapping[str, Any]) -> str:
    """What tells one run from the others in a line of text: "hidden 20, optimizer adam"; empty where nothing does."""
    return ", ".join(f"{name} {value_text(value)}" for name, value in values.items())


def _settings_class(record: Mapping[str, Any]) -> type[RunSettings] | None:
    return Settings if "text" in record else ClassifierSettings if "data" in record else None


def _used(cls: type[RunSettings], declaration: Declared, record: Mapping[str, Any]) -> dict[str, Any]:
    """The value that a run had of an option, by its name; nothing where its model or optimizer lacks the option."""
    name, option = declaration.name, declaration.option
    kind = cls.chosen(option.selector, record) if option.selector else None
    if kind is not None and not option.belongs_to(kind):
        return {}
    value = record.get(name, declaration.default)
    if value is None and not option.none:
        rate = record.get("learning_rate")
        default = option.default_of(kind)
        value = rate[name] if isinstance(rate, Mapping) and name in rate else DEFAULT if default is None else default
    return {name: _as_json(value)}


def _as_json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
