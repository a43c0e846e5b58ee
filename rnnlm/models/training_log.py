"""The training log of a model file, checked: a list of entries, of which `info`, `plot` and resumed runs read some."""

from __future__ import annotations

import math
from typing import Any

from ..errors import DataError
from ..stored import Stored, shown

# What every run writes into an entry of each kind, and what else may be there; entries may say more. A field is of one
# of these types, of which NoneType stands for null. A number is finite, and a whole number alone is not negative.
_NOTHING = type(None)
_NEEDED: dict[str, dict[str, tuple[type, ...]]] = {
    "update": {"updates": (int,), "nll": (int, float), "norm": (int, float, _NOTHING), "learning_rate": (int, float)},
    "epoch": {
        "epoch": (int,),
        "updates": (int,),
        "train_nll": (int, float),
        "valid_nll": (int, float, _NOTHING),
        "best": (bool,),
        "restored": (bool,),
        "learning_rate": (int, float),
        "stop": (str,),
    },
}
_MAY: dict[str, dict[str, tuple[type, ...]]] = {
    "update": {"epoch": (int,)},
    "epoch": {"train_accuracy": (int, float, _NOTHING), "valid_accuracy": (int, float, _NOTHING)},
    "run": {
        **dict.fromkeys(("command", "text", "data"), (str,)),
        **dict.fromkeys(("data.train", "data.fit"), (str,)),
        **dict.fromkeys(("data.train_tokens", "data.train_examples", "data.valid_tokens", "valid_left_out"), (int,)),
        **dict.fromkeys(("model", "optimizer", "schedule", "smoothing"), (str, _NOTHING)),
        **dict.fromkeys(("notes", "members"), (list,)),
        **dict.fromkeys(("fit", "learning_rate"), (dict,)),
    },
    "verdict": {"text": (str,), **dict.fromkeys(("nll", "unigram", "uniform"), (int, float))},
}
LARGEST = 1 << 63  # whole numbers of a log are below it: counts, and figures that happen to be whole
_WORDS = {int: "a whole number >= 0", float: "a finite number", str: "a text", bool: "true or false", list: "a list"}
_WORDS |= {dict: "an object", _NOTHING: "null"}


def read_training_log(stored: Stored) -> list[dict[str, Any]]:
    """Return the log in the file of a model. DataError that names an entry which is not what a log holds."""
    log = stored.json("log", nan=True)  # earlier versions wrote NaN for figures that a fit does not have
    if not isinstance(log, list):
        raise DataError(f"the array {stored.prefix}log is {shown(log)}. It must be a list of entries.")
    for number, entry in enumerate(log):
        where = f"entry {number} of the training log"
        if not isinstance(entry, dict) or not isinstance(entry.get("kind"), str):
            raise DataError(f"{where} is {shown(entry)}. It must be an object with a text as its kind.")
        _check(entry, where)
    return log


def require_complete(log: list[dict[str, Any]]) -> None:
    """Raise DataError for a log with an entry that lacks what every run writes, and which `info` and `plot` show."""
    for number, entry in enumerate(log):
        for name in _NEEDED.get(entry["kind"], {}):
            if name not in entry:
                raise DataError(f"entry {number} of the training log, of the kind {entry['kind']}, has no {name}.")


def _check(entry: dict[str, Any], where: str) -> None:
    kind = entry["kind"]
    allowed = _NEEDED.get(kind, {}) | _MAY.get(kind, {})
    for name, value in entry.items():
        if name in allowed and not _is_one_of(value, allowed[name]):
            words = " or ".join(dict.fromkeys(_WORDS[type_] for type_ in allowed[name]))
            raise DataError(f"{name} in {where} is {shown(value)}. It must be {words}.")
    if kind == "run":
        _check_run(entry, where)


def _check_run(entry: dict[str, Any], where: str) -> None:
    """Of the record of a run: what `info` reads of it belongs together, and its settings are plain values."""
    for name in ("notes", "members"):
        if not all(isinstance(text, str) for text in entry.get(name, [])):
            raise DataError(f"{name} in {where} is no list of texts.")
    for name, value in entry.items():
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
        if any(isinstance(part, list | dict) for part in parts):
            raise DataError(f"{name} in {where} is {shown(value)}, in which there are lists or objects again.")
    together = {"data.train": ("text", "data.train_tokens"), "data.fit": ("text", "fit")}
    if "text" not in entry:
        together["data.train"] = ("data", "data.train_examples")
    for name, others in together.items():
        missing = [other for other in others if name in entry and other not in entry]
        if missing:
            raise DataError(f"{where} has {name} and no {missing[0]}.")
    for name, value in entry.get("learning_rate", {}).items():
        if not _is_one_of(value, (int, float)):
            raise DataError(f"learning_rate.{name} in {where} is {shown(value)}. It must be a number.")
    fit = entry.get("fit")
    if fit is None:
        return
    counts = [fit.get(name) for name in ("tokens", "scored", "unknown")]
    if not (all(_is_one_of(count, (int,)) for count in counts) and _is_cross_entropy(fit.get("nll"))):
        raise DataError(f"fit in {where} must have the numbers of tokens, scored and unknown, and nll, a number >= 0.")


def _is_one_of(value: Any, types: tuple[type, ...]) -> bool:
    if type(value) is float:
        return float in types and math.isfinite(value)
    if type(value) is int and not (-LARGEST if float in types else 0) <= value < LARGEST:
        return False
    return type(value) in types


def _is_cross_entropy(value: Any) -> bool:
    """Infinity is one too: a word may have the probability 0."""
    return (type(value) is float and value >= 0) or (type(value) is int and 0 <= value < LARGEST)
