"""The length of a run, and a run's settings with every default written out."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from ..optim import OPTIMIZERS
from ..options import Declared, declared
from ..text.windows import window_count
from .classifier_settings import ClassifierSettings
from .learning_rate import classifier_rate_for, rate_for
from .settings import Settings

DEFAULT_WORDS = 8_000_000  # that a run reads in all by default: a minute or two on an ordinary machine


def epochs_for(tokens: int) -> int:
    """The default number of epochs for a text of so many tokens: about 8 million words in all, but 1 to 20 epochs."""
    return max(1, min(20, round(DEFAULT_WORDS / tokens)))


def length_of(settings: Any, tokens: int) -> tuple[int, int]:
    """The number of epochs, and that of updates, of a language model's run over so many tokens.

    `settings` is any object with the names `streams`, `block`, `epochs` and `max_updates`.
    """
    windows = window_count(tokens, settings.streams, settings.block)
    default = ceil(settings.max_updates / windows) if settings.max_updates else epochs_for(tokens)
    epochs = default if settings.epochs is None else settings.epochs
    return epochs, settings.max_updates or epochs * windows


def as_used(record: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """How a model was trained, every default written out, from the record of its run and the model's `config`: the
    optimizer with its constants, rate and clip, the schedule with its options, and how the data were read.

    Rate and warm-up are those of the record's `learning_rate`; earlier versions recorded none, and had the rates of 200
    units. Left out are the length of the run, defaults of 0, and what the record of an older version does not hold.
    """
    is_text = "text" in record
    cls: Any = Settings if is_text else ClassifierSettings
    used: dict[str, Any] = {}
    for name, declaration in declared(cls).items():
        of_training = declaration.option.group in ("Training", "Regularisation") and name not in config
        if of_training and name in record and _applies(declaration, record):
            value, option = record[name], declaration.option
            used[name] = option.default_of(record.get(option.selector)) or None if value is None else value
    recorded = record.get("learning_rate")
    used |= recorded if isinstance(recorded, dict) else {}
    optimizer = record.get("optimizer")
    if used.get("lr") is None and optimizer in OPTIMIZERS:
        used["lr"] = rate_for(optimizer, config.get("activation")) if is_text else classifier_rate_for(optimizer)
    return {name: value for name, value in used.items() if value is not None or name in ("clip",)}


def _applies(declaration: Declared, record: Mapping[str, Any]) -> bool:
    """Whether the model, optimizer or schedule of the record has the option."""
    return declaration.option.belongs_to(record.get(declaration.option.selector))
