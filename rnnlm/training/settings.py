"""All settings of the training of a language model, put together from the classes that declare them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError, unknown_name
from ..models import MODELS, CustomLM
from ..models.recurrent import RecurrentLM
from ..optim import OptimizerOptions, ScheduleOptions
from ..option_sets import refuse_others, subset, union
from ..options import check, option
from ..own_source import OwnFile, file_of
from .data import TextOptions
from .run_settings import LengthOptions, RunSettings

CUSTOM = CustomLM.kind


def _shown(name: str) -> str:
    label = MODELS[name].label
    return f"{name} ({label})" if label else name


_CLASSES: dict[str, type[RecurrentLM]] = {**MODELS, CUSTOM: CustomLM}
ModelOptions: Any = union("ModelOptions", "model", {kind: model.Options for kind, model in _CLASSES.items()})


@dataclass(frozen=True, kw_only=True)
class BpttOptions:
    """Options of the streams of text and of truncated back-propagation (see `Trainer`)."""

    block: int = option(
        35, "New steps between updates.", group="Training", metavar="T", least=1, names=("--seq_length",)
    )
    horizon: int | None = option(
        None,
        "How many steps back the losses flow; without it, the block and what the model's window sees before it.",
        group="Training",
        metavar="N",
    )
    streams: int = option(16, "Parts of the text read side by side.", group="Training", metavar="B", least=1)


@dataclass(frozen=True, kw_only=True)
class Settings(TextOptions, ModelOptions, BpttOptions, OptimizerOptions, ScheduleOptions, LengthOptions, RunSettings):
    """The settings of a run; the command line's options and the keywords of `rnnlm.train` are these fields.

    None stands for a default that depends on something else: that of the tokenizer on the text; of the layers, the
    activation and the options that only some models have on the model; of the number of classes on the vocabulary, of
    the learning rate on the optimizer, of the horizon on the block and the model, of the number of epochs on the length
    of the text (see `as_used.epochs_for`), of the warm-up on the length of the run; of the precision, the backend and
    the threads on the process and the machine.
    """

    model: str = option(
        "rnnlm",
        f"{', '.join(_shown(name) for name in MODELS)}, or your own: path/to/file.py:NAME.",
        common=True,
        metavar="NAME",
    )
    dropout: float = 0.4
    from_model: str | Path | None = option(
        None,
        "Train this model on TEXT: its network and its words stay.",
        group="Files",
        metavar="FILE",
        free=True,
        names=("--from",),
    )
    warmup: int | None = option(
        None,
        "Updates in which the rate rises; without it, a tenth of the run, 10 to 300, or what the units need.",
        group="Training",
        metavar="N",
        least=0,
    )

    trust: bool = option(
        False,
        "Run the Python file that a checkpoint or the model of --from names, without a question.",
        group="Files",
        free=True,
    )

    @property
    def kind(self) -> str:
        """The kind of model: that of its name, or "custom" for path/to/file.py:NAME."""
        return _kind(self.model)

    def names(self, file: OwnFile) -> bool:
        """Whether the user named this Python file in these settings, and so lets it run."""
        named = [file_of(self.model), file_of(self.tokens or "")]
        return file.path.resolve() in [path.resolve() for path in named if path is not None]

    @property
    def model_class(self) -> Any:
        """The class of that kind. UsageError for an unknown name."""
        if self.kind not in _CLASSES:
            known = unknown_name(f"model {self.model!r}", self.model, MODELS)
            raise UsageError(f"{known[:-1]}, or your own as path/to/file.py:NAME.")
        return _CLASSES[self.kind]

    def model_keywords(self) -> dict[str, Any]:
        """The keywords of the model's constructor.

        UsageError for an option of another model or optimizer, or a value that this model does not allow.
        """
        keywords = subset(self.model_class.Options, self)
        refuse_others(self, "model", self.kind, self.model)
        check(self.model_class.Options(**keywords))
        refuse_others(self, "optimizer", self.optimizer)
        return {**keywords, "recurrence": self.model} if self.kind == CUSTOM else keywords

    @classmethod
    def chosen(cls, selector: str, record: Mapping[str, Any]) -> str | None:
        """See `RunSettings.chosen`; a model that is path/to/file.py:NAME is of the kind "custom"."""
        name = super().chosen(selector, record)
        return _kind(name) if selector == "model" and name else name


def _kind(model: str) -> str:
    return CUSTOM if file_of(model) else model
