"""Everything that a training run can be told, with its defaults."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from .. import ops
from ..errors import UsageError
from ..ops.device import Device, use_throughout
from ..optim.optimizers import OPTIMIZERS


class RunSettings:
    """What the settings of all runs have in common; a subclass is a dataclass."""

    optimizer: str
    seed: int
    device: str
    precision: str | None
    backend: str | None
    threads: int | None
    save_every: float | None

    @classmethod
    def of(cls, **values: Any) -> Self:
        """The settings by name; UsageError for a name that is none."""
        known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        for name in values:
            if name not in known:
                raise UsageError(f"there is no setting {name!r}. Settings are {', '.join(known)}.")
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """All settings by name, paths as text: what a model file records."""
        plain = {Path: str, tuple: list}  # as they come back from a file
        return {
            name: next((make(value) for kind, make in plain.items() if isinstance(value, kind)), value)
            for name, value in asdict(self).items()  # type: ignore[call-overload]
        }

    def record(self) -> dict[str, Any]:
        """Those settings that decide about the weights: a run that is resumed must have the same."""
        settings = {name: value for name, value in self.as_dict().items() if name not in FREE_ON_RESUME}
        device = self.device.partition(":")[0]  # which of the GPUs it is makes no difference
        return settings | {"device": device}

    def on_this_machine(self) -> tuple[Self, Device]:
        """Make the choices of what computes for this process: the settings with what was chosen, and the device.

        UsageError for what there is not.
        """
        if self.backend is not None or self.threads is not None:
            ops.use(self.backend, self.threads)
        before = ops.precision()
        try:
            ops.use_precision(before if self.precision is None else self.precision)
            device = use_throughout(self.device)
        except UsageError:
            ops.use_precision(before)  # what is refused is not chosen
            raise
        precision = ops.precision() if device.name == "gpu" else None
        chosen = {"device": str(device), "precision": precision, "backend": ops.backend().name}
        return replace(self, **chosen), device  # type: ignore[type-var]

    def check(self) -> None:
        """UsageError for a value that is out of range whatever the model is."""
        if self.optimizer not in OPTIMIZERS:
            raise UsageError(f"optimizer {self.optimizer!r} is not known. Give one of {', '.join(OPTIMIZERS)}.")
        if self.seed < 0:
            raise UsageError(f"seed={self.seed} is not possible. Give a whole number >= 0.")
        if self.save_every is not None and not self.save_every > 0:
            raise UsageError(f"save_every={self.save_every} is not possible. Give a positive number of minutes.")


@dataclass(frozen=True)
class Settings(RunSettings):
    """The settings of a run; the command line's options and the keywords of `rnnlm.train` are these fields.

    None stands for a choice that depends on something else: the tokenizer on the text; the layers, the activation, the
    order, the embedding and the kernel on the model; the number of classes on the vocabulary, the learning rate on the
    optimizer, the horizon on the block and the model, the number of epochs on the length of the text (see
    `epochs_for`), the warm-up on that of the run, the precision, the backend and the threads on what
    was chosen for the process or there is (see `ops.use` and `ops.use_precision`).
    """

    # the text
    text: str | Path = "kjv"
    valid: str | Path | None = None
    test: str | Path | None = None
    tokens: str | None = None
    max_vocab: int | None = None
    min_count: int = 1
    # the model
    model: str = "rnnlm"
    hidden: int = 200
    layers: int | None = None
    activation: str | None = None
    classes: int | None = None
    class_by: str = "sqrt"
    feedback: str = "distribution"
    order: int | None = None
    embedding: int | None = None
    direct: bool = False
    kernel: int | None = None
    dropout: float = 0.4
    input_dropout: float = 0.0
    independent: bool = False
    dtype: str = "float32"
    # the training
    block: int = 35
    horizon: int | None = None
    streams: int = 16
    optimizer: str = "adagrad"
    lr: float | None = None
    clip: float | None = 5.0
    clip_by: str = "norm"
    l2: float = 2e-6
    weight_decay: float = 0.0
    schedule: str = "linear"
    warmup: int | None = None
    min_improvement: float | None = None
    decay: float | None = None
    decay_after: int | None = None
    patience: int | None = None
    epochs: int | None = None
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


# What may differ between a run and its resumption: where things are, and when to stop. All else decides about weights.
FREE_ON_RESUME = {
    "text",
    "data",
    "valid",
    "test",
    "data.test",
    "output",
    "save_every",
    "resume",
    "epochs",
    "max_updates",
    "threads",
}

WORDS_READ = 8_000_000  # by a run that nobody told how long to be: a minute or two on an ordinary machine


def epochs_for(tokens: int) -> int:
    """How often a text of this length is read when nobody says: about 8 million words in all, but 1 to 20 epochs."""
    return max(1, min(20, round(WORDS_READ / tokens)))


def warmup_for(updates: int) -> int:
    """How many updates the learning rate takes to rise in a run of so many: a tenth, but 300 at most."""
    return min(300, updates // 10)
