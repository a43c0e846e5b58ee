"""What everything in a model file has in common."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from .. import storage
from ..layers import Param
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.device import Device, put, use

Header = dict[str, Any]
State = tuple[Array, ...]


class Model(ABC):
    """A thing of a `kind`, made by the keywords `config`, that can be taken apart into arrays and a header.

    `log` is the record of its training: one dictionary an entry. `stands_on` are the models that it is made of.
    """

    kind: str
    config: dict[str, Any]
    log: list[dict[str, Any]]
    stands_on: Sequence[Model] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._about())})"

    def _about(self) -> list[str]:
        """What `repr` tells a person: the size of the model in a few words."""
        return [f"{name} {text}" for name, text in self.summary()]

    def pack(self) -> tuple[Header, dict[str, Array]]:
        """What a file needs besides kind, config and log: more of the header, and arrays by name."""
        raise TypeError(f"a {type(self).__name__} does not say what to save: it has no method pack")

    def to_arrays(self) -> tuple[Header, dict[str, np.ndarray]]:
        """The header and the host arrays from which `models.files.from_arrays` makes the same model again."""
        header, arrays = self.pack()
        host = {name: ops_for(array).to_host(array) for name, array in arrays.items()}
        host["log"] = storage.json_array(self.log)
        return {"kind": self.kind, "config": self.config, **header}, host

    def facts(self) -> dict[str, Any]:
        """What `rnnlm info --json` tells besides the settings: numbers and words by name."""
        return {}

    def summary(self) -> list[tuple[str, str]]:
        """The same for a person, a line each: a name and some words."""
        return [
            (name, f"{value:,}" if isinstance(value, int | float) else str(value))
            for name, value in self.facts().items()
        ]

    def to(self, device: str | Device) -> Self:
        """Move the model to "cpu", to "gpu", the first one, or to "gpu:1", and return it; states are made anew there.

        What is learnt moves, of every model that this one stands on, and all that computes with it follows. Gradients
        are cleared, and an optimizer, whose memory lies where the weights lie, is made afterwards. Tables of n-grams
        stay on the host: they are looked up there, and mixtures bring the log-probabilities of the others to them.
        A GPU becomes the current one of this thread, so give all models of a process the same one. Raises UsageError
        for a device that there is not, and for a model that works on the host only.
        """
        self._move(use(device))
        return self

    def _move(self, device: Device) -> None:
        """Put what is learnt on a device that can be used."""
        for model in self.stands_on:
            model._move(device)

    def save(self, path: str | Path) -> None:
        """Write the model to a file, whole or not at all. DataError when the place cannot be written."""
        storage.write(path, "model", *self.to_arrays())


class Network(Model):
    """A model that a trainer can change: its learnt arrays stand in `params`, by name."""

    params: dict[str, Param]

    def _move(self, device: Device) -> None:
        for param in self.params.values():
            param.set(put(param.value, device))


def set_params(params: Mapping[str, Param], arrays: Mapping[str, np.ndarray]) -> None:
    """Give each parameter the host array of its name, on the parameter's device.

    KeyError or ValueError when one is missing or misshapen.
    """
    for name, param in params.items():
        array = arrays[name]
        if array.shape != param.value.shape:
            raise ValueError(f"array {name} has the shape {array.shape}, the model needs {param.value.shape}")
        param.set(ops_for(param.value).asarray(array))


def settings_text(config: Mapping[str, Any]) -> str:
    """A model's settings in a line for a person."""
    return ", ".join(f"{name} {value}" for name, value in config.items() if value is not None and name != "weights")


def part_text(part: Mapping[str, Any]) -> str:
    """A model that another is made of, as `facts` tells it, in a line for a person."""
    weight = f"weight {part['weight']:.4f}  " if "weight" in part else ""
    return f"{weight}{part.get('file') or part['model']}  {settings_text(part['config'])}"
