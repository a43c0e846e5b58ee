"""How the learning rate falls from epoch to epoch, and when to stop.

A schedule sees the validation entropy after each epoch and decides three things at once: see `Decision`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from ..errors import UsageError, unknown_name
from ..option_sets import subset, union
from ..options import declared, option


class Decision(NamedTuple):
    """What a run does after an epoch."""

    factor: float  # the learning rate is multiplied by this
    restore: bool  # go back to the best weights so far
    stop: str = ""  # why training ends here; empty: it goes on


@dataclass
class Schedule:
    """The base of all schedules: a constant learning rate, where `patience` epochs without a new best end the run.

    An epoch that is not the best so far is undone: the run goes back to the best weights. The validation figure is one
    that is to become small: the cross-entropy in nats a token, or a classifier's share of wrong answers.
    """

    patience: int = option(
        3,
        "Stop after so many epochs without a new best.",
        group="Training",
        metavar="N",
        least=1,
        usual="linear: never; 3",
    )
    best: float = field(default=math.inf, init=False)
    waited: int = field(default=0, init=False)

    def after_epoch(self, epoch: int, nll: float) -> Decision:
        """Decide what follows epoch number `epoch` (from 1), whose validation figure is `nll`."""
        better = nll < self.best
        self.waited = 0 if better else self.waited + 1
        self.best = min(self.best, nll)
        stop = f"no better epoch in the last {self.patience}" if self.waited >= self.patience else ""
        return Decision(self.factor(epoch), restore=not better, stop=stop)

    def factor(self, epoch: int) -> float:
        """The factor of the learning rate after this epoch."""
        return 1.0

    def factor_of_new_length(self, epoch: int) -> float:
        """By what the rate of epoch number `epoch` is multiplied in a run that is resumed with another length."""
        return 1.0

    def state(self) -> dict[str, Any]:
        """The numbers that change in a run; infinity is a string, since JSON has none. The settings are given anew."""
        changing = {field.name: getattr(self, field.name) for field in fields(self) if not field.init}
        return {name: str(value) if value == math.inf else value for name, value in changing.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state()` returned."""
        for name, value in state.items():
            setattr(self, name, float(value) if isinstance(value, str) else value)


class Constant(Schedule):
    """The same learning rate to the end."""


@dataclass
class StepDecay(Schedule):
    """A learning rate that is multiplied by `decay` after each epoch from `decay_after` on (Zaremba et al. 2014)."""

    decay: float = option(
        0.5, "Multiply the rate by X after each epoch.", group="Training", metavar="X", above=0, most=1
    )
    decay_after: int = option(4, "The first epoch after which it falls.", group="Training", metavar="N", least=1)

    def factor(self, epoch: int) -> float:
        """`decay` from epoch `decay_after` on, 1 before."""
        return self.decay if epoch >= self.decay_after else 1.0


@dataclass
class Linear(Schedule):
    """A learning rate that falls in equal steps over `total` epochs, to 1/total of its start in the last one.

    For a run whose length is known beforehand; the slow end does what halving does, without having to wait for a bad
    epoch. So a worse epoch on the way is no reason to go back or to end, unless `patience` says so. A run that is
    resumed with another `total` goes on at the rate that its epoch has in a run of that length.
    """

    patience: int = 0  # 0: without a limit
    total: int = 10
    total_before: int | None = field(default=None, init=False)  # in a resumed run, that of the checkpoint

    def after_epoch(self, epoch: int, nll: float) -> Decision:
        """As `Schedule.after_epoch`, but no epoch is undone, and `patience` 0 never ends the run."""
        decision = super().after_epoch(epoch, nll)
        return decision._replace(restore=False, stop=decision.stop if self.patience else "")

    def factor(self, epoch: int) -> float:
        """The ratio of the next epoch's learning rate to this one's, m / (m + 1) with m epochs left, at least 1/2."""
        return _linear_factor(epoch, self.total)

    def factor_of_new_length(self, epoch: int) -> float:
        """See `Schedule.factor_of_new_length`: what the factors up to `epoch` are now, over what they were."""
        before, self.total_before = self.total_before, None
        if before is None or before == self.total:
            return 1.0
        factors = [_linear_factor(e, self.total) / _linear_factor(e, before) for e in range(1, epoch)]
        return math.prod(factors)

    def state(self) -> dict[str, Any]:
        """See `Schedule.state`; also the length of the run."""
        return super().state() | {"total_before": self.total}


def _linear_factor(epoch: int, total: int) -> float:
    left = max(total - epoch, 1)
    return left / (left + 1)


@dataclass
class Halving(Schedule):
    """Mikolov's: the first epoch that gains too little starts the halving, the second ends the run.

    After an epoch whose validation log-probability L is not better than the one before by the ratio `min_improvement`
    (L · 1.003 < L_before, both negative, means it is), the rate is halved after every epoch; when such an epoch comes
    again, training stops. An epoch that is not the best so far is undone; the original program undoes one that is
    worse than the epoch before, which differs only after a first bad epoch. With entropies instead of
    log-probabilities: gain enough ⟺ nll · min_improvement < nll_before.
    """

    min_improvement: float = option(
        1.003,
        "Keep the rate while log P of the validation text improves by at least this ratio.",
        group="Training",
        metavar="X",
        least=1,
    )
    patience: int = field(default=0, init=False)  # no option here: the rule itself says when to stop
    halving: bool = field(default=False, init=False)
    before: float = field(default=math.inf, init=False)

    def after_epoch(self, epoch: int, nll: float) -> Decision:
        """As `Schedule.after_epoch`, by the rule of the class."""
        better = nll < self.best
        enough = nll * self.min_improvement < self.before
        stop = ""
        if not enough:
            if self.halving:
                stop = f"an epoch while halving gained less than {self.min_improvement:g} in log-probability"
            self.halving = True
        self.before = nll
        self.best = min(self.best, nll)
        return Decision(0.5 if self.halving else 1.0, restore=not better, stop=stop)


SCHEDULES: dict[str, type[Schedule]] = {"halving": Halving, "constant": Constant, "step": StepDecay, "linear": Linear}


ScheduleOptions: Any = union("ScheduleOptions", "schedule", SCHEDULES)


def schedule(name: str, epochs: int, **options: Any) -> Schedule:
    """The schedule called `name`, for a run of at most `epochs`.

    Raises UsageError where there is none of that name, and for an option that it does not have or that is out of range.
    """
    if name not in SCHEDULES:
        raise UsageError(unknown_name(f"schedule {name!r}", name, SCHEDULES))
    kind: Any = SCHEDULES[name]
    known_options = declared(kind)
    for option_name, value in options.items():
        if option_name not in known_options:
            known = ", ".join(sorted(known_options)) or "none"
            raise UsageError(
                f"`{option_name}` is no option of the schedule {name!r}, whose options are: {known}. Leave it out."
            )
        known_options[option_name].check(value)
    length = {"total": epochs} if any(field.name == "total" for field in fields(kind)) else {}
    return kind(**options, **length)


def schedule_of(settings: Any, epochs: int) -> Schedule:
    """The schedule that the settings of a run name, with those of their options that are given."""
    return schedule(settings.schedule, epochs, **subset(ScheduleOptions, settings))
