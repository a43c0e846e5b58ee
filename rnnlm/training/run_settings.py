"""What the settings of all runs have in common."""

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
    """How the learning rate falls, and where a run ends at the latest."""

    schedule: str = option("linear", "How the learning rate falls.", group="Training", choices=tuple(SCHEDULES))
    epochs: int | None = option(
        None,
        "At most so many; without it, about 8 million words, 1 to 20 epochs.",
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
    """What a run writes, and from where it goes on."""

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
    resume: bool = option(False, "Go on with a run that was cut off.", group="Files", free=True)


@dataclass(frozen=True, kw_only=True)
class RunSettings(MachineOptions, FileOptions):
    """A run as a value: what it learns from, what it makes and how. It goes to another process as JSON."""

    @classmethod
    def of(cls, **values: Any) -> Self:
        """The settings by name, each checked; UsageError for a name that is none, or a value that is not allowed."""
        return make(cls, values, what="setting")

    def to_json(self) -> dict[str, Any]:
        """All settings by name, as JSON has them: what `from_json` takes, and a model file records."""
        return as_dict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The settings that `to_json` gave."""
        return cls.of(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})

    def check(self) -> None:
        """UsageError for a value that is out of range whatever the model is."""
        check(self)

    def record(self) -> dict[str, Any]:
        """Those settings that decide about the weights: a run that is resumed must have the same."""
        known = declared(type(self))
        settings = {name: value for name, value in self.to_json().items() if not known[name].option.free}
        device = self.device.partition(":")[0]  # which of the GPUs it is makes no difference
        return settings | {"device": device}

    @classmethod
    def chosen(cls, selector: str, record: Mapping[str, Any]) -> str | None:
        """The kind that a record chooses with the option `selector`; None where it leaves that to the data."""
        return record.get(selector, declared(cls)[selector].default)

    @classmethod
    def comparable(cls, record: Mapping[str, Any]) -> dict[str, Any]:
        """A record of `record()` with every default written out, without what may differ or means nothing there.

        So the record of an older version, which knew fewer options, is that of the same run today.
        """
        found = {name: value for name, value in record.items() if name.startswith("data.") and name != "data.test"}
        for name, one in declared(cls).items():
            kind = cls.chosen(one.option.selector, record) if one.option.selector else None
            if one.option.free or (kind is not None and kind not in one.option.kinds):
                continue
            value = record.get(name, one.default)
            value = one.option.fallback if value is None else value
            found[name] = list(value) if isinstance(value, tuple) else value
        return found

    def on_this_machine(self) -> tuple[Self, Device]:
        """Make the choices of what computes for this process: the settings with what was chosen, and the device.

        UsageError for what there is not.
        """
        device, chosen = choose(self)
        changed: dict[str, Any] = chosen
        return replace(self, **changed), device
