"""The steps that all training runs have in common: settings, data, model and trainer, in this order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from ..declared_files import NamedFile
from ..models.model import Network
from ..optim import OPTIMIZERS, Optimizer
from ..optim.schedules import schedule_of
from ..option_sets import subset
from ..own_source import Trust, remembered
from . import memory
from .checkpoint import Checkpoint, Snapshot
from .events import Observer
from .learning_rate import LearningRate, recorded
from .loop import Loop
from .loop_options import LoopOptions
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
    has too little memory. No other process may write to the output meanwhile; `locked` says that the caller has made
    sure of that.

    `trust` says whether Python code may run that a checkpoint, or the model to start from, names; without it, what the
    user trusted before.

    A subclass defines how data, model, trainer and the memory that they need follow from the settings.
    """

    source_name: ClassVar[str]  # the setting that names the training data
    model_class: ClassVar[Any]  # what a checkpoint must hold
    data: Any
    trainer: Loop
    _earlier_hash: Mapping[str, str] = {}  # that of the file from which the run starts, by the name for the record

    def __init__(
        self,
        settings: AnySettings,
        *,
        observers: Sequence[Observer] = (),
        command: str = "",
        locked: bool = False,
        trust: Trust = remembered,
    ) -> None:
        settings.check()
        self.settings, self.device = settings.on_this_machine()
        self.trust = self._trust(trust)
        self.earlier_model = self._earlier_model()
        self._check()
        self.files = RunFiles(settings.output, settings.resume, self.reads(settings), command=command, locked=locked)
        self.output = self.files.output
        try:
            self._prepare(observers, command)
        except BaseException:
            self.files.release()
            raise

    def _prepare(self, observers: Sequence[Observer], command: str) -> None:
        """Data, model and trainer: those of a new run, or of the one that is resumed."""
        snapshot = self.files.snapshot
        resumed: AnyModel | None = snapshot.model(self.model_class, self.trust) if snapshot else None
        self.data = self._load(resumed or self.earlier_model)
        hashes = self.data.hashes | self._earlier_hash
        record = self.settings.record() | {f"data.{name}": value for name, value in hashes.items()}
        if snapshot is not None:
            snapshot.require_same(record, self.settings.comparable)
        self.model: AnyModel = resumed or self.earlier_model or self._new_model()
        self.learning_rate = self._recorded_learning_rate(snapshot) or self._learning_rate()
        record["learning_rate"] = self.learning_rate._asdict()
        if resumed is None:
            self.model.log.append({"kind": "run", "command": command, **self._source(), **record})
        self.needs = self._needs()
        with memory.explain_out_of_memory(self.needs, self.device):
            self.model.to(self.device)
            self.trainer = self._trainer(self.files.checkpoint(record, self.settings.save_every), observers)
            self.files.resume(self.trainer, self.data.train)
        self.resumed = snapshot is not None

    @property
    def has_ended(self) -> bool:
        """Whether the run that is resumed had ended, and ends again without another update."""
        return self.resumed and bool(self.trainer.progress.stopped)

    def fit(self) -> str:
        """Train, write the model and return why training ended ("interrupted" after Ctrl-C)."""
        try:
            with memory.explain_out_of_memory(self.needs, self.device):
                return self.files.train_and_save(self.trainer, self.model, self._train)
        finally:
            self.files.release()

    def _train(self) -> str:
        """Train to the end; returns why it ended. What a subclass adds to the model's log here goes into its file."""
        return self.trainer.fit(self.data.train, self.data.valid)

    def _recorded_learning_rate(self, snapshot: Snapshot | None) -> LearningRate | None:
        """The learning rate of a run that is resumed; None for a new run. One of an earlier version recorded none."""
        if snapshot is None:
            return None
        return recorded(snapshot) or self._learning_rate(earlier=True)

    def _optimizer(self) -> Optimizer:
        """The optimizer that the settings describe, at the rate with which the run begins."""
        s: Any = self.settings
        rule = OPTIMIZERS[s.optimizer]
        return rule(self.model.params, self.learning_rate.lr, l2=s.l2, decay=s.weight_decay, **subset(rule.Options, s))

    def _loop_options(self, epochs: int, checkpoint: Checkpoint | None, observers: Sequence[Observer]) -> LoopOptions:
        """The keywords that every trainer takes, as the settings have them."""
        s: Any = self.settings
        return {
            "clip": s.clip,
            "clip_by": s.clip_by,
            "schedule": schedule_of(s, epochs),
            "warmup": self.learning_rate.warmup,
            "epochs": epochs,
            "max_updates": s.max_updates,
            "seed": s.seed,
            "checkpoint": checkpoint,
            "observers": observers,
        }

    @staticmethod
    @abstractmethod
    def reads(settings: Any) -> list[NamedFile]:
        """The files that a run with these settings reads: it may write to none of them."""

    def _source(self) -> dict[str, Any]:
        """The training data as the settings name them, and what else is recorded of the data but not compared."""
        return {self.source_name: str(getattr(self.settings, self.source_name))}

    def _earlier_model(self) -> AnyModel | None:
        """The trained model that a new run starts from; it may change the settings. None: the run makes a new one."""
        return None

    def _trust(self, trust: Trust) -> Trust:
        """Whether code that a checkpoint names may run, where `trust` is what the caller says."""
        return trust

    def _check(self) -> None:
        """UsageError for settings that do not go together, before any data are read."""

    @abstractmethod
    def _load(self, resumed: AnyModel | None) -> Any:
        """The data; those of a resumed run, or one that starts from a model, with that model's words or labels."""

    @abstractmethod
    def _new_model(self) -> AnyModel:
        """The model that the settings describe."""

    @abstractmethod
    def _learning_rate(self, *, earlier: bool = False) -> LearningRate:
        """The rate and the warm-up that the settings describe; `earlier`: as versions did that did not record them."""

    @abstractmethod
    def _needs(self) -> list[memory.Need]:
        """The parts of a run that take memory, and how much each takes."""

    @abstractmethod
    def _trainer(self, checkpoint: Checkpoint | None, observers: Sequence[Observer]) -> Loop:
        """The trainer that the settings describe."""
