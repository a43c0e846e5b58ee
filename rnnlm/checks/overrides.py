"""Operations that a backend does in its own way, and how their results are compared with the plain array code's."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..ops import Reference
from ..ops.arrays import Array

ON_THE_HOST = {"u"}  # arguments that are numbers of the host though they are no integers


def overridden(kind: type[Reference]) -> list[str]:
    """The operations of `Reference` that a backend has a method of its own for, by name."""
    public = [name for name in dir(Reference) if not name.startswith("_") and callable(getattr(Reference, name))]
    return [
        name for name in public if inspect.getattr_static(kind, name) is not inspect.getattr_static(Reference, name)
    ]


def parameters(name: str) -> list[str]:
    """The names of an operation's arguments."""
    return [each for each in inspect.signature(getattr(Reference, name)).parameters if each != "self"]


def each(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with `change` made to everything that is no tuple, list or dataclass in it, in any nest."""
    if isinstance(value, tuple | list):
        parts = [each(part, change) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: each(getattr(value, field.name), change) for field in dataclasses.fields(value)}
        return type(value)(**fields)
    return change(value)


def leaves(value: Any) -> list[Any]:
    """All that stands in a nest of tuples, lists and dataclasses, but for None."""

    def walk(part: Any) -> Iterator[Any]:
        if isinstance(part, tuple | list):
            for one in part:
                yield from walk(one)
        elif dataclasses.is_dataclass(part) and not isinstance(part, type):
            for field in dataclasses.fields(part):
                yield from walk(getattr(part, field.name))
        elif part is not None:
            yield part

    return list(walk(value))


def moved(name: str, given: tuple[Any, ...], put: Callable[[np.ndarray], Array]) -> tuple[Any, ...]:
    """An operation's arguments where `put` puts arrays; those of integers stay, they are the host's book-keeping."""

    def change(value: Any) -> Any:
        return put(value) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    names = parameters(name)
    return tuple(
        value if which in ON_THE_HOST else each(value, change) for value, which in zip(given, names, strict=False)
    )


def comparable(ops: Reference, name: str, given: tuple[Any, ...]) -> Any:
    """The results of an operation that mean the same on every backend."""
    found = getattr(ops, name)(*given)
    if not name.endswith("_nll"):
        return found
    nll, dh, own, *more = found  # `own`: the gradient of the weights in the backend's own form
    return [nll, ops.softmax_gradient(own, dh, 0.3), *more] if given[-1] else [nll]
