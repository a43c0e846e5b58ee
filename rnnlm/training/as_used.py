"""Defaults that depend on other settings (learning rate, length, warm-up), and a run's settings with all defaults."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from ..optim import OPTIMIZERS
from ..options import Declared, declared
from ..text.windows import window_count
from .classifier_settings import ClassifierSettings
from .settings import Settings

# Of language models: the slope of a logistic unit is a quarter of tanh's, so it needs a larger rate; units without an
# upper bound diverge at the rate of tanh.
RATE_BY_ACTIVATION = {"logistic": 3.0, "relu": 0.2, "clipped_relu": 0.2, "leaky_relu": 0.2, "elu": 0.3}
# Of classifiers: the factors of the optimizers' default rates, which are meant for recurrent networks.
RATE_BY_OPTIMIZER = {"sgd": 0.2, "adam": 0.2, "momentum": 0.2, "nesterov": 0.2, "adagrad": 0.1, "row-adagrad": 0.1}
DEFAULT_WORDS = 8_000_000  # that a run reads in all by default: a minute or two on an ordinary machine
MAX_WARMUP = 300  # updates


def epochs_for(tokens: int) -> int:
    """The default number of epochs for a text of so many tokens: about 8 million words in all, but 1 to 20 epochs."""
    return max(1, min(20, round(DEFAULT_WORDS / tokens)))


def warmup_for(updates: int) -> int:
    """The default warm-up of a run of so many updates: a tenth of them, but 300 at most."""
    return min(MAX_WARMUP, updates // 10)


def rate_for(optimizer: str, activation: str | None) -> float:
    """The default learning rate of a language model with this activation, None for a recurrence of the user's own."""
    return OPTIMIZERS[optimizer].default_rate * RATE_BY_ACTIVATION.get(activation or "", 1.0)


def classifier_rate_for(optimizer: str) -> float:
    """The default learning rate of a classifier with this optimizer."""
    return OPTIMIZERS[optimizer].default_rate * RATE_BY_OPTIMIZER.get(optimizer, 1.0)


def length_of(settings: Any, tokens: int) -> tuple[int, int]:
    """The number of epochs, and the warm-up in updates, of a language model's run over so many tokens.

    `settings` is any object with the names `streams`, `block`, `epochs`, `max_updates` and `warmup`.
    """
    windows = window_count(tokens, settings.streams, settings.block)
    default = ceil(settings.max_updates / windows) if settings.max_updates else epochs_for(tokens)
    epochs = default if settings.epochs is None else settings.epochs
    updates = settings.max_updates or epochs * windows
    return epochs, warmup_for(updates) if settings.warmup is None else settings.warmup


def as_used(record: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """How a model was trained, every default written out, from the record of its run and the model's `config`: the
    optimizer with its constants, rate and clip, the schedule with its options, and how the data were read.

    Left out are the length of the run, defaults of 0, and what the record of an older version does not hold.
    """
    is_text = "text" in record
    cls: Any = Settings if is_text else ClassifierSettings
    used: dict[str, Any] = {}
    for name, declaration in declared(cls).items():
        of_training = declaration.option.group in ("Training", "Regularisation") and name not in config
        if of_training and name in record and _applies(declaration, record):
            value, option = record[name], declaration.option
            used[name] = option.default_of(record.get(option.selector)) or None if value is None else value
    optimizer = record.get("optimizer")
    if used.get("lr") is None and optimizer in OPTIMIZERS:
        used["lr"] = rate_for(optimizer, config.get("activation")) if is_text else classifier_rate_for(optimizer)
    return {name: value for name, value in used.items() if value is not None or name in ("clip",)}


def _applies(declaration: Declared, record: Mapping[str, Any]) -> bool:
    """Whether the model, optimizer or schedule of the record has the option."""
    return declaration.option.belongs_to(record.get(declaration.option.selector))
