"""Checkpoints: everything that a killed run needs to end in the same weights as one that was not killed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from .. import storage
from ..errors import DataError
from ..models.files import unpack
from ..models.model import Model, Network
from ..models.recurrent import Tape
from ..ops import ops_for
from ..optim import Optimizer, Schedule
from ..own_source import Trust
from ..stored import Stored
from .progress import Progress

Kind = TypeVar("Kind", bound=Model)


class Resumable(Protocol):
    """The parts of a trainer that a checkpoint saves and restores."""

    model: Network
    optimizer: Optimizer
    schedule: Schedule
    progress: Progress


class Checkpoint:
    """Writes a run's checkpoint to `path`, between epochs too where `minutes` have passed since the last one.

    It stays when the run ends, so that the run can be given more epochs. A checkpoint holds the model, the best
    epoch's weights, the optimizer's memory, the schedule, the position in the text, the streams' states and the tapes
    of the last windows (the horizon may reach beyond a block). Random masks need no state: they are a function of
    seed and update number. `run` is a record of the run's settings, compared on resume.
    """

    def __init__(self, path: str | Path, run: dict[str, Any], *, minutes: float | None = None) -> None:
        self.path, self.run = Path(path), run
        self.minutes = minutes
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether `minutes` have passed since the last checkpoint; one is also written after each epoch."""
        return self.minutes is not None and time.monotonic() - self._last >= 60 * self.minutes

    def save(self, trainer: Resumable) -> None:
        """Write the checkpoint, completely or not at all; DataError when it cannot be written."""
        p = trainer.progress
        model, arrays = trainer.model.to_arrays()
        numbers, memory = trainer.optimizer.state()
        host = {f"model/{name}": array for name, array in arrays.items()}
        host |= {f"best/{name}": array for name, array in p.best.items()}
        host |= {f"optimizer/{name}": ops_for(array).to_host(array) for name, array in memory.items()}
        progress = {name: getattr(p, name) for name in _NUMBERS}
        header = {
            "run": self.run,
            "model": model,
            "optimizer": numbers,
            "schedule": trainer.schedule.state(),
            "progress": progress,
            "state": _pack(p.state, "state", host),
            "tapes": [_pack(tuple(tape), f"tapes/{i}", host) for i, tape in enumerate(p.tapes)],
        }
        storage.write(self.path, "checkpoint", header, host)
        self._last = time.monotonic()

    @staticmethod
    def read(path: str | Path) -> Snapshot:
        """The checkpoint in a file. DataError when it is missing, damaged, or another kind of file."""
        return Snapshot(Path(path), Stored(*storage.read(path, "checkpoint"), Path(path).parent))

    def remove(self) -> None:
        """Delete the file of a run that is not to be resumed."""
        self.path.unlink(missing_ok=True)


_NUMBERS = ("epoch", "window", "updates", "nll", "tokens", "correct", "stopped", "best_epoch")


class Snapshot:
    """A checkpoint that was read from a file: `stored`, what it holds, and `run`, the record of the run's settings."""

    def __init__(self, path: Path, stored: Stored) -> None:
        self.path, self.stored = path, stored
        self.run: dict[str, Any] = {"device": "cpu", **stored.mapping("run")}  # the first versions knew no other device

    @property
    def stopped(self) -> str:
        """Why the run ended; empty where it was cut off."""
        return str(self.stored.mapping("progress").get("stopped", ""))

    def _part(self, prefix: str) -> dict[str, np.ndarray]:
        part = self.stored.arrays_of(prefix)
        return {name: part.array(name) for name in part.names()}

    def model(self, kind: type[Kind], trust: Trust = False) -> Kind:
        """The model as it was at the checkpoint, vocabulary and classes included; DataError if it is another kind.

        `trust` says whether code that the model names may run.
        """
        model = unpack(replace(self.stored.part("model", "model/"), trust=trust))
        if not isinstance(model, kind):
            raise DataError(
                f"{self.path} is the checkpoint of another kind of model, {model.kind}. Give another `output`."
            )
        return model

    def restore(self, trainer: Resumable) -> None:
        """Restore the state of the run in a trainer that was made with the same settings and with `model()`."""
        trainer.optimizer.restore(self.stored.mapping("optimizer"), self._part("optimizer/"))
        trainer.schedule.restore(self.stored.mapping("schedule"))
        p = trainer.progress
        for name in _NUMBERS:
            setattr(p, name, self.stored.mapping("progress")[name])
        trainer.optimizer.learning_rate *= trainer.schedule.factor_of_new_length(p.epoch)
        p.best = self._part("best/")
        weights = next(iter(trainer.model.params.values())).value
        # States and tapes are on the device of the weights; word ids stay on the host, as everywhere.
        arrays = {
            name: ops_for(weights).asarray(array) if np.issubdtype(array.dtype, np.floating) else array
            for name, array in self.stored.arrays.items()
            if name.startswith(("state", "tapes/"))
        }
        p.state = _unpack(self.stored.value("state"), arrays)
        p.tapes = deque(Tape(*_unpack(tape, arrays)) for tape in self.stored.sequence("tapes"))

    def require_same(self, run: dict[str, Any], comparable: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """DataError that names the first setting in which this run differs from the checkpoint's.

        `comparable` reduces a record to what must agree (see `RunSettings.comparable`).
        """
        before, after = comparable(self.run), comparable(run)
        choices = ("model", "optimizer", "schedule")  # they come first: other options follow from them
        for name in sorted(before.keys() | after.keys(), key=lambda name: (name not in choices, name)):
            then, now = before.get(name), after.get(name)
            if then != now and name.startswith("data."):
                one, it = ("another text", "text") if "streams" in run else ("other data", "data")
                raise DataError(
                    f"{self.path} was written by a run on {one}: its {name[5:]} is {_short(then)}, now it is "
                    f"{_short(now)}. Resume with the {it} of the first start, or train anew without `resume`."
                )
            if then != now:
                raise DataError(
                    f"{self.path} was written by a run with {name}={then!r}, this one has {name}={now!r}. "
                    "Resume with the settings of the first start, or train anew without `resume`."
                )


def _short(value: Any) -> str:
    return f"{value[:12]}…" if isinstance(value, str) else str(value)


def _pack(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """Nested tuples, lists, numbers, None and arrays as JSON; the arrays go into `arrays` under names from `name`."""
    if isinstance(value, tuple | list):
        return [type(value).__name__, *(_pack(part, f"{name}.{i}", arrays) for i, part in enumerate(value))]
    if value is None or isinstance(value, int | float | str):
        return {"value": value}
    arrays[name] = ops_for(value).to_host(value)
    return {"array": name}


def _unpack(packed: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The value that `_pack` took apart."""
    if isinstance(packed, list):
        parts = [_unpack(part, arrays) for part in packed[1:]]
        return tuple(parts) if packed[0] == "tuple" else parts
    return packed["value"] if "value" in packed else arrays[packed["array"]]
