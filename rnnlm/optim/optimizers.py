"""The optimizers by name, and the options that choose one and set its constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..option_sets import union
from ..options import option
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

RuleOptions: Any = union("RuleOptions", "optimizer", {name: rule.Options for name, rule in OPTIMIZERS.items()})


@dataclass(frozen=True, kw_only=True)
class OptimizerOptions(RuleOptions):
    """How weights are changed. `lr` None is the optimizer's own default."""

    optimizer: str = option("adagrad", "The rule by which weights change.", group="Training", choices=tuple(OPTIMIZERS))
    lr: float | None = option(
        None,
        "Learning rate; the optimizer's own default without it.",
        group="Training",
        metavar="X",
        common=True,
        above=0,
    )
    clip: float | None = option(
        5.0, "Limit of the gradient, or none.", group="Training", metavar="X", above=0, none="no clipping"
    )
    clip_by: str = option(
        "norm",
        "What is clipped: norm (the length of the whole gradient) or each value.",
        group="Training",
        choices=("norm", "value"),
    )
    l2: float = option(2e-6, "L2 penalty on touched rows.", group="Regularisation", metavar="X", least=0)
    weight_decay: float = option(
        0.0,
        "What touched rows lose in an update: the learning rate times this share of themselves.",
        group="Regularisation",
        metavar="X",
        least=0,
    )
