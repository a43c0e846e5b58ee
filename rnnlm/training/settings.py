"""Everything that a training run can be told, with its defaults."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import UsageError


@dataclass(frozen=True)
class Settings:
    """The settings of a run; the command line's options and the keywords of `rnnlm.train` are these fields.

    None stands for a choice that depends on something else: the tokenizer on the text, the activation on the model,
    the number of classes on the vocabulary, the learning rate on the optimizer, the horizon on the block, the number
    of epochs on the length of the text (see `epochs_for`), the warm-up on that of the run, the backend and the
    threads on what there is (see `ops.use`).
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
    layers: int = 1
    activation: str | None = None
    classes: int | None = None
    class_by: str = "sqrt"
    feedback: str = "distribution"
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
    backend: str | None = None
    threads: int | None = None
    # the files
    output: str | Path | None = None
    save_every: float | None = None
    resume: bool = False

    @classmethod
    def of(cls, **values: Any) -> Settings:
        """Settings by name; UsageError for a name that is none."""
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise UsageError(f"there is no setting {name!r}. Settings are {', '.join(known)}.")
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """All settings by name, paths as text: what a model file records."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


# What may differ between a run and its resumption: where things are, and when to stop. All else decides about weights.
FREE_ON_RESUME = {
    "text",
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
