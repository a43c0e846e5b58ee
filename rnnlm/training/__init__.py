"""From a model and a text to a trained model: optimizers, clipping, schedules, the trainer and its checkpoints."""

from .adaptive import Adagrad, Adam, RMSprop, RowAdagrad
from .checkpoint import Checkpoint
from .clipping import clip_norm, clip_value, gradient_norm
from .optimizer import Optimizer
from .schedules import Constant, Halving, Schedule, StepDecay
from .sgd import SGD, Momentum
from .trainer import Trainer

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "adagrad": Adagrad,
    "row-adagrad": RowAdagrad,
    "rmsprop": RMSprop,
    "adam": Adam,
}

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "Checkpoint",
    "Constant",
    "Halving",
    "Momentum",
    "Optimizer",
    "RMSprop",
    "RowAdagrad",
    "Schedule",
    "StepDecay",
    "Trainer",
    "clip_norm",
    "clip_value",
    "gradient_norm",
]
