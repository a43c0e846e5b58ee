"""The optimizers by the names that `--optimizer` uses."""

from __future__ import annotations

from .adaptive import Adagrad, Adam, RMSprop, RowAdagrad
from .optimizer import Optimizer
from .sgd import SGD, Momentum

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "adagrad": Adagrad,
    "row-adagrad": RowAdagrad,
    "rmsprop": RMSprop,
    "adam": Adam,
}
