"""The learning rate with which a run begins, and the warm-up in which the rate rises to it.

The first steps of Adagrad have the size of the rate η in every weight, whatever the gradient is, and mostly the same
direction: after n of them a step is η / √n. On the recurrent matrix W (H, H) such a step has the norm η H / √n, while W
itself starts with norm 1. Where the step is longer than W, the units are driven to their bounds and stay there. So W
is safe from update n = (η H)² on, and before the rate has to be small: that is the warm-up. For 200 tanh units at 0.1
these are 400 updates; a run that is shorter ends before the rate has reached its value. Units without bounds grow
from step to step instead, and steps of a third are the longest that none of our runs diverged at: n = (3 η H)². A
logistic unit forgets all but the last step or two, with any W, and recovers from a long step: ten updates are enough.

The steps of Adam and RMSprop do not become shorter by themselves, so that more than 200 units take a smaller rate.
"""

from __future__ import annotations

from math import ceil, inf
from typing import Any, NamedTuple

from ..errors import DataError
from ..models.recurrent import RecurrentLM
from ..optim import OPTIMIZERS
from .checkpoint import Snapshot

# Of language models: the slope of a logistic unit is a quarter of tanh's, so it needs a larger rate; units without an
# upper bound diverge at the rate of tanh.
RATE_BY_ACTIVATION = {"logistic": 3.0, "relu": 0.2, "clipped_relu": 0.2, "leaky_relu": 0.2, "elu": 0.3}
# How often the first steps on the recurrent matrix must fit into it; 0 where it makes no difference, 1 for tanh.
MARGINS = {"logistic": 0.0, "relu": 3.0, "clipped_relu": 3.0, "leaky_relu": 3.0, "elu": 3.0}
# Of classifiers: the factors of the optimizers' default rates, which are meant for recurrent networks.
RATE_BY_OPTIMIZER = {"sgd": 0.2, "adam": 0.2, "momentum": 0.2, "nesterov": 0.2, "adagrad": 0.1, "row-adagrad": 0.1}
FALLING = ("adagrad", "row-adagrad")  # optimizers whose steps become shorter by themselves
USUAL_HIDDEN = 200  # units for which the rates were chosen; a wider layer takes a smaller rate
MAX_WARMUP = 300  # updates, where no more are needed
MIN_WARMUP = {"sgd": 100}  # updates, of the optimizers whose steps grow with the gradient; 10 for the others


class LearningRate(NamedTuple):
    """The rate of a run before its schedule changes it, and the updates in which it rises to that."""

    lr: float
    warmup: int


def learning_rate_of(settings: Any, model: RecurrentLM, updates: int) -> LearningRate:
    """The learning rate of a language model's run of so many updates: what the settings say, or the defaults.

    `settings` is any object with the names `optimizer`, `lr` and `warmup`.
    """
    activation, hidden = model.config.get("activation"), model.config["hidden"]
    usual = rate_for(settings.optimizer, activation, hidden)
    lr = usual if settings.lr is None else settings.lr
    if settings.warmup is not None:
        return LearningRate(lr, settings.warmup)
    warmup = warmup_for(updates, MIN_WARMUP.get(settings.optimizer, 10))
    if model.feeds_itself and settings.optimizer in FALLING:
        warmup = max(warmup, safe_from(min(lr, usual), activation, hidden))
    return LearningRate(lr, warmup)


def earlier_learning_rate(settings: Any, model: RecurrentLM, updates: int) -> LearningRate:
    """The one that versions gave a run which did not record it: neither rate nor warm-up depended on the size."""
    usual = rate_for(settings.optimizer, model.config.get("activation"))
    lr = usual if settings.lr is None else settings.lr
    return LearningRate(lr, warmup_for(updates) if settings.warmup is None else settings.warmup)


def recorded(snapshot: Snapshot) -> LearningRate | None:
    """The one in the record of a checkpoint; None where an earlier version wrote it. DataError for nonsense."""
    found = snapshot.run.get("learning_rate")
    if found is None:
        return None
    lr: Any = found.get("lr") if isinstance(found, dict) else None
    warmup: Any = found.get("warmup") if isinstance(found, dict) else None
    if type(lr) in (int, float) and 0 < lr < inf and type(warmup) is int and warmup >= 0:
        return LearningRate(float(lr), warmup)
    raise DataError(
        f"{snapshot.path} is damaged: the learning_rate of its run is {found!r}. It should hold a positive rate lr and "
        "a number of updates warmup. Train anew without `resume`."
    )


def rate_for(optimizer: str, activation: str | None, hidden: int = USUAL_HIDDEN) -> float:
    """The default learning rate of a language model with this activation, None for a recurrence of the user's own."""
    rate = OPTIMIZERS[optimizer].default_rate * RATE_BY_ACTIVATION.get(activation or "", 1.0)
    return rate * min(1.0, USUAL_HIDDEN / hidden)


def classifier_rate_for(optimizer: str) -> float:
    """The default learning rate of a classifier with this optimizer."""
    return OPTIMIZERS[optimizer].default_rate * RATE_BY_OPTIMIZER.get(optimizer, 1.0)


def warmup_for(updates: int, least: int = 0) -> int:
    """The usual warm-up of a run of so many updates: a tenth of them, but `least` at least and 300 at most."""
    return max(least, min(MAX_WARMUP, updates // 10))


def safe_from(lr: float, activation: str | None, hidden: int) -> int:
    """The update from which a step of Adagrad at this rate fits into the recurrent matrix: (m η H)², m of `MARGINS`."""
    return ceil(round((MARGINS.get(activation or "", 1.0) * lr * hidden) ** 2, 6))  # 0.3 · 200 is 59.99…
