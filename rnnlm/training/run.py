"""A training run from settings to a model file: what `rnnlm train` and `rnnlm.train` both do."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError
from ..evaluation.perplexity import Perplexity, perplexity
from ..models import MODELS, CustomLM
from ..models.recurrent import RecurrentLM
from ..optim.optimizers import OPTIMIZERS
from ..optim.schedules import schedule_of
from ..own_source import file_of
from ..text.windows import window_count
from . import data, memory
from .checkpoint import Checkpoint
from .events import Observer
from .place import Place
from .settings import Settings, epochs_for, warmup_for
from .trainer import Trainer

# Where `--lr` is not given: a logistic unit has a quarter of tanh's slope, so it bears, and needs, a larger rate; the
# units that know no ceiling blow up at the rate of tanh.
RATE_FACTOR = {"logistic": 3.0, "relu": 0.2, "clipped_relu": 0.2, "leaky_relu": 0.2, "elu": 0.3}


# Settings that only some models have.
OWN = {
    "feedback": ("jordan",),
    "order": ("bengio",),
    "embedding": ("bengio", "convolution"),
    "direct": ("bengio",),
    "kernel": ("convolution",),
}


class Run:
    """One training run: its texts, model and trainer. Everything is checked here, before the first update.

    `fit()` trains and writes the model; `test()` reports on the test text, once. With `output` the model goes there and
    the checkpoints to `output`.checkpoint, which is removed when the run ends by itself. `command` is what was typed,
    for the model's record. A new model is made on the host and then moved to the `device`, so that one seed starts from
    the same weights everywhere. Raises UsageError and DataError as the settings deserve, OutOfMemory where the device
    has less than is needed.
    """

    def __init__(self, settings: Settings, *, observers: Sequence[Observer] = (), command: str = "") -> None:
        settings, self.device = settings.on_this_machine()
        self.settings = settings
        sources = {name: getattr(settings, name) for name in ("text", "valid", "test")}
        sources["recurrence"] = file_of(settings.model)
        sources["tokenizer"] = file_of(settings.tokens or "")
        self.place = Place(settings.output, settings.resume, sources)
        self.output, snapshot = self.place.output, self.place.snapshot
        self._check()
        resumed = snapshot.model(RecurrentLM) if snapshot else None
        self.data = data.load(settings, resumed.encoding if resumed else None)
        record = settings.record()
        record |= {f"data.{name}": value for name, value in self.data.hashes.items()}
        if snapshot is not None:
            snapshot.require_same(record)
        self.model = resumed or self._new_model(record, command)
        window_count(len(self.data.train), settings.streams, settings.block)  # a UsageError for more streams than words
        self.needs = memory.of_training(
            self.model,
            OPTIMIZERS[settings.optimizer],
            block=settings.block,
            horizon=settings.horizon,
            streams=settings.streams,
        )
        with memory.told(self.needs, self.device):
            self.model.to(self.device)
            self.trainer = self._trainer(self.place.checkpoint(record, settings.save_every), observers)
            self.place.restore(self.trainer)
        self.resumed = snapshot is not None

    def fit(self) -> str:
        """Train, write the model and return why training ended ("interrupted" after Ctrl-C)."""
        with memory.told(self.needs, self.device):
            return self.place.fit(self.trainer, self.model, lambda: self.trainer.fit(self.data.train, self.data.valid))

    def test(self) -> Perplexity | None:
        """The perplexity of the test text; None when the run has none."""
        if self.data.test is None:
            return None
        with np.errstate(all="ignore"), memory.told_scoring(self.model, 1):
            return perplexity(self.model, self.data.test)

    def _check(self) -> None:
        s = self.settings
        s.check()
        if s.model not in MODELS and file_of(s.model) is None:
            raise UsageError(
                f"model {s.model!r} is not known. Give one of {', '.join(MODELS)}, or your own as path/to/file.py:NAME."
            )
        for name, kinds in OWN.items():
            value = getattr(s, name)
            if s.model not in kinds and value != getattr(Settings, name):
                raise UsageError(
                    f"{name}={value!r} is for the model {' or '.join(kinds)}, and this is {s.model}. Leave it out."
                )
        for name in ("block", "streams"):
            if getattr(s, name) < 1:
                raise UsageError(f"{name}={getattr(s, name)} is too small. Give {name} >= 1.")

    def _new_model(self, record: dict[str, Any], command: str) -> RecurrentLM:
        s = self.settings
        config: dict[str, Any] = {
            name: getattr(s, name)
            for name in (
                "hidden",
                "classes",
                "class_by",
                "dropout",
                "input_dropout",
                "independent",
                "seed",
                "dtype",
            )
        }
        own = ["layers", "activation", *(name for name, kinds in OWN.items() if s.model in kinds)]
        config |= {name: value for name in own if (value := getattr(s, name)) is not None}
        kind = MODELS.get(s.model, CustomLM)
        if kind is CustomLM:
            config["recurrence"] = s.model
        model = kind(self.data.train.encoding, **config)
        model.log.append({"kind": "run", "command": command, "text": str(s.text), **record})
        return model

    def _trainer(self, checkpoint: Checkpoint | None, observers: Sequence[Observer]) -> Trainer:
        s = self.settings
        kind = OPTIMIZERS[s.optimizer]
        activation = self.model.config.get("activation", "")  # a recurrence of the user's own has none by name
        rate = kind.default_rate * RATE_FACTOR.get(activation, 1.0) if s.lr is None else s.lr
        windows = window_count(len(self.data.train), s.streams, s.block)
        usual = ceil(s.max_updates / windows) if s.max_updates else epochs_for(len(self.data.train))
        epochs = usual if s.epochs is None else s.epochs
        updates = s.max_updates or epochs * windows
        return Trainer(
            self.model,
            kind(self.model.params, rate, l2=s.l2, decay=s.weight_decay),
            block=s.block,
            horizon=s.horizon,
            streams=s.streams,
            clip=s.clip,
            clip_by=s.clip_by,
            schedule=schedule_of(s, epochs),
            warmup=warmup_for(updates) if s.warmup is None else s.warmup,
            epochs=epochs,
            max_updates=s.max_updates,
            seed=s.seed,
            checkpoint=checkpoint,
            observers=observers,
        )


def train(text: str | Path = "kjv", **settings: Any) -> RecurrentLM:
    """Train a model on a text and return it: `rnnlm.train("text.txt", hidden=200)`.

    The keywords are the fields of `Settings`, which are the options of `rnnlm train`. With `output` the model is
    written there too. Raises UsageError, DataError, TrainingError and OutOfMemory.
    """
    run = Run(Settings.of(text=text, **settings))
    run.fit()
    return run.model
