"""The steps that all training runs have in common: settings, data, model and trainer, in this order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from ..models.model import Network
from ..optim import OPTIMIZERS, Optimizer
from ..optim.schedules import schedule_of
from ..option_sets import subset
from . import memory
from .checkpoint import Checkpoint
from .events import Observer
from .loop import Loop, LoopOptions
from .run_files import RunFiles
from .run_settings import RunSettings

AnySettings = TypeVar("AnySettings", bound=RunSettings)
AnyModel = TypeVar("AnyModel", bound=Network)


class BaseRun(ABC, Generic[AnySettings, AnyModel]):
    """One training run: its data, model and trainer. Everything is checked here, before the first update.

    `fit()` trains and writes the model. With `output` the model goes there and the checkpoints to `output`.checkpoint,
    which stays there, so that `resume` with a larger `epochs` goes on with a run that has ended. `command` is the
    command line, for the model's record. A new model is made on the host and then moved to the `device`, so that one
    seed starts from the same weights everywhere. Raises
    UsageError for settings that are not allowed, DataError for data that cannot be used, OutOfMemory where the device
    has too little memory.

    A subclass defines how data, model, trainer and the memory that they need follow from the settings.
    """

    source_names: ClassVar[tuple[str, ...]]  # the settings that name input files
    model_class: ClassVar[Any]  # what a checkpoint must hold
    data: Any
    trainer: Loop
    _start_hash: Mapping[str, str] = {}  # that of the file from which the run starts, by the name for the record

    def __init__(self, settings: AnySettings, *, observers: Sequence[Observer] = (), command: str = "") -> None:
        settings.check()
        self.settings, self.device = settings.on_this_machine()
        self.start = self._start()
        self._check()
        self.files = RunFiles(settings.output, settings.resume, self._sources())
        self.output, snapshot = self.files.output, self.files.snapshot
        resumed: AnyModel | None = snapshot.model(self.model_class) if snapshot else None
        self.data = self._load(resumed or self.start)
        hashes = self.data.hashes | self._start_hash
        record = self.settings.record() | {f"data.{name}": value for name, value in hashes.items()}
        if snapshot is not None:
            snapshot.require_same(record, self.settings.comparable)
        self.model: AnyModel = resumed or self.start or self._new_model()
        if resumed is None:
            self.model.log.append({"kind": "run", "command": command, **self._source(), **record})
        self.needs = self._needs()
        with memory.explain_out_of_memory(self.needs, self.device):
            self.model.to(self.device)
            self.trainer = self._trainer(self.files.checkpoint(record, settings.save_every), observers)
            self.files.resume(self.trainer, self.data.train)
        self.resumed = snapshot is not None

    @property
    def has_ended(self) -> bool:
        """Whether the run that is resumed had ended, and ends again without another update."""
        return self.resumed and bool(self.trainer.progress.stopped)

    def fit(self) -> str:
        """Train, write the model and return why training ended ("interrupted" after Ctrl-C)."""
        with memory.explain_out_of_memory(self.needs, self.device):
            return self.files.train_and_save(
                self.trainer, self.model, lambda: self.trainer.fit(self.data.train, self.data.valid)
            )

    def _optimizer(self, default_rate: float) -> Optimizer:
        """The optimizer that the settings describe, with the default rate where they have none."""
        s: Any = self.settings
        rule = OPTIMIZERS[s.optimizer]
        rate = default_rate if s.lr is None else s.lr
        return rule(self.model.params, rate, l2=s.l2, decay=s.weight_decay, **subset(rule.Options, s))

    def _loop_options(
        self, epochs: int, warmup: int, checkpoint: Checkpoint | None, observers: Sequence[Observer]
    ) -> LoopOptions:
        """The keywords that every trainer takes, as the settings have them."""
        s: Any = self.settings
        return {
            "clip": s.clip,
            "clip_by": s.clip_by,
            "schedule": schedule_of(s, epochs),
            "warmup": warmup,
            "epochs": epochs,
            "max_updates": s.max_updates,
            "seed": s.seed,
            "checkpoint": checkpoint,
            "observers": observers,
        }

    def _sources(self) -> Mapping[str, str | Path | None]:
        """The input files by their use ("text", "valid" …): none of them may be the output."""
        return {name: getattr(self.settings, name) for name in self.source_names}

    def _source(self) -> dict[str, str]:
        """The training data as the settings name them, for the record."""
        name = self.source_names[0]
        return {name: str(getattr(self.settings, name))}

    def _start(self) -> AnyModel | None:
        """The trained model that a new run starts from; it may change the settings. None: the run makes a new one."""
        return None

    def _check(self) -> None:
        """UsageError for settings that do not go together, before any data are read."""

    @abstractmethod
    def _load(self, resumed: AnyModel | None) -> Any:
        """The data; those of a resumed run, or one that starts from a model, with that model's words or labels."""

    @abstractmethod
    def _new_model(self) -> AnyModel:
        """The model that the settings describe."""

    @abstractmethod
    def _needs(self) -> list[memory.Need]:
        """The parts of a run that take memory, and how much each takes."""

    @abstractmethod
    def _trainer(self, checkpoint: Checkpoint | None, observers: Sequence[Observer]) -> Loop:
        """The trainer that the settings describe."""
