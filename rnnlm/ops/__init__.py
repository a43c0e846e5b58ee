"""The machine: every piece of array arithmetic that costs time, behind one set of signatures.

`reference` states each once, in plain array code that runs on NumPy and on CuPy arrays. The array decides the machine:
`ops_for(array)` returns the backend that belongs to it, and there is no global device.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from .reference import Reference

__all__ = ["Reference", "ops_for"]


@cache
def _reference(library: str) -> Reference:
    if library == "cupy":
        import cupy

        return Reference(cupy)
    import numpy

    return Reference(numpy)


def ops_for(array: Any) -> Reference:
    """The operations for the machine on which `array` lives."""
    return _reference(type(array).__module__.partition(".")[0])
