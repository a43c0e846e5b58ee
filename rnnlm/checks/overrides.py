"""Operations that a backend overrides, and how their results are compared with those of the plain array code."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..ops import Reference
from ..ops.arrays import Array

ON_THE_HOST = {"u"}  # arguments that stay on the host although they are no integers


def overridden(kind: type[Reference]) -> list[str]:
    """Return the names of the operations of `Reference` that a backend overrides with a method of its own."""
    public = [name for name in dir(Reference) if not name.startswith("_") and callable(getattr(Reference, name))]
    return [
        name for name in public if inspect.getattr_static(kind, name) is not inspect.getattr_static(Reference, name)
    ]


def parameters(name: str) -> list[str]:
    """Return the names of the arguments of an operation, without `self`."""
    return [argument for argument in inspect.signature(getattr(Reference, name)).parameters if argument != "self"]


def each(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return the value with `change` applied to each leaf of its nested tuples, lists and dataclasses."""
    if isinstance(value, tuple | list):
        parts = [each(part, change) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: each(getattr(value, field.name), change) for field in dataclasses.fields(value)}
        return type(value)(**fields)
    return change(value)


def leaves(value: Any) -> list[Any]:
    """Return the leaves of nested tuples, lists and dataclasses in order, without those that are None."""

    def walk(part: Any) -> Iterator[Any]:
        if isinstance(part, tuple | list):
            for element in part:
                yield from walk(element)
        elif dataclasses.is_dataclass(part) and not isinstance(part, type):
            for field in dataclasses.fields(part):
                yield from walk(getattr(part, field.name))
        elif part is not None:
            yield part

    return list(walk(value))


def moved(name: str, arguments: tuple[Any, ...], put: Callable[[np.ndarray], Array]) -> tuple[Any, ...]:
    """Return an operation's arguments with `put` applied to the arrays; those of integers stay on the host."""

    def change(value: Any) -> Any:
        return put(value) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    pairs = zip(arguments, parameters(name), strict=False)
    return tuple(value if argument in ON_THE_HOST else each(value, change) for value, argument in pairs)


def comparable(ops: Reference, name: str, arguments: tuple[Any, ...]) -> Any:
    """Return those results of an operation that are the same on every backend.

    The gradient of the weights of an output layer has a form of its own on each backend; it is turned into an array.
    """
    results = getattr(ops, name)(*arguments)
    if not name.endswith("_nll"):
        return results
    nll, dh, weight_gradient, *more = results
    return [nll, ops.softmax_gradient(weight_gradient, dh, 0.3), *more] if arguments[-1] else [nll]
