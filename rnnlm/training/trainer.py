"""Truncated back-propagation through time over parallel streams of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack

import numpy as np

from ..evaluation.perplexity import perplexity
from ..models.recurrent import RecurrentLM
from ..models.truncated_bptt import Truncation
from ..ops import ops_for
from ..optim.optimizer import Optimizer
from ..text.corpus import Corpus
from ..text.windows import window_count, windows
from .loop import Loop, LoopOptions, at_least_one
from .scores import TrainLoss, ValidationScore


class Trainer(Loop[Corpus]):
    """Trains a recurrent language model by truncated back-propagation through time (Williams & Peng 1990).

    The text runs in `streams` (B) parallel parts. Every `block` steps the loss of the B · block newest words flows back
    through `horizon` ≥ `block` steps in all, and one update follows: block = horizon is the usual mini-batch training,
    horizon > block is Mikolov's block BPTT, and block = horizon = 1 is Elman's procedure of 1990. `horizon` None is
    the block; for a model that sees a limited number of earlier words, the block and that number, so that no gradient
    is cut. `independent` clears
    the state at sentence ends. The gradient is that of the summed loss over B · block, so a learning rate means the
    same at any B and block, and every token weighs the same, also those of a short last window. The other keywords,
    and what is raised, are those of `Loop`.
    """

    model: RecurrentLM

    def __init__(
        self,
        model: RecurrentLM,
        optimizer: Optimizer,
        *,
        block: int = 20,
        horizon: int | None = None,
        streams: int = 32,
        **loop: Unpack[LoopOptions],
    ) -> None:
        at_least_one(streams=streams)
        self.truncation = Truncation.of(model, block, horizon)
        super().__init__(model, optimizer, **loop)
        self.block, self.horizon, self.streams = *self.truncation, streams

    def _updates_per_epoch(self, train: Corpus) -> int:
        return window_count(len(train), self.streams, self.block)

    def _batches(self, train: Corpus) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
        p = self.progress
        if p.state is None:
            p.state = self.model.start(self.streams)
        independent = self.model.config["independent"]
        return windows(train.ids, self.streams, self.block, start=p.window, independent=independent)

    def _forward_backward(self, batch: tuple[np.ndarray, np.ndarray, np.ndarray | None]) -> TrainLoss:
        p, (x, y, keep) = self.progress, batch
        # 1: forward, from the state in which the last window ended
        nll, p.state, tape = self.model.forward(x, y, p.state, keep, train=(self.seed, p.updates))
        p.tapes.append(tape)
        # 2: backward through this window and the older ones that the horizon reaches
        loss, scored = ops_for(nll).total(nll), int(np.count_nonzero(y >= 0))
        self.truncation.backward(self.model, p.tapes, 1 / (self.streams * self.block))
        return TrainLoss(loss, scored)

    def _validate(self, valid: Corpus) -> ValidationScore:
        return ValidationScore(perplexity(self.model, valid, progress=False).nll)
