"""From a model and a text to a trained model: optimizers, clipping, schedules, the trainer and its checkpoints."""

from .adaptive import Adagrad, Adam, RMSprop, RowAdagrad
from .checkpoint import Checkpoint
from .classifier_run import ClassifierRun, train_classifier
from .classifier_settings import ClassifierSettings
from .classifier_trainer import ClassifierTrainer
from .clipping import clip_norm, clip_value, gradient_norm
from .optimizer import Optimizer
from .optimizers import OPTIMIZERS
from .run import Run, train
from .schedules import Constant, Halving, Linear, Schedule, StepDecay
from .settings import Settings
from .sgd import SGD, Momentum, Nesterov
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
    "gradient_norm",
    "train",
    "train_classifier",
]
