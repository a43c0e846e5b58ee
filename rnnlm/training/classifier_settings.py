"""All settings of the training of a classifier, put together from the classes that declare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..models import CLASSIFIERS
from ..optim import OptimizerOptions, ScheduleOptions
from ..option_sets import union
from ..options import listed, option
from .classifier_data import DataOptions
from .run_settings import LengthOptions, RunSettings

ClassifierOptions: Any = union(
    "ClassifierOptions", "model", {kind: model.Options for kind, model in CLASSIFIERS.items()}
)


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """Options of the mini-batches (see `ClassifierTrainer`)."""

    batch: int = option(32, "Examples an update.", group="Training", metavar="B", least=1, common=True)
    balance: bool = option(False, "Show each class equally often, however rare it is.", group="Training")
    shift: int = option(0, "Move images by up to N pixels.", group="Training", metavar="N", least=0)


@dataclass(frozen=True, kw_only=True)
class ClassifierSettings(
    DataOptions, ClassifierOptions, BatchOptions, OptimizerOptions, ScheduleOptions, LengthOptions, RunSettings
):
    """The settings of a run; the options of `rnnlm classify train` and the keywords of `train_classifier`.

    None stands for a choice that depends on something else: the model on the data (images from 16×16 on: convnet, else
    feedforward), the learning rate on the optimizer, what only one kind of model has on the model.
    """

    model: str | None = option(
        None,
        f"{listed(tuple(CLASSIFIERS))}; without it, convnet for images from 16×16 on.",
        metavar="KIND",
        choices=tuple(CLASSIFIERS),
        common=True,
    )
    optimizer: str = "momentum"
    clip: float | None = None
    l2: float = 0.0
    epochs: int = option(
        20, "Passes over the data, at most.", group="Training", metavar="N", least=1, free=True, common=True
    )
    warmup: int = option(0, "Updates in which the rate rises.", group="Training", metavar="N", least=0)
