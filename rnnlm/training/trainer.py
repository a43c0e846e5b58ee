"""Truncated back-propagation through time over parallel streams of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from ..errors import TrainingError, UsageError
from ..evaluation.perplexity import perplexity
from ..models.recurrent import RecurrentLM
from ..ops import ops_for
from ..ops.threads import one_thread
from ..text.corpus import Corpus
from ..text.windows import window_count, windows
from .checkpoint import Checkpoint
from .clipping import clip_norm, clip_value, gradient_norm
from .events import Epoch, Event, Observer, Saved, Update
from .interrupt import CtrlC
from .optimizer import Optimizer
from .progress import Progress
from .schedules import Constant, Schedule

LARGEST_NLL = 700.0  # nats a token: beyond it the perplexity is no number, and no learning rate leads back


class Trainer:
    """Trains a recurrent language model by truncated back-propagation through time (Williams & Peng 1990).

    The text runs in `streams` (B) parallel parts. Every `block` steps the loss of the B · block newest words flows back
    through `horizon` ≥ `block` steps in all, and one update follows: block = horizon is the usual mini-batch training,
    horizon > block is Mikolov's block BPTT, and 1, 1 is Elman's procedure of 1990. `clip` limits the gradient: its norm
    (clip_by "norm") or each element ("value"); None leaves it alone. `independent` clears the state at sentence ends.
    The gradient is that of the summed loss over B · block, so a learning rate means the same at any B and block, and
    every token weighs the same, also those of a short last window.
    In the first `warmup` updates the learning rate rises to its value: the first steps of Adagrad and Adam have the
    size of the rate whatever the gradient is, and would saturate the units. Training ends after `epochs` or
    `max_updates`, or when the schedule says so; the best epoch's weights are kept. Raises TrainingError when a loss
    or gradient is not finite, UsageError for values out of range.
    """

    def __init__(
        self,
        model: RecurrentLM,
        optimizer: Optimizer,
        *,
        block: int = 20,
        horizon: int | None = None,
        streams: int = 32,
        clip: float | None = None,
        clip_by: str = "norm",
        schedule: Schedule | None = None,
        warmup: int = 0,
        epochs: int = 20,
        max_updates: int | None = None,
        seed: int = 1,
        checkpoint: Checkpoint | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        horizon = block if horizon is None else horizon
        _check(block, horizon, streams, clip, clip_by, warmup, epochs, max_updates)
        self.model, self.optimizer = model, optimizer
        self.block, self.horizon, self.streams = block, horizon, streams
        self.clip, self.clip_by = clip, clip_by
        self.schedule, self.warmup = schedule or Constant(), warmup
        self.epochs, self.max_updates, self.seed = epochs, max_updates, seed
        self.checkpoint, self.observers = checkpoint, list(observers)
        self.progress = Progress()
        self._ctrl_c = CtrlC()

    def fit(self, train: Corpus, valid: Corpus | None = None) -> str:
        """Train to the end; returns why it ended. The model then holds the weights of the best epoch.

        After Ctrl-C the current update is finished, a checkpoint is written, and "interrupted" is returned.
        """
        p = self.progress
        try:
            with self._ctrl_c, one_thread():
                while not p.stopped:
                    self._epoch(train)
                    if self._ctrl_c.pressed and not self._out_of_updates():
                        self._save()
                        break
                    self._end_epoch(valid)
                    self._save()
        finally:
            self._restore_best()
        return p.stopped or "interrupted"

    def _epoch(self, train: Corpus) -> None:
        """One pass over the text, from the window where the run stands."""
        p, model, B = self.progress, self.model, self.streams
        scale = 1 / (B * self.block)
        count = window_count(len(train), B, self.block)
        every = max(1, count // 50)  # about fifty points an epoch make a curve
        independent = model.config["independent"]
        if p.state is None:
            p.state = model.start(B)
        if self._out_of_updates():
            return
        for x, y, keep in windows(train.ids, B, self.block, start=p.window, independent=independent):
            # 1: forward, from the state in which the last window ended
            nll, p.state, tape = model.forward(x, y, p.state, keep, train=(self.seed, p.updates))
            loss, scored = float(nll.sum()), int((y >= 0).sum())
            p.tapes.append(tape)
            # 2: backward through this window and the older ones that the horizon reaches
            self._backward(scale)
            # 3: clip
            p.window, p.updates, p.nll, p.tokens = p.window + 1, p.updates + 1, p.nll + loss, p.tokens + scored
            logged = p.updates % every == 0
            norm = self._clip(logged)
            self._check_finite(loss / max(scored, 1), norm)
            # 4: update
            self._step()
            self._report(loss / max(scored, 1), scored, norm, len(train), logged)
            if self._ctrl_c.pressed or self._out_of_updates():
                return
            if self.checkpoint is not None and self.checkpoint.due():
                self._save()

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

    def _clip(self, wanted: bool) -> float | None:
        params = self.model.params.values()
        if self.clip is not None and self.clip_by == "norm":
            return clip_norm(params, self.clip)
        norm = gradient_norm(params) if wanted else None
        if self.clip is not None:
            clip_value(params, self.clip)
        return norm

    def _step(self) -> None:
        """One update; during the warm-up at a rate that rises from 1/warmup of the learning rate to the whole."""
        rate = self.optimizer.learning_rate
        self.optimizer.learning_rate = rate * min(1.0, self.progress.updates / max(self.warmup, 1))
        self.optimizer.step()
        self.optimizer.learning_rate = rate

    def _end_epoch(self, valid: Corpus | None) -> None:
        """Validate, let the schedule decide, keep or restore the best weights."""
        p = self.progress
        train_nll = p.nll / max(p.tokens, 1)
        valid_nll = None if valid is None else perplexity(self.model, valid).nll
        nll = train_nll if valid_nll is None else valid_nll
        self._check_finite(nll, None)
        rate = self.optimizer.learning_rate
        best = nll < self.schedule.best
        decision = self.schedule.after_epoch(p.epoch, nll)
        p.stopped = decision.stop or self._limit()
        if best:
            self._keep_best()
            p.best_epoch = p.epoch
        elif decision.restore:
            self._restore_best()
        self.optimizer.learning_rate *= decision.factor
        restored = decision.restore and not best
        event = Epoch(p.epoch, p.updates, train_nll, valid_nll, best, restored, rate, p.stopped)
        self.model.log.append({"kind": "epoch", **asdict(event)})
        self._tell(event)
        p.epoch += 1
        p.start_epoch()

    def _limit(self) -> str:
        p = self.progress
        if self._out_of_updates():
            return f"{self.max_updates:,} updates done"
        return f"{self.epochs} epoch{'s' * (self.epochs > 1)} done" if p.epoch >= self.epochs else ""

    def _out_of_updates(self) -> bool:
        return self.max_updates is not None and self.progress.updates >= self.max_updates

    def _check_finite(self, nll: float, norm: float | None) -> None:
        """TrainingError when the loss a token has no perplexity any more, or the gradient no length."""
        if nll <= LARGEST_NLL and (norm is None or math.isfinite(norm)):
            return
        what, value = ("gradient norm", norm) if nll <= LARGEST_NLL else ("loss", nll)
        clip = "a --clip of 1" if self.clip is None else "a smaller --clip"
        raise TrainingError(
            f"the {what} is {value:g} at update {self.progress.updates:,} (epoch {self.progress.epoch}, learning rate "
            f"{self.optimizer.learning_rate:g}, clip {self.clip}). Try a tenth of the learning rate (--lr), or {clip}."
        )

    def _report(self, nll: float, scored: int, norm: float | None, total: int, logged: bool) -> None:
        p, rate = self.progress, self.optimizer.learning_rate
        if logged:
            entry = {"kind": "update", "epoch": p.epoch, "updates": p.updates, "nll": nll, "norm": norm}
            self.model.log.append({**entry, "learning_rate": rate})
        mean = p.nll / max(p.tokens, 1)
        self._tell(Update(p.epoch, p.updates, scored, p.tokens, total, self.epochs, nll, mean, norm, rate))

    def _tell(self, event: Event) -> None:
        for observer in self.observers:
            observer(event)

    def _keep_best(self) -> None:
        """A copy of the weights, in the place of the copy before."""
        best = self.progress.best
        for name, param in self.model.params.items():
            value = ops_for(param.value).to_host(param.value)
            if name in best:
                best[name][...] = value
            else:
                best[name] = value.copy()

    def _restore_best(self) -> None:
        for name, value in self.progress.best.items():
            self.model.params[name].value[...] = ops_for(self.model.params[name].value).asarray(value)

    def _save(self) -> None:
        if self.checkpoint is not None:
            self.checkpoint.save(self)
            self._tell(Saved(str(self.checkpoint.path), self.progress.epoch, self.progress.updates))


def _check(
    block: int,
    horizon: int,
    streams: int,
    clip: float | None,
    clip_by: str,
    warmup: int,
    epochs: int,
    max_updates: int | None,
) -> None:
    for name, value in (("block", block), ("streams", streams), ("epochs", epochs), ("max_updates", max_updates)):
        if value is not None and value < 1:
            raise UsageError(f"{name}={value} is too small. Give {name} >= 1.")
    if horizon < block:
        raise UsageError(
            f"horizon={horizon} is shorter than block={block}, so the last losses of every block would not "
            f"reach its first step. Give horizon >= {block}."
        )
    if warmup < 0:
        raise UsageError(f"warmup={warmup} is not possible. Give a whole number of updates >= 0.")
    if clip is not None and not 0 < clip < math.inf:
        raise UsageError(f"clip={clip} is not possible. Give a positive number, or none for no clipping.")
    if clip_by not in ("norm", "value"):
        raise UsageError(f"clip_by={clip_by!r} is not known. Give norm or value.")
