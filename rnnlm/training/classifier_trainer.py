"""Training a classifier on mini-batches of examples."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Iterator
from typing import Any, Unpack

import numpy as np

from ..datasets import Dataset, epoch_order
from ..datasets.shift import shifted
from ..errors import DataError, NotANumber
from ..evaluation.confusion import Confusion
from ..models.classifier import BATCH, Classifier
from ..ops import ops_for
from ..optim.optimizer import Optimizer
from ..stored import Stored
from .loop import Loop
from .loop_options import LoopOptions, at_least_one
from .scores import TrainLoss, ValidationScore


class ClassifierTrainer(Loop[Dataset]):
    """Trains a classifier by stochastic gradient descent on mini-batches of `batch` (B) examples.

    Each epoch goes through all examples in a new order in which the classes are spread evenly, so that every mini-batch
    has them in the shares of the data; with `balance`, each class equally often. Images are moved by up to `shift`
    pixels, by another random distance each time. The gradient is that of the summed loss over B, so every example
    weighs the same, also those of a short last batch; a single example that is left over joins the batch before it,
    since one example alone has no batch statistics. The other keywords, and what is raised, are those of `Loop`.
    """

    model: Classifier
    largest_loss = (
        sys.float_info.max
    )  # a hinge loss is no entropy, and may be large: with 1,000 classes it starts at 999

    def __init__(
        self,
        model: Classifier,
        optimizer: Optimizer,
        *,
        batch: int = 32,
        balance: bool = False,
        shift: int = 0,
        **loop: Unpack[LoopOptions],
    ) -> None:
        at_least_one(batch=batch)
        super().__init__(model, optimizer, **loop)
        self.batch, self.balance, self.shift = batch, balance, shift

    def fit(self, train: Dataset, valid: Dataset | None = None) -> str:
        """Learn the standardization from `train`, then train to the end and return why it ended. See `Loop.fit`."""
        if not self.progress.updates:
            self.model.standardize.learn(train.x)
        return super().fit(train, valid)

    def windows_like(self, state: Any, tapes: list[Any], stored: Stored) -> tuple[Any, deque]:
        """As `Resumable.windows_like`; DataError, since only a run over streams of text has them."""
        raise DataError("the entry state is not empty, and the run has no streams of text.")

    def updates_per_epoch(self, train: Dataset) -> int:
        rest = len(train) % self.batch
        return max(1, len(train) // self.batch + (rest > 1))  # a rest of one joins the batch before it

    def _batches(self, train: Dataset) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        p, B = self.progress, self.batch
        classes = train.classes()
        order = epoch_order(classes, seed=self.seed, epoch=p.epoch, balance=self.balance)
        count = self.updates_per_epoch(train)
        for window in range(p.window, count):
            chosen = order[window * B : (window + 1) * B if window + 1 < count else None]
            x = train.x[chosen]
            if self.shift:
                x = shifted(x, self.shift, np.random.default_rng([self.seed, p.epoch, window]))
            yield x, classes[chosen]

    def _forward_backward(self, batch: tuple[np.ndarray, np.ndarray]) -> TrainLoss:
        x, y = batch
        # 1: forward
        loss, outputs, tape = self.model.forward(x, y, train=(self.seed, self.progress.updates))
        # 2: backward
        self.model.backward(tape, 1 / self.batch)
        ops = ops_for(outputs)
        correct = outputs.argmax(1) == ops.asarray(y)
        return TrainLoss(ops.total(loss), len(y), ops.total(correct))

    def _validate(self, valid: Dataset) -> ValidationScore:
        try:
            confusion = evaluate(self.model, valid)
        except NotANumber:  # the loop says what to try
            return ValidationScore(math.nan, 0, len(valid))
        return ValidationScore(confusion.loss, confusion.correct, confusion.examples)


def evaluate(model: Classifier, data: Dataset, batch: int = BATCH) -> Confusion:
    """Mean loss, accuracy and confusion matrix of a model on labelled data of its own shape and labels.

    The data are taken `batch` examples at a time, without dropout and with the running batch statistics. DataError for
    data without labels.
    """
    true = data.classes()
    outputs = model.outputs(data.x, batch)
    loss, _ = model.loss.forward(outputs, true)
    return Confusion.of(model.labels, true, outputs.argmax(1), float(loss.mean()))
