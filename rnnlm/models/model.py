"""The base of everything that a model file can hold."""

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
from ..stored import Stored

Header = dict[str, Any]
State = tuple[Array, ...]


class Model(ABC):
    """A model of a `kind`, made from the keywords `config`, that can be taken apart into a header and arrays.

    `log` is the record of its training, a list of dictionaries: {"kind": "run", …}, {"kind": "epoch", …} and so on.
    `submodels` are the models that it is made of, such as the members of a mixture.
    """

    kind: str
    config: dict[str, Any]
    log: list[dict[str, Any]]
    submodels: Sequence[Model] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._repr_parts())})"

    def _repr_parts(self) -> list[str]:
        """The parts of the `repr`: the size of the model in a few words."""
        return [f"{name} {text}" for name, text in self.summary()]

    def pack(self) -> tuple[Header, dict[str, Array]]:
        """What a model file holds besides kind, config and log: further entries of the header, and arrays by name.

        TypeError in a class that does not define it.
        """
        raise TypeError(f"a {type(self).__name__} does not say what to save: it has no method pack")

    def to_arrays(self) -> tuple[Header, dict[str, np.ndarray]]:
        """The header and the arrays, on the host, from which `models.files.unpack` makes the same model again."""
        header, arrays = self.pack()
        host = {name: ops_for(array).to_host(array) for name, array in arrays.items()}
        host["log"] = storage.json_array(self.log)
        return {"kind": self.kind, "config": self.config, **header}, host

    def facts(self) -> dict[str, Any]:
        """What `rnnlm info --json` shows besides the settings, by name: values that JSON has."""
        return {}

    def summary(self) -> list[tuple[str, str]]:
        """What `rnnlm info` shows of `facts`: pairs of a name and a text, a line each."""
        return [
            (name, f"{value:,}" if isinstance(value, int | float) else str(value))
            for name, value in self.facts().items()
        ]

    def to(self, device: str | Device) -> Self:
        """Move the model to "cpu", to "gpu", the first one, or to "gpu:1", and return it; states are made anew there.

        The parameters move, those of all submodels too, and computations follow them. Gradients are cleared; make an
        optimizer afterwards, since its memory lies where the weights lie. Tables of n-grams stay on the host: they are
        looked up there, and mixtures bring the log-probabilities of the other members there.
        A GPU becomes the current one of this thread, so give all models of a process the same one. Raises UsageError
        for a device that there is not, and for a model that works on the host only.
        """
        self._move(use(device))
        return self

    def _move(self, device: Device) -> None:
        """Move the parameters to a device that can be used."""
        for model in self.submodels:
            model._move(device)

    def save(self, path: str | Path) -> None:
        """Write the model to a file, completely or not at all. DataError when the file cannot be written."""
        storage.write(path, "model", *self.to_arrays())


class Network(Model):
    """A model that a trainer can change: its learnt arrays are in `params`, by name."""

    params: dict[str, Param]

    def _move(self, device: Device) -> None:
        for param in self.params.values():
            param.set(put(param.value, device))


def set_params(params: Mapping[str, Param], stored: Stored) -> None:
    """Give each parameter the host array of its name, on the parameter's device.

    DataError where one is missing, has another type or shape, or holds a number that is not finite or too small.
    """
    for name, param in params.items():
        array = stored.numbers(name, param.value.dtype, param.value.shape, least=param.least)
        param.set(ops_for(param.value).asarray(array))


def settings_text(config: Mapping[str, Any]) -> str:
    """A model's settings in one line of text."""
    return ", ".join(f"{name} {value}" for name, value in config.items() if value is not None and name != "weights")


def submodel_facts(model: Model) -> dict[str, Any]:
    """A submodel's entry in the `facts` of the model that is made of it: its kind, settings, command and facts.

    The command is the one that made it, from its log; an ARPA file and some others have none.
    """
    commands = [entry["command"] for entry in model.log if entry["kind"] == "run" and entry.get("command")]
    command = {"command": commands[0]} if commands else {}
    return {"model": model.kind, "config": model.config, **command, **model.facts()}


def submodels_summary(facts: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """The `summary` of a model that is made of others, from its `facts`: the lines about each, at every depth.

    The models are called "member 1", "member 2", … and "on"; what is below those, "member 1 on" and the like.
    """
    parts = [(f"member {place}", part) for place, part in enumerate(facts.get("members", []), 1)]
    parts += [("on", facts["base"])] if "base" in facts else []
    lines = []
    for below, part in parts:
        name = f"{above} {below}".strip()
        weight = f"weight {part['weight']:.4f}" if "weight" in part else ""
        about = (weight, part["model"], part.get("file", ""), settings_text(part["config"]))
        lines.append((name, "  ".join(filter(None, about))))
        lines += [(f"{name} command", part["command"])] if "command" in part else []
        lines += submodels_summary(part, name)
    return lines
