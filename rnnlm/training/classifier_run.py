"""A classifier from settings to a model file: what `rnnlm classify train` and `rnnlm.train_classifier` both do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets.shift import shifted
from ..errors import UsageError
from ..evaluation.confusion import Confusion
from ..models import CLASSIFIERS, Classifier
from ..optim.optimizers import OPTIMIZERS
from ..optim.schedules import schedule_of
from . import classifier_data, memory
from .checkpoint import Checkpoint
from .classifier_settings import ClassifierSettings
from .classifier_trainer import ClassifierTrainer, judge
from .events import Observer
from .place import Place

# Where `--lr` is not given: what the optimizers' own defaults for recurrent networks are divided by.
RATE_FACTOR = {"sgd": 0.2, "adam": 0.2, "momentum": 0.2, "nesterov": 0.2, "adagrad": 0.1, "row-adagrad": 0.1}


class ClassifierRun:
    """One training run: its data, model and trainer. Everything is checked here, before the first update.

    `fit()` trains and writes the model; `test()` reports on the test data, once. Output, checkpoint, `command`, the
    device and what is raised are as in `Run`.
    """

    def __init__(self, settings: ClassifierSettings, *, observers: Sequence[Observer] = (), command: str = "") -> None:
        settings, self.device = settings.on_this_machine()
        self.settings = settings
        settings.check()
        sources = {name: getattr(settings, name) for name in ("data", "valid", "test")}
        self.place = Place(settings.output, settings.resume, sources)
        self.output, snapshot = self.place.output, self.place.snapshot
        resumed = snapshot.model(Classifier) if snapshot else None  # type: ignore[type-abstract]
        self.data = classifier_data.load(settings, resumed)
        if settings.shift:
            shifted(self.data.train.x[:1], settings.shift, np.random.default_rng(0))  # a UsageError where it cannot be
        record = settings.record() | {f"data.{name}": value for name, value in self.data.hashes.items()}
        if snapshot is not None:
            snapshot.require_same(record)
        self.model = resumed or self._new_model(record, command)
        self.needs = memory.of_classifier(self.model, OPTIMIZERS[settings.optimizer], batch=settings.batch)
        with memory.told(self.needs, self.device):
            self.model.to(self.device)
            self.trainer = self._trainer(self.place.checkpoint(record, settings.save_every), observers)
            self.place.restore(self.trainer)
        self.resumed = snapshot is not None

    def fit(self) -> str:
        """Train, write the model and return why training ended ("interrupted" after Ctrl-C)."""
        with memory.told(self.needs, self.device):
            return self.place.fit(self.trainer, self.model, lambda: self.trainer.fit(self.data.train, self.data.valid))

    def test(self) -> Confusion | None:
        """The answers to the test data; None when the run has none."""
        if self.data.test is None:
            return None
        with np.errstate(all="ignore"):
            return judge(self.model, self.data.test)

    def _new_model(self, record: dict[str, Any], command: str) -> Classifier:
        s, train = self.settings, self.data.train
        # The blocks of a convnet that is not told any leave nothing of an image smaller than 16×16.
        images = len(train.shape) == 3 and (s.blocks is not None or min(train.shape[:2]) >= 16)
        kind = s.model or ("convnet" if images else "feedforward")
        if kind not in CLASSIFIERS:
            raise UsageError(f"model {kind!r} is not known. Give one of {', '.join(CLASSIFIERS)}.")
        config: dict[str, Any] = {
            name: getattr(s, name) for name in ("activation", "loss", "standardize", "seed", "dtype")
        }
        for name, owner in (("layers", "feedforward"), ("dropout", "feedforward"), ("blocks", "convnet")):
            if kind == owner and getattr(s, name) is not None:
                config[name] = getattr(s, name)
            elif kind != owner and getattr(s, name):
                given = f"{name}={getattr(s, name)!r}"
                raise UsageError(f"{given} is for the model {owner}, and this is {kind}. Leave it out. {_HINT[name]}")
        if isinstance(config.get("layers"), str):
            config["layers"] = _sizes(config["layers"])
        if isinstance(config.get("blocks"), str):
            config["blocks"] = [block.strip() for block in config["blocks"].split(",") if block.strip()]
        model = CLASSIFIERS[kind](train.shape, train.labels, **config)
        model.log.append({"kind": "run", "command": command, "data": str(s.data), **record})
        return model

    def _trainer(self, checkpoint: Checkpoint | None, observers: Sequence[Observer]) -> ClassifierTrainer:
        s = self.settings
        kind = OPTIMIZERS[s.optimizer]
        rate = kind.default_rate * RATE_FACTOR.get(s.optimizer, 1.0) if s.lr is None else s.lr
        return ClassifierTrainer(
            self.model,
            kind(self.model.params, rate, l2=s.l2, decay=s.weight_decay),
            batch=s.batch,
            balance=s.balance,
            shift=s.shift,
            clip=s.clip,
            clip_by=s.clip_by,
            schedule=schedule_of(s, s.epochs),
            warmup=s.warmup,
            epochs=s.epochs,
            max_updates=s.max_updates,
            seed=s.seed,
            checkpoint=checkpoint,
            observers=observers,
        )


_HINT = {
    "layers": "Its blocks say `affine UNITS`.",
    "dropout": "Its blocks say `dropout RATE`.",
    "blocks": "Rows of a table become images with shape=HEIGHTxWIDTHxCHANNELS.",
}


def _sizes(text: str) -> list[int]:
    """The layer sizes in "100,100"; nothing at all is a linear classifier."""
    try:
        return [int(size) for size in text.split(",") if size.strip()]
    except ValueError:
        raise UsageError(f"layers={text!r} are no sizes. Give whole numbers with commas, such as 100,100.") from None


def train_classifier(data: str | Path = "digits", **settings: Any) -> Classifier:
    """Train a classifier on labelled data and return it: `rnnlm.train_classifier("digits", epochs=10)`.

    The keywords are the fields of `ClassifierSettings`, which are the options of `rnnlm classify train`. With `output`
    the model is written there too. Raises UsageError, DataError, TrainingError and OutOfMemory.
    """
    run = ClassifierRun(ClassifierSettings.of(data=data, **settings))
    run.fit()
    return run.model
