"""The settings that all runs have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from ..machine import MachineOptions, choose
from ..ops.device import Device
from ..optim import SCHEDULES
from ..options import as_dict, check, declared, make, option


@dataclass(frozen=True, kw_only=True)
class LengthOptions:
    """Options of the schedule, and of the length of a run."""

    schedule: str = option("linear", "How the learning rate falls.", group="Training", choices=tuple(SCHEDULES))
    epochs: int | None = option(
        None,
        "Passes over the text, at most; without it, about 8 million words, 1 to 20 epochs.",
        group="Training",
        metavar="N",
        least=1,
        free=True,
        common=True,
    )
    max_updates: int | None = option(
        None, "At most so many updates.", group="Training", metavar="N", least=1, free=True, names=("--max_iter",)
    )


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """Options of the files that a run writes, and of resuming it."""

    output: str | Path | None = option(
        None,
        "The model file; NAME.rnnlm without it.",
        group="Files",
        metavar="FILE",
        free=True,
        names=("-o",),
        common=True,
    )
    save_every: float | None = option(
        None,
        "Checkpoints between epochs too.",
        group="Files",
        metavar="MINUTES",
        above=0,
        advice="in minutes",
        free=True,
    )
    resume: bool = option(
        False, "Go on with a run that was cut off, or give one that has ended more epochs.", group="Files", free=True
    )


@dataclass(frozen=True, kw_only=True)
class RunSettings(MachineOptions, FileOptions):
    """The settings of a run as one immutable value, which can be handed to another process as JSON."""

    @classmethod
    def of(cls, **values: Any) -> Self:
        """The settings from keywords. UsageError for an unknown name or a value that is not allowed."""
        return make(cls, values, what="setting")

    def to_json(self) -> dict[str, Any]:
        """All settings by name, as JSON has them; `from_json` is the way back."""
        return as_dict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The settings from what `to_json` returned. UsageError as of `of`."""
        return cls.of(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})

    def check(self) -> None:
        """UsageError for a value that is out of range for every model."""
        check(self)

    def record(self) -> dict[str, Any]:
        """The settings that the trained weights depend on; a run that is resumed must have the same."""
        declarations = declared(type(self))
        settings = {name: value for name, value in self.to_json().items() if not declarations[name].option.free}
        device = self.device.partition(":")[0]  # which of the GPUs it is makes no difference
        return settings | {"device": device}

    @classmethod
    def chosen(cls, selector: str, record: Mapping[str, Any]) -> str | None:
        """The value of the option `selector` ("model", "optimizer" …) in a record; None where the data decide."""
        return record.get(selector, declared(cls)[selector].default)

    @classmethod
    def comparable(cls, record: Mapping[str, Any]) -> dict[str, Any]:
        """What must agree of a record that `record()` made, every default written out.

        Options that may differ are left out, and options of other models, optimizers and schedules. So the record of an
        older version, which had fewer options, equals that of the same run today.
        """
        values = {name: value for name, value in record.items() if name.startswith("data.") and name != "data.test"}
        for name, declaration in declared(cls).items():
            option = declaration.option
            kind = cls.chosen(option.selector, record) if option.selector else None
            if option.free or (kind is not None and not option.belongs_to(kind)):
                continue
            value = record.get(name, declaration.default)
            value = option.default_of(kind) if value is None else value
            values[name] = list(value) if isinstance(value, tuple) else value
        return values

    def on_this_machine(self) -> tuple[Self, Device]:
        """Choose device, precision, backend and threads for this process.

        Returns the settings with these choices written in, and the device. UsageError for what this machine lacks.
        """
        device, chosen = choose(self)
        changed: dict[str, Any] = chosen
        return replace(self, **changed), device
