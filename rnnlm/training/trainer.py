"""Truncated back-propagation through time over parallel streams of text."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Any, Unpack

import numpy as np

from ..errors import DataError, NotANumber
from ..evaluation.perplexity import perplexity
from ..models.model import State
from ..models.recurrent import RecurrentLM, Tape
from ..models.truncated_bptt import Truncation
from ..ops import ops_for
from ..optim.optimizer import Optimizer
from ..stored import Stored, shown
from ..text.corpus import Corpus
from ..text.windows import window_count, windows
from .loop import Loop
from .loop_options import LoopOptions, at_least_one
from .packing import unpack_like
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

    def windows_like(self, state: Any, tapes: list[Any], stored: Stored) -> tuple[State, deque[Tape]]:
        """As `Resumable.windows_like`: they must be built as those are that a forward pass of the model makes."""
        words, start = len(self.model.vocabulary), self.model.start(self.streams)
        steps = [_steps(tape) for tape in tapes]
        if not all(1 <= n <= self.block for n in steps) or sum(steps) > self.horizon + self.block:
            raise DataError(
                f"the entry tapes has windows of {shown(steps)} steps. They must fit `block` and `horizon`."
            )
        examples = {n: self._example(n, start) for n in set(steps)}
        return unpack_like(start, state, stored, "the entry state", words), deque(
            Tape(*unpack_like(examples[n], tape, stored, f"the entry tapes.{place}", words))
            for place, (n, tape) in enumerate(zip(steps, tapes, strict=True))
        )

    def _example(self, steps: int, state: State) -> tuple[Any, ...]:
        """The tape of a window of so many steps whose losses have been used."""
        x = np.zeros((steps, self.streams), np.int32)
        keep = np.ones(x.shape, np.float32) if self.model.config["independent"] else None
        _, _, tape = self.model.forward(x, x, state, keep, train=(self.seed, 1))
        return tuple(tape._replace(output=None))

    def updates_per_epoch(self, train: Corpus) -> int:
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
        try:
            return ValidationScore(perplexity(self.model, valid, progress=False).nll)
        except NotANumber:  # the loop says what to try
            return ValidationScore(math.nan)


def _steps(tape: Any) -> int:
    """The number of steps that a packed tape names; 0 where it names none."""
    first = tape[1] if isinstance(tape, list) and len(tape) > 1 else None
    steps = first.get("value") if isinstance(first, dict) else None
    return steps if type(steps) is int else 0
