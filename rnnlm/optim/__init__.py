"""How parameters change: optimizers, the clipping of gradients, and schedules of the learning rate."""

from .adaptive import Adagrad, Adam, RMSprop, RowAdagrad
from .clipping import clip_norm, clip_value, gradient_norm
from .optimizer import Optimizer
from .optimizers import OPTIMIZERS, OptimizerOptions
from .schedules import SCHEDULES, Constant, Halving, Linear, Schedule, ScheduleOptions, StepDecay
from .sgd import SGD, Momentum, Nesterov

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adagrad",
    "Adam",
    "Constant",
    "Halving",
    "Linear",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "OptimizerOptions",
    "RMSprop",
    "RowAdagrad",
    "Schedule",
    "ScheduleOptions",
    "StepDecay",
    "clip_norm",
    "clip_value",
    "gradient_norm",
]
