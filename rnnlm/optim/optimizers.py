"""The optimizers by the names that `--optimizer` uses."""

from __future__ import annotations

from .adaptive import Adagrad, Adam, RMSprop, RowAdagrad
from .optimizer import Optimizer
from .sgd import SGD, Momentum, Nesterov

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": Adagrad,
    "row-adagrad": RowAdagrad,
    "rmsprop": RMSprop,
    "adam": Adam,
}
