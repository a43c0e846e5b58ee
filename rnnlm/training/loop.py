"""The loop of every training run: epochs of updates, validation after each, the best weights kept."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence, Sized
from dataclasses import asdict
from typing import Any, Generic, NoReturn, TypeVar

from ..errors import TrainingError
from ..models.model import Network
from ..ops import ops_for
from ..ops.arrays import is_device_array
from ..ops.threads import one_thread
from ..optim.clipping import clip_norm, clip_value, gradient_norm
from ..optim.optimizer import Optimizer
from ..optim.schedules import Constant, Schedule
from ..stored import Stored
from .checkpoint import Checkpoint
from .events import Epoch, Event, Observer, Saved, Sums, Update
from .interrupt import CtrlC
from .loop_options import Exchange, at_least_one, check_clip_and_warmup
from .progress import Progress
from .scores import TrainLoss, ValidationScore

Data = TypeVar("Data", bound=Sized)


class Loop(ABC, Generic[Data]):
    """Epochs of updates: forward, backward, clip, update. A subclass defines the batches, the loss and its gradient.

    An item is a word of a text or an example of a data set. `clip` limits the gradient: its norm (clip_by "norm") or
    each element ("value"); None leaves it alone. In the first `warmup` updates the learning rate rises to its value:
    the first steps of Adagrad and Adam have the size of the rate whatever the gradient is, and would saturate the
    units. `exchange` is called between the gradient and the clip, with the parameters by name: it may change gradients
    (`Param.gradient`, `Param.add`), as processes that train together do. Training ends after `epochs` or
    `max_updates`, or when the schedule says so; the best epoch's weights are kept. Raises TrainingError when a loss or
    gradient is not finite, UsageError for values out of range.

    On a GPU the loop runs ahead of the device and does not wait for numbers that are not needed: losses and norms are
    fetched for the log, about 50 times an epoch, for an observer that reads them, for a checkpoint and at the end of an
    epoch. A number that is not finite is noticed then, and not before the update as on the host; a checkpoint is
    written only when the weights are finite too.
    """

    largest_loss = 700.0  # nats an item: exp of more overflows, and training does not recover from such weights

    def __init__(
        self,
        model: Network,
        optimizer: Optimizer,
        *,
        clip: float | None = None,
        clip_by: str = "norm",
        schedule: Schedule | None = None,
        warmup: int = 0,
        epochs: int = 20,
        max_updates: int | None = None,
        seed: int = 1,
        exchange: Exchange | None = None,
        checkpoint: Checkpoint | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        at_least_one(epochs=epochs, max_updates=max_updates)
        check_clip_and_warmup(clip, clip_by, warmup)
        self.model, self.optimizer = model, optimizer
        self.clip, self.clip_by = clip, clip_by
        self.schedule, self.warmup = schedule or Constant(), warmup
        self.epochs, self.max_updates, self.seed = epochs, max_updates, seed
        self.exchange, self.checkpoint, self.observers = exchange, checkpoint, list(observers)
        self.progress = Progress()
        self._ctrl_c = CtrlC()

    @abstractmethod
    def updates_per_epoch(self, train: Data) -> int:
        """The number of updates in an epoch."""

    @abstractmethod
    def windows_like(self, state: Any, tapes: list[Any], stored: Stored) -> tuple[Any, deque]:
        """The state and the tapes of a checkpoint: see `Resumable`."""

    @abstractmethod
    def _batches(self, train: Data) -> Iterator[Any]:
        """The batches of this epoch, one for each update, from the next one on (`progress.window`)."""

    @abstractmethod
    def _forward_backward(self, batch: Any) -> TrainLoss:
        """Forward and backward: add the gradient of the mean loss to the parameters, and return the loss."""

    @abstractmethod
    def _validate(self, valid: Data) -> ValidationScore:
        """The model's score on the validation data."""

    def fit(self, train: Data, valid: Data | None = None) -> str:
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

    def obey(self) -> None:
        """Raise SystemExit where SIGTERM or a closed terminal ended the training, which is to end the process too."""
        self._ctrl_c.obey()

    def _epoch(self, train: Data) -> None:
        """One pass over the data, or the rest of one where a run is resumed within an epoch."""
        p, total = self.progress, len(train)
        every = max(1, self.updates_per_epoch(train) // 50)  # about 50 entries of the log an epoch: enough for a curve
        if self._out_of_updates():
            return
        for batch in self._batches(train):
            # 1, 2: forward and backward
            outcome = self._forward_backward(batch)
            p.window, p.updates = p.window + 1, p.updates + 1
            p.nll, p.tokens = p.nll + outcome.loss, p.tokens + outcome.scored
            if outcome.correct is not None:
                p.correct = outcome.correct if p.correct is None else p.correct + outcome.correct
            if self.exchange is not None:
                self.exchange(self.model.params)
            # 3: clip
            logged = p.updates % every == 0
            sums = Sums(outcome.loss, p.nll, self._clip(logged))
            self._check_sums(sums, outcome.scored, logged)
            # 4: update
            self._step()
            self._report(sums, outcome.scored, total, logged)
            if self._ctrl_c.pressed or self._out_of_updates():
                return
            if self.checkpoint is not None and self.checkpoint.due():
                self._save()

    def _clip(self, need_norm: bool) -> Any:
        """Clip the gradient; returns its norm before, where it is computed anyway or needed, else None."""
        params = self.model.params.values()
        if self.clip is not None and self.clip_by == "norm":
            return clip_norm(params, self.clip)
        norm = gradient_norm(params) if need_norm else None
        if self.clip is not None:
            clip_value(params, self.clip)
        return norm

    def _rate(self) -> float:
        """The rate of the current update: during the warm-up 1/warmup, 2/warmup … of the optimizer's."""
        return self.optimizer.learning_rate * min(1.0, self.progress.updates / max(self.warmup, 1))

    def _step(self) -> None:
        """Update the parameters, at the rate of this update."""
        rate = self.optimizer.learning_rate
        self.optimizer.learning_rate = self._rate()
        self.optimizer.step()
        self.optimizer.learning_rate = rate

    def _end_epoch(self, valid: Data | None) -> None:
        """Validate, ask the schedule what follows, keep or restore the best weights, and report the epoch."""
        p = self.progress
        p.fetch_sums()
        train_nll = p.nll / max(p.tokens, 1)
        train_score = ValidationScore(train_nll, p.correct, p.tokens)
        valid_score = None if valid is None else self._validate(valid)
        for loss in (train_nll, (valid_score or train_score).loss):
            self._check_finite(loss, None)
        rate = self._rate()
        figure = (valid_score or train_score).figure
        best = figure < self.schedule.best
        decision = self.schedule.after_epoch(p.epoch, figure)
        p.stopped = decision.stop or self._limit_reached()
        if best:
            self._keep_best()
            p.best_epoch = p.epoch
        elif decision.restore:
            self._restore_best()
        self.optimizer.learning_rate *= decision.factor
        restored = decision.restore and not best
        valid_nll, valid_accuracy = (valid_score.loss, valid_score.accuracy) if valid_score else (None, None)
        figures = (p.epoch, p.updates, train_nll, valid_nll, best, restored, rate, p.stopped)
        event = Epoch(*figures, train_score.accuracy, valid_accuracy)
        entry = {"kind": "epoch", **asdict(event)}
        if train_score.accuracy is None:  # no item is right or wrong
            del entry["train_accuracy"], entry["valid_accuracy"]
        self.model.log.append(entry)
        self._notify(event)
        p.epoch += 1
        p.start_epoch()

    def _limit_reached(self) -> str:
        """Which limit of the run has been reached, as the reason of its end; empty where none has."""
        p = self.progress
        if self._out_of_updates():
            return f"{self.max_updates:,} updates done"
        return f"{self.epochs} epoch{'s' * (self.epochs > 1)} done" if p.epoch >= self.epochs else ""

    def _out_of_updates(self) -> bool:
        return self.max_updates is not None and self.progress.updates >= self.max_updates

    def _check_sums(self, sums: Sums, scored: int, logged: bool) -> None:
        """TrainingError when an update's numbers are not finite.

        On a GPU, where this means to wait, only numbers that are fetched for the log anyway are checked.
        """
        on_host = sums.on_host
        if on_host or logged:
            loss, epoch, norm = sums.fetch()
            self._check_finite(loss / max(scored, 1), norm)
            if not on_host:
                self._check_finite(epoch / max(self.progress.tokens, 1), None)

    def _check_finite(self, nll: float, norm: float | None) -> None:
        """TrainingError when the loss an item is above `largest_loss` or nan, or the gradient's norm is not finite."""
        if not nll <= self.largest_loss:
            self._raise_not_finite("loss", nll)
        if norm is not None and not math.isfinite(norm):
            self._raise_not_finite("gradient norm", norm)

    def _check_weights(self) -> None:
        """TrainingError when losses or weights on a GPU are not finite; on the host every update has been checked."""
        p, values = self.progress, [param.value for param in self.model.params.values()]
        totals = [ops_for(value).total(value) for value in values if is_device_array(value)]
        if not totals:
            return
        weight_sums = p.fetch_sums(*totals)
        self._check_finite(p.nll / max(p.tokens, 1), None)
        for total in weight_sums:
            if not math.isfinite(total):
                self._raise_not_finite("sum of a parameter's weights", total)

    def _raise_not_finite(self, what: str, value: float) -> NoReturn:
        clip = "clip=1" if self.clip is None else "a smaller `clip`"
        raise TrainingError(
            f"the {what} is {value:g} at update {self.progress.updates:,} (epoch {self.progress.epoch}, learning rate "
            f"{self.optimizer.learning_rate:g}, clip {self.clip}). Try a tenth of the learning rate (`lr`), or {clip}."
        )

    def _report(self, sums: Sums, scored: int, total: int, logged: bool) -> None:
        """Pass the update to the observers, and write it into the log where it is due."""
        p, rate = self.progress, self._rate()
        event = Update(p.epoch, p.updates, scored, p.tokens, total, self.epochs, sums, rate)
        if logged:
            entry = {"kind": "update", "epoch": p.epoch, "updates": p.updates, "nll": event.nll, "norm": event.norm}
            self.model.log.append({**entry, "learning_rate": rate})
        self._notify(event)

    def _notify(self, event: Event) -> None:
        for observer in self.observers:
            observer(event)

    def _keep_best(self) -> None:
        """Copy the weights, in place of the copy before."""
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
            self._check_weights()
            self.checkpoint.save(self)
            self._notify(Saved(str(self.checkpoint.path), self.progress.epoch, self.progress.updates))
