"""A training run from settings to a model file: what `rnnlm train` and `rnnlm.train` both do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from .. import ops, storage
from ..errors import DataError, TrainingError, UsageError
from ..evaluation.perplexity import Perplexity, perplexity
from ..models import MODELS
from ..models.recurrent import RecurrentLM
from ..text.windows import window_count
from . import data
from .checkpoint import Checkpoint, Snapshot
from .events import Observer
from .optimizers import OPTIMIZERS
from .schedules import schedule
from .settings import FREE_ON_RESUME, Settings, epochs_for, warmup_for
from .trainer import Trainer

# Where `--lr` is not given: a logistic unit has a quarter of tanh's slope, so it bears, and needs, a larger rate; the
# units that know no ceiling blow up at the rate of tanh.
RATE_FACTOR = {"logistic": 3.0, "relu": 0.2, "clipped_relu": 0.2, "elu": 0.3}


class Run:
    """One training run: its texts, model and trainer. Everything is checked here, before the first update.

    `fit()` trains and writes the model; `test()` reports on the test text, once. With `output` the model goes there and
    the checkpoints to `output`.checkpoint, which is removed when the run ends by itself. `command` is what was typed,
    for the model's record. Raises UsageError and DataError as the settings deserve.
    """

    def __init__(self, settings: Settings, *, observers: Sequence[Observer] = (), command: str = "") -> None:
        if settings.backend is not None or settings.threads is not None:
            ops.use(settings.backend, settings.threads)
        settings = self.settings = replace(settings, backend=ops.backend().name)
        self.output = None if settings.output is None else Path(settings.output)
        self.checkpoint_path = None if self.output is None else Path(f"{self.output}.checkpoint")
        snapshot = self._place()
        self._check()
        resumed = snapshot.model() if snapshot else None
        self.data = data.load(settings, resumed.vocabulary if resumed else None)
        record = {name: value for name, value in settings.as_dict().items() if name not in FREE_ON_RESUME}
        record |= {f"data.{name}": value for name, value in self.data.hashes.items()}
        if snapshot is not None:
            snapshot.require_same(record)
        self.model = resumed or self._new_model(record, command)
        checkpoint = None
        if self.checkpoint_path is not None:
            checkpoint = Checkpoint(self.checkpoint_path, record, minutes=settings.save_every)
        self.trainer = self._trainer(checkpoint, observers)
        window_count(len(self.data.train), settings.streams, settings.block)  # a UsageError for more streams than words
        if snapshot is not None:
            snapshot.restore(self.trainer)
            self._reopen()
        self.resumed = snapshot is not None

    def fit(self) -> str:
        """Train, write the model and return why training ended ("interrupted" after Ctrl-C)."""
        checkpoint = self.trainer.checkpoint
        try:
            with np.errstate(all="ignore"):  # the trainer stops at a loss that is not finite and says what to try
                reason = self.trainer.fit(self.data.train, self.data.valid)
        except TrainingError as error:
            best = self.trainer.progress.best_epoch
            if checkpoint is not None:
                checkpoint.remove()  # resumed, it would only fail again at the same place
            if self.output is None or not best:
                raise
            self.model.save(self.output)
            raise TrainingError(f"{error} The best epoch, {best}, is in {self.output}.") from error
        if self.output is not None:
            self.model.save(self.output)
            if reason != "interrupted" and checkpoint is not None:
                checkpoint.remove()
        return reason

    def test(self) -> Perplexity | None:
        """The perplexity of the test text; None when the run has none."""
        if self.data.test is None:
            return None
        with np.errstate(all="ignore"):
            return perplexity(self.model, self.data.test)

    def _place(self) -> Snapshot | None:
        """The checkpoint to resume from, if that is asked for; DataError when the output cannot be written there."""
        s, path = self.settings, self.checkpoint_path
        if self.output is None or path is None:
            if s.resume:
                raise UsageError("resume needs the output file of the run to go on with. Give it with -o FILE.")
            return None
        for name in ("text", "valid", "test"):
            if (source := getattr(s, name)) is not None and storage.same_file(source, self.output):
                raise UsageError(
                    f"the output {self.output} is the {name} itself, which it would replace. Give another -o."
                )
        storage.require_writable(self.output, "the model")
        if s.resume:
            if path.exists():
                return Checkpoint.read(path)
            if self.output.exists():
                raise DataError(
                    f"there is no checkpoint {path} to resume from, and {self.output} is there already. "
                    "Train without --resume, or check -o."
                )
            return None  # the run was cut off before its first checkpoint, so it starts again
        if path.exists():
            raise DataError(
                f"{path} belongs to a run that was cut off. Go on with it by --resume, or delete it to train anew."
            )
        return None

    def _check(self) -> None:
        s = self.settings
        if s.model not in MODELS:
            raise UsageError(f"model {s.model!r} is not known. Give one of {', '.join(MODELS)}.")
        if s.optimizer not in OPTIMIZERS:
            raise UsageError(f"optimizer {s.optimizer!r} is not known. Give one of {', '.join(OPTIMIZERS)}.")
        if s.feedback != "distribution" and s.model != "jordan":
            raise UsageError(f"feedback={s.feedback!r} is for the model jordan, and this is {s.model}. Leave it out.")
        for name in ("block", "streams"):
            if getattr(s, name) < 1:
                raise UsageError(f"{name}={getattr(s, name)} is too small. Give {name} >= 1.")
        if s.seed < 0:
            raise UsageError(f"seed={s.seed} is not possible. Give a whole number >= 0.")
        if s.save_every is not None and not s.save_every > 0:
            raise UsageError(f"save_every={s.save_every} is not possible. Give a positive number of minutes.")

    def _reopen(self) -> None:
        """A run that had ended and was cut off before its model was written ends again, unless a limit was raised."""
        p, s = self.trainer.progress, self.settings
        at_limit = p.epoch > self.trainer.epochs or (s.max_updates is not None and p.updates >= s.max_updates)
        if p.stopped.endswith(" done") and not at_limit:  # the trainer's words for a limit, never a schedule's
            p.stopped = ""

    def _new_model(self, record: dict[str, Any], command: str) -> RecurrentLM:
        s = self.settings
        config: dict[str, Any] = {
            name: getattr(s, name)
            for name in (
                "hidden",
                "layers",
                "classes",
                "class_by",
                "dropout",
                "input_dropout",
                "independent",
                "seed",
                "dtype",
            )
        }
        if s.activation is not None:
            config["activation"] = s.activation
        if s.model == "jordan":
            config["feedback"] = s.feedback
        model = MODELS[s.model](self.data.train.vocabulary, tokenizer=self.data.tokenizer, **config)
        model.log.append({"kind": "run", "command": command, "text": str(s.text), **record})
        return model

    def _trainer(self, checkpoint: Checkpoint | None, observers: Sequence[Observer]) -> Trainer:
        s = self.settings
        kind = OPTIMIZERS[s.optimizer]
        rate = kind.default_rate * RATE_FACTOR.get(self.model.config["activation"], 1.0) if s.lr is None else s.lr
        windows = window_count(len(self.data.train), s.streams, s.block)
        usual = ceil(s.max_updates / windows) if s.max_updates else epochs_for(len(self.data.train))
        epochs = usual if s.epochs is None else s.epochs
        updates = s.max_updates or epochs * windows
        options = {
            "min_improvement": s.min_improvement,
            "decay": s.decay,
            "decay_after": s.decay_after,
            "patience": s.patience,
        }
        return Trainer(
            self.model,
            kind(self.model.params, rate, l2=s.l2),
            block=s.block,
            horizon=s.horizon,
            streams=s.streams,
            clip=s.clip,
            clip_by=s.clip_by,
            schedule=schedule(
                s.schedule, epochs, **{name: value for name, value in options.items() if value is not None}
            ),
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
    written there too. Raises UsageError, DataError and TrainingError.
    """
    run = Run(Settings.of(text=text, **settings))
    run.fit()
    return run.model
