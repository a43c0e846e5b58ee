"""What everything in a model file has in common."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..layers import Param
from ..ops.arrays import Array

Header = dict[str, Any]


class Model(ABC):
    """A thing of a `kind`, made by the keywords `config`, that can be taken apart into arrays and a header.

    `log` is the record of its training: one dictionary an entry.
    """

    kind: str
    config: dict[str, Any]
    log: list[dict[str, Any]]

    def pack(self) -> tuple[Header, dict[str, Array]]:
        """What a file needs besides kind, config and log: more of the header, and arrays by name."""
        raise TypeError(f"a {type(self).__name__} does not say what to save: it has no method pack")

    def facts(self) -> dict[str, Any]:
        """What `rnnlm info` tells besides the settings: numbers and words by name."""
        return {}

    def save(self, path: str | Path) -> None:
        """Write the model to a file, whole or not at all. See `rnnlm.models.files`."""
        from .files import save

        save(self, path)


class Network(Model):
    """A model that a trainer can change: its learnt arrays stand in `params`, by name."""

    params: dict[str, Param]


def set_params(params: Mapping[str, Param], arrays: Mapping[str, np.ndarray]) -> None:
    """Give each parameter the array of its name. KeyError or ValueError when one is missing or misshapen."""
    for name, param in params.items():
        array = arrays[name]
        if array.shape != param.value.shape:
            raise ValueError(f"array {name} has the shape {array.shape}, the model needs {param.value.shape}")
        param.set(array)
