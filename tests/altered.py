"""Files with a correct checksum that no writer of ours would write."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rnnlm import storage

Alteration = Callable[[dict[str, Any], dict[str, np.ndarray]], None]


def altered(source: Path, target: Path, what: str, alteration: Alteration) -> Path:
    """Write a copy of a file of ours in which `alteration` has changed header and arrays; return its path."""
    header, arrays = storage.read(source, what)
    header, arrays = copy.deepcopy(header), {name: array.copy() for name, array in arrays.items()}
    alteration(header, arrays)
    storage.write(target, what, header, arrays)
    return target


def config(**values: Any) -> Alteration:
    """Set entries of a model's settings."""
    return lambda header, arrays: header["config"].update(values)


def entry(name: str, value: Any) -> Alteration:
    """Set an entry of the header, `a.b` being b in a."""

    def alter(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        *path, last = name.split(".")
        for part in path:
            header = header[part]
        header[last] = value

    return alter


def without(name: str) -> Alteration:
    """Leave an array or an entry of the header out."""

    def alter(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        del (arrays if name in arrays else header)[name]

    return alter


def array(name: str, value: Any) -> Alteration:
    """Set an array; a function makes it of the one that there is."""

    def alter(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        arrays[name] = np.asarray(value(arrays[name]) if callable(value) else value)

    return alter


def element(name: str, place: Any, value: Any) -> Alteration:
    """Set one number of an array."""

    def alter(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        arrays[name][place] = value

    return alter


def packed(name: str, value: Any) -> Alteration:
    """Set an array that holds JSON."""
    return array(name, storage.json_array(value))


def text(name: str, content: bytes) -> Alteration:
    """Set an array that holds JSON to these bytes."""
    return array(name, np.frombuffer(content, np.uint8))
