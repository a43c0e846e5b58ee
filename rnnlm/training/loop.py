"""The loop of every training run: epochs of updates, validation after each, the best weights kept."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from dataclasses import asdict
from typing import Any, Generic, NoReturn, TypedDict, TypeVar

from ..errors import TrainingError, UsageError
from ..layers import Param
from ..models.model import Network
from ..ops import ops_for
from ..ops.arrays import is_device_array
from ..ops.threads import one_thread
from ..optim.clipping import clip_norm, clip_value, gradient_norm
from ..optim.optimizer import Optimizer
from ..optim.schedules import Constant, Schedule
from .checkpoint import Checkpoint
from .events import Epoch, Event, Observer, Saved, Sums, Update
from .interrupt import CtrlC
from .progress import Progress
from .scores import TrainLoss, ValidationScore

Data = TypeVar("Data", bound=Sized)
Exchange = Callable[[Mapping[str, Param]], None]


class LoopOptions(TypedDict, total=False):
    """The keywords that every trainer takes; `Loop` says what they mean."""

    clip: float | None
    clip_by: str
    schedule: Schedule | None
    warmup: int
    epochs: int
    max_updates: int | None
    seed: int
    exchange: Exchange | None
    checkpoint: Checkpoint | None
    observers: Sequence[Observer]


class Loop(ABC, Generic[Data]):
    """Epochs of updates: forward, backward, clip, update; what an item and its gradient are, a subclass says.

    An item is a word of a text or an example of a data set. `clip` limits the gradient: its norm (clip_by "norm") or
    each element ("value"); None leaves it alone. In the first `warmup` updates the learning rate rises to its value:
    the first steps of Adagrad and Adam have the size of the rate whatever the gradient is, and would saturate the
    units. `exchange` is called between the gradient and the clip, with the parameters by name: it may change gradients
    (`Param.gradient`, `Param.add`), as processes that train together do. Training ends after `epochs` or `max_updates`,
    or when the schedule says so; the best epoch's weights are kept. Raises TrainingError when a loss or gradient is not
    finite, UsageError for values out of range.

    On a GPU the loop runs ahead and waits for no number that nobody looks at: losses and lengths of gradients are
    fetched for the log, about 50 times an epoch, for an observer that asks, for a checkpoint and at the end of an
    epoch. What is not finite is noticed then, and not before the update as on the host; a checkpoint is written only
    when the weights are finite too.
    """

    largest_loss = 700.0  # nats an item: beyond it the perplexity is no number, and no learning rate leads back

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
        _check(clip, clip_by, warmup)
        self.model, self.optimizer = model, optimizer
        self.clip, self.clip_by = clip, clip_by
        self.schedule, self.warmup = schedule or Constant(), warmup
        self.epochs, self.max_updates, self.seed = epochs, max_updates, seed
        self.exchange, self.checkpoint, self.observers = exchange, checkpoint, list(observers)
        self.progress = Progress()
        self._ctrl_c = CtrlC()

    @abstractmethod
    def _count(self, train: Data) -> int:
        """How many updates an epoch has."""

    @abstractmethod
    def _batches(self, train: Data) -> Iterator[Any]:
        """What the updates of this epoch learn from, beginning where the run stands (`progress.window`)."""

    @abstractmethod
    def _learn(self, batch: Any) -> TrainLoss:
        """Forward and backward: adds the gradient of the mean loss to the parameters."""

    @abstractmethod
    def _judge(self, valid: Data) -> ValidationScore:
        """The model's figure on the validation part."""

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

    def _epoch(self, train: Data) -> None:
        """One pass over the data, from the update where the run stands."""
        p, total = self.progress, len(train)
        every = max(1, self._count(train) // 50)  # about fifty points an epoch make a curve
        if self._out_of_updates():
            return
        for batch in self._batches(train):
            # 1, 2: forward and backward
            learnt = self._learn(batch)
            p.window, p.updates = p.window + 1, p.updates + 1
            p.nll, p.tokens = p.nll + learnt.loss, p.tokens + learnt.scored
            if learnt.correct is not None:
                p.correct = learnt.correct if p.correct is None else p.correct + learnt.correct
            if self.exchange is not None:
                self.exchange(self.model.params)
            # 3: clip
            logged = p.updates % every == 0
            sums = Sums(learnt.loss, p.nll, self._clip(logged))
            self._check_sums(sums, learnt.scored, logged)
            # 4: update
            self._step()
            self._report(sums, learnt.scored, total, logged)
            if self._ctrl_c.pressed or self._out_of_updates():
                return
            if self.checkpoint is not None and self.checkpoint.due():
                self._save()

    def _clip(self, wanted: bool) -> Any:
        """Clip the gradient; its length before, where it is known or `wanted`, else None."""
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

    def _end_epoch(self, valid: Data | None) -> None:
        """Validate, let the schedule decide, keep or restore the best weights."""
        p = self.progress
        p.look()
        train_nll = p.nll / max(p.tokens, 1)
        trained = ValidationScore(train_nll, p.correct, p.tokens)
        judged = None if valid is None else self._judge(valid)
        for loss in (train_nll, (judged or trained).loss):
            self._check_finite(loss, None)
        rate = self.optimizer.learning_rate
        figure = (judged or trained).figure
        best = figure < self.schedule.best
        decision = self.schedule.after_epoch(p.epoch, figure)
        p.stopped = decision.stop or self._limit()
        if best:
            self._keep_best()
            p.best_epoch = p.epoch
        elif decision.restore:
            self._restore_best()
        self.optimizer.learning_rate *= decision.factor
        restored = decision.restore and not best
        valid_nll, valid_accuracy = (judged.loss, judged.accuracy) if judged else (None, None)
        figures = (p.epoch, p.updates, train_nll, valid_nll, best, restored, rate, p.stopped)
        event = Epoch(*figures, trained.accuracy, valid_accuracy)
        entry = {"kind": "epoch", **asdict(event)}
        if trained.accuracy is None:  # no item is right or wrong
            del entry["train_accuracy"], entry["valid_accuracy"]
        self.model.log.append(entry)
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

    def _check_sums(self, sums: Sums, scored: int, logged: bool) -> None:
        """Look at an update's numbers, unless that means to wait for a GPU and nobody else looks at them."""
        here = sums.here
        if here or logged:
            loss, epoch, norm = sums.look()
            self._check_finite(loss / max(scored, 1), norm)
            if not here:
                self._check_finite(epoch / max(self.progress.tokens, 1), None)

    def _check_finite(self, nll: float, norm: float | None) -> None:
        """TrainingError when the loss an item is beyond `largest_loss` or no number, or the gradient has no length."""
        if not nll <= self.largest_loss:
            self._fail("loss", nll)
        if norm is not None and not math.isfinite(norm):
            self._fail("gradient norm", norm)

    def _check_weights(self) -> None:
        """TrainingError when losses or weights on a GPU are not finite; on the host every update has been looked at."""
        p, values = self.progress, [param.value for param in self.model.params.values()]
        there = [ops_for(value).total(value) for value in values if is_device_array(value)]
        if not there:
            return
        found = p.look(*there)
        self._check_finite(p.nll / max(p.tokens, 1), None)
        for total in found:
            if not math.isfinite(total):
                self._fail("sum of a parameter's weights", total)

    def _fail(self, what: str, value: float) -> NoReturn:
        clip = "clip=1" if self.clip is None else "a smaller `clip`"
        raise TrainingError(
            f"the {what} is {value:g} at update {self.progress.updates:,} (epoch {self.progress.epoch}, learning rate "
            f"{self.optimizer.learning_rate:g}, clip {self.clip}). Try a tenth of the learning rate (`lr`), or {clip}."
        )

    def _report(self, sums: Sums, scored: int, total: int, logged: bool) -> None:
        p, rate = self.progress, self.optimizer.learning_rate
        event = Update(p.epoch, p.updates, scored, p.tokens, total, self.epochs, sums, rate)
        if logged:
            entry = {"kind": "update", "epoch": p.epoch, "updates": p.updates, "nll": event.nll, "norm": event.norm}
            self.model.log.append({**entry, "learning_rate": rate})
        self._tell(event)

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
            self._check_weights()
            self.checkpoint.save(self)
            self._tell(Saved(str(self.checkpoint.path), self.progress.epoch, self.progress.updates))


def at_least_one(**values: int | None) -> None:
    """UsageError for a count below 1; None is no count."""
    for name, value in values.items():
        if value is not None and value < 1:
            raise UsageError(f"{name}={value} is too small. Give {name} >= 1.")


def _check(clip: float | None, clip_by: str, warmup: int) -> None:
    if warmup < 0:
        raise UsageError(f"warmup={warmup} is not possible. Give a whole number of updates >= 0.")
    if clip is not None and not 0 < clip < math.inf:
        raise UsageError(f"clip={clip} is not possible. Give a positive number, or none for no clipping.")
    if clip_by not in ("norm", "value"):
        raise UsageError(f"clip_by={clip_by!r} is not known. Give norm or value.")
