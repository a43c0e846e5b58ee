"""From a model and a text to a trained model: the loop, truncated BPTT, checkpoints; one run, many runs."""

from ..optim import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    Constant,
    Halving,
    Linear,
    Momentum,
    Nesterov,
    Optimizer,
    RMSprop,
    RowAdagrad,
    Schedule,
    StepDecay,
    clip_norm,
    clip_value,
    gradient_norm,
)
from .cache_fit import fit_cache, fit_continuous_cache
from .checkpoint import Checkpoint
from .classifier_run import ClassifierRun, train_classifier
from .classifier_settings import ClassifierSettings
from .classifier_trainer import ClassifierTrainer
from .run import Run, train
from .settings import Settings
from .trainer import Trainer

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "Checkpoint",
    "ClassifierRun",
    "ClassifierSettings",
    "ClassifierTrainer",
    "Constant",
    "Halving",
    "Linear",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "RowAdagrad",
    "Run",
    "Schedule",
    "Settings",
    "StepDecay",
    "Trainer",
    "clip_norm",
    "clip_value",
    "fit_cache",
    "fit_continuous_cache",
    "gradient_norm",
    "train",
    "train_classifier",
]
