"""A training run of a classifier, from settings to a model file: `rnnlm classify train`, `rnnlm.train_classifier`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets import files_of
from ..datasets.shift import shifted
from ..declared_files import NamedFile
from ..errors import UsageError
from ..evaluation.confusion import Confusion
from ..layers import WithoutWeights
from ..models import CLASSIFIERS, Classifier
from ..optim import OPTIMIZERS
from ..option_help import signature
from ..option_sets import refuse_others, subset
from . import classifier_data, memory
from .base_run import BaseRun
from .checkpoint import Checkpoint
from .classifier_settings import ClassifierSettings
from .classifier_trainer import ClassifierTrainer, evaluate
from .events import Observer
from .learning_rate import LearningRate, classifier_rate_for
from .run_bar import RunBar


class ClassifierRun(BaseRun[ClassifierSettings, Classifier]):
    """One training run of a classifier: see `BaseRun`. `test()` reports on the test data, once."""

    source_name = "data"
    model_class = Classifier
    data: classifier_data.ClassifierData
    trainer: ClassifierTrainer

    def test(self) -> Confusion | None:
        """The confusion matrix and the loss on the test data; None when the run has none."""
        if self.data.test is None:
            return None
        with np.errstate(all="ignore"):
            return evaluate(self.model, self.data.test)

    @staticmethod
    def reads(settings: ClassifierSettings) -> list[NamedFile]:
        """See `BaseRun.reads`: all files of the data, such as the images in folders."""
        s = settings
        data = {"the training data": s.data, "the validation data": s.valid, "the test data": s.test}
        return [NamedFile(use, path) for use, source in data.items() if source for path in files_of(source)]

    def _check(self) -> None:
        refuse_others(self.settings, "optimizer", self.settings.optimizer)

    def _load(self, resumed: Classifier | None) -> classifier_data.ClassifierData:
        data = classifier_data.load(self.settings, resumed, seed=self.settings.seed)
        if self.settings.shift:  # UsageError now for inputs that cannot be moved
            shifted(data.train.x[:1], self.settings.shift, np.random.default_rng(0))
        return data

    def _new_model(self) -> Classifier:
        s, train = self.settings, self.data.train
        # The default blocks of a convnet leave nothing of an image smaller than 16×16.
        images = len(train.shape) == 3 and (s.blocks is not None or min(train.shape[:2]) >= 16)
        kind = s.model or ("convnet" if images else "feedforward")
        try:
            refuse_others(s, "model", kind)
        except UsageError as error:
            hint = next((text for name, text in _HINTS.items() if str(error).startswith(f"{name}=")), "")
            raise UsageError(f"{error} {hint}") from error
        keywords = subset(CLASSIFIERS[kind].Options, s)
        if isinstance(keywords.get("layers"), str):
            keywords["layers"] = _sizes(keywords["layers"])
        if isinstance(keywords.get("blocks"), str):
            keywords["blocks"] = [block.strip() for block in keywords["blocks"].split(",") if block.strip()]
        memory.require_room(CLASSIFIERS[kind](train.shape, train.labels, rng=WithoutWeights(), **keywords))
        return CLASSIFIERS[kind](train.shape, train.labels, **keywords)

    def _learning_rate(self, *, earlier: bool = False) -> LearningRate:
        s = self.settings
        return LearningRate(classifier_rate_for(s.optimizer) if s.lr is None else s.lr, s.warmup)

    def _needs(self) -> list[memory.Need]:
        return memory.of_classifier(self.model, OPTIMIZERS[self.settings.optimizer], batch=self.settings.batch)

    def _trainer(self, checkpoint: Checkpoint | None, observers: Sequence[Observer]) -> ClassifierTrainer:
        s = self.settings
        return ClassifierTrainer(
            self.model,
            self._optimizer(),
            batch=s.batch,
            balance=s.balance,
            shift=s.shift,
            **self._loop_options(s.epochs, checkpoint, observers),
        )


_HINTS = {
    "layers": "Its blocks say `affine UNITS`.",
    "dropout": "Its blocks say `dropout RATE`.",
    "blocks": "Rows of a table become images with shape=HEIGHTxWIDTHxCHANNELS.",
}


def _sizes(text: str) -> list[int]:
    """The layer sizes in a text such as "100,100"; an empty text has none. UsageError for anything else."""
    try:
        return [int(size) for size in text.split(",") if size.strip()]
    except ValueError:
        raise UsageError(f"layers={text!r} are no sizes. Give whole numbers with commas, such as 100,100.") from None


def train_classifier(data: str | Path = "digits", *, progress: bool | None = None, **settings: Any) -> Classifier:
    """Train a classifier on labelled data and return it: `rnnlm.train_classifier("digits", epochs=10)`.

    The keywords are the fields of `ClassifierSettings`, which are the options of `rnnlm classify train`. With `output`
    the model is written there too. `progress` shows a bar with the epoch and the losses; None does so in a notebook and
    at an interactive prompt. Signals as for `rnnlm.train`. Raises UsageError, DataError, TrainingError and
    OutOfMemory.
    """
    with RunBar(progress, "example", perplexity=False) as bar:
        run = ClassifierRun(ClassifierSettings.of(data=data, **settings), observers=bar.observers)
        run.fit()
    run.trainer.obey()
    return run.model


signature(train_classifier, ClassifierSettings)
