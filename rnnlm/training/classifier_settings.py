"""Everything that the training of a classifier can be told, with its defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .settings import RunSettings


@dataclass(frozen=True)
class ClassifierSettings(RunSettings):
    """The settings of a run; the options of `rnnlm classify train` and the keywords of `train_classifier`.

    None stands for a choice that depends on something else: the model on the data (images from 16×16
    on: convnet, else feedforward), the learning rate on the optimizer, the layers and blocks on the model.
    """

    # the data
    data: str | Path = "digits"
    valid: str | Path | None = None
    test: str | Path | None = None
    held_out: float = 0.1
    label_column: str | int | None = None
    size: str | Sequence[int] | None = None
    shape: str | Sequence[int] | None = None
    # the model
    model: str | None = None
    layers: str | Sequence[int] | None = None  # "100,100"
    blocks: str | Sequence[str] | None = None  # "conv 20 5, pool 2"
    activation: str = "relu"
    dropout: float = 0.0
    loss: str = "cross-entropy"
    standardize: str = "mean"
    dtype: str = "float32"
    # the training
    batch: int = 32
    balance: bool = False
    shift: int = 0
    optimizer: str = "momentum"
    lr: float | None = None
    clip: float | None = None
    clip_by: str = "norm"
    l2: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "linear"
    warmup: int = 0
    min_improvement: float | None = None
    decay: float | None = None
    decay_after: int | None = None
    patience: int | None = None
    epochs: int = 20
    max_updates: int | None = None
    seed: int = 1
    # the machine
    device: str = "cpu"
    precision: str | None = None
    backend: str | None = None
    threads: int | None = None
    # the files
    output: str | Path | None = None
    save_every: float | None = None
    resume: bool = False
