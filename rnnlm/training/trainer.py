"""Truncated back-propagation through time over parallel streams of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack

import numpy as np

from ..errors import UsageError
from ..evaluation.perplexity import perplexity
from ..models.recurrent import RecurrentLM
from ..ops import ops_for
from ..optim.optimizer import Optimizer
from ..text.corpus import Corpus
from ..text.windows import window_count, windows
from .learnt import Judged, Learnt
from .loop import Loop, LoopOptions, at_least_one


class Trainer(Loop[Corpus]):
    """Trains a recurrent language model by truncated back-propagation through time (Williams & Peng 1990).

    The text runs in `streams` (B) parallel parts. Every `block` steps the loss of the B · block newest words flows back
    through `horizon` ≥ `block` steps in all, and one update follows: block = horizon is the usual mini-batch training,
    horizon > block is Mikolov's block BPTT, and 1, 1 is Elman's procedure of 1990. Without it, it is the block; of a
    model that looks back a number of steps, the block and as many, so that no gradient is cut. `independent` clears
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
        horizon = block + model.look_back if horizon is None else horizon
        at_least_one(block=block, streams=streams)
        if horizon < block:
            raise UsageError(
                f"horizon={horizon} is shorter than block={block}, so the last losses of every block would not "
                f"reach its first step. Give horizon >= {block}."
            )
        super().__init__(model, optimizer, **loop)
        self.block, self.horizon, self.streams = block, horizon, streams

    def _count(self, train: Corpus) -> int:
        return window_count(len(train), self.streams, self.block)

    def _batches(self, train: Corpus) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
        p = self.progress
        if p.state is None:
            p.state = self.model.start(self.streams)
        independent = self.model.config["independent"]
        return windows(train.ids, self.streams, self.block, start=p.window, independent=independent)

    def _learn(self, batch: tuple[np.ndarray, np.ndarray, np.ndarray | None]) -> Learnt:
        p, (x, y, keep) = self.progress, batch
        # 1: forward, from the state in which the last window ended
        nll, p.state, tape = self.model.forward(x, y, p.state, keep, train=(self.seed, p.updates))
        p.tapes.append(tape)
        # 2: backward through this window and the older ones that the horizon reaches
        loss, scored = ops_for(nll).total(nll), int(np.count_nonzero(y >= 0))
        self._backward(1 / (self.streams * self.block))
        return Learnt(loss, scored)

    def _backward(self, scale: float) -> None:
        """The newest losses flow back `horizon` steps; older windows pass on only the state's gradient."""
        tapes, left, dstate = self.progress.tapes, self.horizon, None
        for age, tape in enumerate(reversed(tapes)):
            stop = max(0, tape.steps - left)
            dstate = self.model.backward(tape, scale if age == 0 else None, dstate, stop)
            left -= tape.steps - stop
            if not left:
                break
        tapes[-1] = tapes[-1]._replace(output=None)  # its losses have been used
        # The next block may be the short last one, so the horizon may reach horizon - 1 steps beyond it.
        reach = self.horizon - 1 if self.horizon > self.block else 0
        while tapes and sum(tape.steps for tape in tapes) - tapes[0].steps >= reach:
            tapes.popleft()

    def _judge(self, valid: Corpus) -> Judged:
        return Judged(perplexity(self.model, valid).nll)
