"""Checkpoints: everything that a killed run needs to end in the same weights as one that was not killed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from .. import storage
from ..errors import DataError
from ..models.files import unpack
from ..models.model import Model, Network
from ..models.training_log import require_complete
from ..ops import ops_for
from ..optim import Optimizer, Schedule
from ..own_source import Trust
from ..stored import Stored, reading
from .packing import pack
from .progress import Progress

Kind = TypeVar("Kind", bound=Model)


class Resumable(Protocol):
    """The parts of a trainer that a checkpoint saves and restores."""

    model: Network
    optimizer: Optimizer
    schedule: Schedule
    progress: Progress

    def windows_like(self, state: Any, tapes: list[Any], stored: Stored) -> tuple[Any, deque]:
        """The streams' state and the tapes of the last windows, which `packing.pack` took apart."""


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
            "state": pack(p.state, "state", host),
            "tapes": [pack(tuple(tape), f"tapes/{i}", host) for i, tape in enumerate(p.tapes)],
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
        with reading(path, "checkpoint"):
            run = _plain_values(stored.part("run", ""))
        self.run: dict[str, Any] = {"device": "cpu", **run}  # the first versions knew no other device

    @property
    def stopped(self) -> str:
        """Why the run ended; empty where it was cut off."""
        with reading(self.path, "checkpoint"):
            return self.stored.part("progress", "").text("stopped", "")

    def model(self, kind: type[Kind], trust: Trust = False) -> Kind:
        """The model as it was at the checkpoint, vocabulary and classes included; DataError if it is another kind.

        `trust` says whether code that the model names may run.
        """
        with reading(self.path, "checkpoint"):
            model = unpack(replace(self.stored.part("model", "model/"), trust=trust))
            require_complete(model.log)
        if not isinstance(model, kind):
            raise DataError(
                f"{self.path} is the checkpoint of another kind of model, {model.kind}. Give another `output`."
            )
        return model

    def restore(self, trainer: Resumable) -> None:
        """Restore the state of the run in a trainer that was made with the same settings and with `model()`.

        DataError where the checkpoint holds something else than such a run has.
        """
        with reading(self.path, "checkpoint"):
            self._restore(trainer)
            self.stored.refuse_others()

    def _restore(self, trainer: Resumable) -> None:
        stored, params, optimizer, p = self.stored, trainer.model.params, trainer.optimizer, trainer.progress
        _, memory = optimizer.state()
        arrays, numbers = stored.arrays_of("optimizer/"), stored.part("optimizer", "")
        optimizer.restore(
            {"learning_rate": numbers.number("learning_rate", 0), "steps": numbers.integer("steps", 0)},
            {name: arrays.numbers(name, a.dtype, a.shape, least=optimizer.least(name)) for name, a in memory.items()},
        )
        trainer.schedule.restore(_schedule_state(stored.part("schedule", ""), trainer.schedule))
        _read_numbers(stored.part("progress", ""), p)
        optimizer.learning_rate *= trainer.schedule.factor_of_new_length(p.epoch)
        best = stored.arrays_of("best/")
        p.best = {}
        if p.best_epoch:
            p.best = {
                name: best.numbers(name, param.value.dtype, param.value.shape, least=param.least)
                for name, param in params.items()
            }
        state, tapes = stored.value("state"), stored.sequence("tapes")
        if state == {"value": None}:
            if tapes:
                raise DataError("the entry tapes is not empty, and there is no state of the streams.")
            p.state, p.tapes = None, deque()
            return
        p.state, p.tapes = trainer.windows_like(state, tapes, stored)

    def require_same(self, run: dict[str, Any], comparable: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """DataError that names the first setting in which this run differs from the checkpoint's.

        `comparable` reduces a record to what must agree (see `RunSettings.comparable`).
        """
        before, after = comparable(self.run), comparable(run)
        choices = ("model", "optimizer", "schedule")  # they come first: other options follow from them
        for name in sorted(before.keys() | after.keys(), key=lambda name: (name not in choices, name)):
            then, now = before.get(name), after.get(name)
            if then != now and name == "data.from_model":
                raise DataError(
                    f"{self.path} was written by a run that started from another model: its `from_model` is "
                    f"{_short(then)}, now it is {_short(now)}. Resume with the model of the first start, or train anew "
                    "without `resume`."
                )
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


def _plain_values(part: Stored) -> dict[str, Any]:
    """The record of a run's settings: values that settings have, and names where they choose a kind."""
    for name in part.header:
        value = part.value(name)
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
        if any(isinstance(inner, list | dict) for inner in inside):
            part.refuse(name, "a setting: a text, a number, or some of them")
    for name in ("model", "optimizer", "schedule"):
        if part.value(name, None) is not None:
            part.text(name)
    if "learning_rate" in part:  # earlier versions did not write it
        rate = part.part("learning_rate", "")
        for name in rate.header:
            rate.number(name)
    return dict(part.header)


def _schedule_state(part: Stored, schedule: Schedule) -> dict[str, Any]:
    """The numbers of a schedule: those that it has, of the same types; infinity is a text."""
    state: dict[str, Any] = {}
    for name, value in schedule.state().items():
        if name not in part:  # an earlier version did not know it
            continue
        if isinstance(value, bool):
            state[name] = part.flag(name)
        elif isinstance(value, int):
            state[name] = part.integer(name, 0)
        else:
            state[name] = "inf" if part.value(name) == "inf" else part.number(name)
    return state


def _read_numbers(part: Stored, p: Progress) -> None:
    p.epoch, p.window, p.updates = part.integer("epoch", 1), part.integer("window", 0), part.integer("updates", 0)
    p.nll, p.tokens, p.stopped = part.number("nll"), part.integer("tokens", 0), part.text("stopped")
    p.correct = None if part.value("correct") is None else part.integer("correct", 0, p.tokens)
    p.best_epoch = part.integer("best_epoch", 0, p.epoch)
