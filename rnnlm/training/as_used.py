"""What a run uses where nobody says: the learning rate, the length, the warm-up; and all of it for a person."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from ..optim import OPTIMIZERS, SCHEDULES
from ..options import Declared, declared
from ..text.windows import window_count
from .classifier_settings import ClassifierSettings
from .settings import Settings

# Of language models: a logistic unit has a quarter of tanh's slope, so it bears, and needs, a larger rate; the units
# that know no ceiling blow up at the rate of tanh.
RATE_BY_ACTIVATION = {"logistic": 3.0, "relu": 0.2, "clipped_relu": 0.2, "leaky_relu": 0.2, "elu": 0.3}
# Of classifiers: what the optimizers' own defaults for recurrent networks are multiplied by.
RATE_BY_OPTIMIZER = {"sgd": 0.2, "adam": 0.2, "momentum": 0.2, "nesterov": 0.2, "adagrad": 0.1, "row-adagrad": 0.1}
WORDS_READ = 8_000_000  # by a run that nobody told how long to be: a minute or two on an ordinary machine
LONGEST_WARMUP = 300  # updates


def epochs_for(tokens: int) -> int:
    """How often a text of this length is read when nobody says: about 8 million words in all, but 1 to 20 epochs."""
    return max(1, min(20, round(WORDS_READ / tokens)))


def warmup_for(updates: int) -> int:
    """How many updates the learning rate takes to rise in a run of so many: a tenth, but 300 at most."""
    return min(LONGEST_WARMUP, updates // 10)


def rate_for(optimizer: str, activation: str | None) -> float:
    """The learning rate of a language model whose units have this activation, None for a recurrence of one's own."""
    return OPTIMIZERS[optimizer].default_rate * RATE_BY_ACTIVATION.get(activation or "", 1.0)


def classifier_rate_for(optimizer: str) -> float:
    """The learning rate of a classifier."""
    return OPTIMIZERS[optimizer].default_rate * RATE_BY_OPTIMIZER.get(optimizer, 1.0)


def length_of(settings: Any, tokens: int) -> tuple[int, int]:
    """The epochs and the warm-up, in updates, of a run over so many tokens; `settings` are those of a language model
    (any object with their names)."""
    windows = window_count(tokens, settings.streams, settings.block)
    usual = ceil(settings.max_updates / windows) if settings.max_updates else epochs_for(tokens)
    epochs = usual if settings.epochs is None else settings.epochs
    updates = settings.max_updates or epochs * windows
    return epochs, warmup_for(updates) if settings.warmup is None else settings.warmup


def as_used(record: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """How a model was trained, every default written out, from the record of its run and the model's `config`: the
    optimizer with its constants, rate and clip, the schedule with its options, and how the data were read.

    What a record of an older version does not say is left out, as the length of a run is.
    """
    is_text = "text" in record
    cls: Any = Settings if is_text else ClassifierSettings
    used: dict[str, Any] = {}
    for name, one in declared(cls).items():
        trains = one.option.group in ("Training", "Regularisation") and name not in config
        if trains and name in record and _applies(one, record):
            value = record[name]
            used[name] = one.option.fallback if value is None else value
    optimizer = record.get("optimizer")
    if used.get("lr") is None and optimizer in OPTIMIZERS:
        used["lr"] = rate_for(optimizer, config.get("activation")) if is_text else classifier_rate_for(optimizer)
    schedule: Any = SCHEDULES.get(record.get("schedule", ""))
    for name, one in declared(schedule).items() if schedule else ():
        if used.get(name) is None and name in used and one.default:
            used[name] = one.default
    return {name: value for name, value in used.items() if value is not None or name in ("clip",)}


def _applies(one: Declared, record: Mapping[str, Any]) -> bool:
    """Whether the chosen model, optimizer or schedule has the option."""
    return not one.option.kinds or record.get(one.option.selector) in one.option.kinds
