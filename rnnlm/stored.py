"""The class `Stored`: the header and the arrays of a file as data that nobody has believed yet.

Whoever makes something of a file takes each entry by `text`, `integer`, `array` and so on, and says what is allowed. An
entry that is missing or something else is a DataError of one line that names the entry, its value and what is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np

from .errors import DataError, OutOfMemory, UsageError
from .options import declared
from .own_source import Trust
from .spans import over_spans
from .strict_json import parse

_REQUIRED: Any = object()  # the default of an entry that has none
DEEPEST = 32  # things within one another, such as a mixture in a cache in a mixture
MOST_FILES = 1000  # of which one thing may be made
_SHOWN = 60  # characters of a value that a message shows at most


@dataclass(frozen=True, eq=False)
class Stored:
    """What a file says of a thing, a model for instance: entries of its header, and arrays by name.

    `header`   the entries by name, as JSON gives them
    `arrays`   all arrays of the file, on the host
    `folder`   the folder of the file, from which the paths in it start
    `trust`    whether the user lets Python code run that the file names, see `own_source.Trust`
    `prefix`   what the names of the arrays of this thing begin with
    `place`    where the header stands in that of the file, such as "members.0.", for messages
    `depth`    in how many other things this one is contained
    `record`   what has been taken from the file
    `opened`   the folder of each other file that was read for the outermost thing

    The parts of a thing, such as the members of a mixture, are `Stored` too (`part`, `parts`). They share a record of
    what has been taken from the file, so that `refuse_others` finds what nobody has asked for.
    """

    header: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    folder: Path = Path()
    trust: Trust = False
    prefix: str = ""
    place: str = ""
    depth: int = 0
    record: Record = field(default_factory=lambda: Record(), repr=False)
    opened: list[Path] = field(default_factory=list, repr=False)

    def __contains__(self, name: str) -> bool:
        """Return whether the header has an entry of this name."""
        return name in self.header

    def value(self, name: str, default: Any = _REQUIRED) -> Any:
        """Return an entry of the header whatever it is; `default` where it is missing and may be."""
        self.record.entries.add(self.place + name)
        if name not in self.header:
            if default is _REQUIRED:
                raise DataError(f"the entry {self.place}{name} is missing.")
            return default
        return self.header[name]

    def text(self, name: str, default: Any = _REQUIRED, *, choices: Sequence[str] = ()) -> str:
        """Return an entry that is a text, one of the `choices` where there are any."""
        value = self.value(name, default)
        if not isinstance(value, str):
            self.refuse(name, "a text")
        if choices and value not in choices:
            self.refuse(name, f"one of {', '.join(choices)}")
        return value

    def flag(self, name: str, default: Any = _REQUIRED) -> bool:
        """Return an entry that is true or false."""
        value = self.value(name, default)
        return value if isinstance(value, bool) else self.refuse(name, "true or false")

    def integer(self, name: str, least: int | None = None, most: int | None = None, default: Any = _REQUIRED) -> int:
        """Return an entry that is a whole number between `least` and `most`, both allowed."""
        value = self.value(name, default)
        is_inside = type(value) is int and (least is None or value >= least) and (most is None or value <= most)
        return value if is_inside else self.refuse(name, f"a whole number{_between(least, most)}")

    def number(
        self, name: str, least: float | None = None, most: float | None = None, default: Any = _REQUIRED
    ) -> float:
        """Return an entry that is a finite number between `least` and `most`, both allowed."""
        value = self.value(name, default)
        is_finite = type(value) in (int, float) and abs(value) <= np.finfo(np.float64).max
        is_inside = is_finite and (least is None or value >= least) and (most is None or value <= most)
        return value if is_inside else self.refuse(name, f"a number{_between(least, most)}")

    def mapping(self, name: str, default: Any = _REQUIRED) -> dict[str, Any]:
        """Return an entry that is an object, whose values are not checked."""
        value = self.value(name, default)
        return value if isinstance(value, dict) else self.refuse(name, "an object of names and values")

    def sequence(self, name: str, default: Any = _REQUIRED) -> list[Any]:
        """Return an entry that is a list, whose values are not checked."""
        value = self.value(name, default)
        return value if isinstance(value, list) else self.refuse(name, "a list")

    def texts(self, name: str) -> list[str]:
        """Return an entry that is a list of texts."""
        values = self.sequence(name)
        return values if all(isinstance(value, str) for value in values) else self.refuse(name, "a list of texts")

    def integers(self, name: str, least: int) -> list[int]:
        """Return an entry that is a list of whole numbers >= `least`."""
        values = self.sequence(name)
        good = all(type(value) is int and value >= least for value in values)
        return values if good else self.refuse(name, f"a list of whole numbers >= {least}")

    def options(self, name: str, cls: type) -> dict[str, Any]:
        """Return an entry that holds options which a class declares (see `options`), by name; some may be missing."""
        values, declarations = self.mapping(name), declared(cls)
        inside = self._inside(values, f"{name}.", "")
        for option, value in values.items():
            if option not in declarations:
                raise DataError(f"the entry {inside.place}{option} is not known. {_NEWER}")
            inside.value(option)
            declaration = declarations[option]
            if not declaration.accepts(value):
                inside.refuse(option, declaration.kind)
            try:
                declaration.check(value)
            except UsageError as error:
                raise DataError(f"the entry {inside.place}{option}: {error}") from error
        return values

    def part(self, name: str, prefix: str) -> Self:
        """Return the thing that the entry `name` describes; the names of its arrays begin with `prefix` here."""
        return self._inside(self.mapping(name), f"{name}.", prefix)

    def parts(self, name: str) -> list[Self]:
        """Return the things in a list of objects; the names of the arrays of number i begin with `name`.i. here."""
        values = self.sequence(name)
        if not all(isinstance(value, dict) for value in values):
            self.refuse(name, "a list of objects")
        return [self._inside(value, f"{name}.{i}.", f"{name}.{i}.") for i, value in enumerate(values)]

    def arrays_of(self, prefix: str) -> Self:
        """Return the same entries with the arrays whose names begin with `prefix` here."""
        return replace(self, prefix=self.prefix + prefix)

    def _inside(self, header: Mapping[str, Any], place: str, prefix: str) -> Self:
        part = replace(self, header=header, place=self.place + place, prefix=self.prefix + prefix, depth=self.depth + 1)
        self.record.parts.append(part)
        return part

    def of_another_file(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], folder: Path) -> Self:
        """Return what another file, which this part of a file names, says of a thing."""
        self.opened.append(folder)
        if len(self.opened) > MOST_FILES:
            raise DataError(f"it is made of more than {MOST_FILES:,} other files.")
        again = replace(self, header=header, arrays=arrays, folder=folder, prefix="", place="", record=Record())
        return again

    def require_flat(self) -> None:
        """Raise DataError for a thing that is contained in more than `DEEPEST` others, or in itself."""
        if self.depth > DEEPEST:
            raise DataError(f"there are models within models, more than {DEEPEST} deep.")

    def names(self) -> Iterator[str]:
        """Yield the names of the arrays of this thing, without their common beginning."""
        return (name[len(self.prefix) :] for name in self.arrays if name.startswith(self.prefix))

    def has_array(self, name: str) -> bool:
        """Return whether there is an array of this name."""
        return self.prefix + name in self.arrays

    def array(
        self, name: str, dtypes: Sequence[Any] | None = None, shape: Sequence[int | None] | None = None
    ) -> np.ndarray:
        """Return an array of one of the `dtypes` and of the `shape`, in which None stands for any length."""
        full = self.prefix + name
        self.record.arrays.add(full)
        if full not in self.arrays:
            raise DataError(f"the array {full} is missing.")
        array = self.arrays[full]
        if dtypes is not None and array.dtype not in [np.dtype(dtype) for dtype in dtypes]:
            allowed = " or ".join(np.dtype(dtype).name for dtype in dtypes)
            raise DataError(f"the array {full} holds {array.dtype.name}. It must hold {allowed}.")
        if shape is not None and not _fits(array.shape, shape):
            raise DataError(f"the array {full} has the shape {_size(array.shape)}. It must have {_size(shape)}.")
        return array

    def numbers(
        self,
        name: str,
        dtype: Any,
        shape: Sequence[int | None],
        *,
        least: float | None = None,
        most: float | None = None,
    ) -> np.ndarray:
        """Return an array of finite numbers of this type and shape, between `least` and `most`, both allowed."""
        array = self.array(name, [dtype], shape)
        low, high = _extent(array)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise DataError(f"the array {self.prefix}{name} holds a number that is not finite.")
        if (least is not None and low < least) or (most is not None and high > most):
            outside = low if least is not None and low < least else high
            raise DataError(
                f"the array {self.prefix}{name} holds {outside}. It must hold numbers{_between(least, most)}."
            )
        return array

    def json(self, name: str, *, nan: bool = False) -> Any:
        """Return the value in an array of JSON bytes, as `storage.json_array` makes it; `nan` is that of `parse`."""
        text = self.array(name, [np.uint8], [None]).tobytes()
        return parse(text, f"the array {self.prefix}{name}", nan=nan)

    def refuse(self, name: str, allowed: str) -> NoReturn:
        """Raise DataError for the value of an entry; `allowed` says what it must be."""
        raise DataError(f"the entry {self.place}{name} is {shown(self.header.get(name))}. It must be {allowed}.")

    def refuse_others(self) -> None:
        """Raise DataError for an entry of this thing or of its parts, or an array, that nobody has taken."""
        for thing in (self, *self.record.parts):
            for name in thing.header:
                if thing.place + name not in self.record.entries:
                    raise DataError(f"the entry {thing.place}{name} is not known. {_NEWER}")
        for name in self.arrays:
            if name.startswith(self.prefix) and name not in self.record.arrays:
                raise DataError(f"the array {name} is not known. {_NEWER}")


@dataclass
class Record:
    """What has been taken from a file: the places of header entries, the names of arrays, and the parts."""

    entries: set[str] = field(default_factory=set)
    arrays: set[str] = field(default_factory=set)
    parts: list[Stored] = field(default_factory=list)


@contextmanager
def reading(path: str | Path, what: str) -> Iterator[None]:
    """Turn what goes wrong while a thing is made of a file into a DataError of one line that begins with the path.

    OutOfMemory where memory is short. What no check has foreseen, such as a missing key, is damage too.
    """
    try:
        yield
    except (DataError, UsageError) as error:
        raise DataError(f"{path} cannot be used as a {what}: {error}") from error
    except OutOfMemory:
        raise
    except MemoryError as error:
        raise OutOfMemory(
            f"{path} needs more memory than there is. Close other programs, or take a smaller file."
        ) from error
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, OSError) as error:
        raise DataError(
            f"{path} cannot be used as a {what}: {error!r}. Make it again, or install a newer rnnlm-kit."
        ) from error


_NEWER = "Install a newer rnnlm-kit, if a newer one wrote the file."


def shown(value: Any) -> str:
    """Return a value as messages show it: in JSON, cut where it is long."""
    if isinstance(value, int) and abs(value) >= 10**18:
        return f"a whole number of {value.bit_length()} bits"
    if isinstance(value, list | dict) and (len(value) > 8 or len(str(value)) > _SHOWN):
        return f"a list of {len(value)}" if isinstance(value, list) else f"an object of {len(value)} entries"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _extent(array: np.ndarray) -> tuple[Any, Any]:
    """Return the least and the largest number of an array, 0 for an empty one; NaN where one of its numbers is."""
    flat = array.reshape(-1)
    extents = over_spans(lambda begin, end: (flat[begin:end].min(), flat[begin:end].max()), len(flat))
    lows, highs = [low for low, _ in extents], [high for _, high in extents]
    return (np.min(lows), np.max(highs)) if extents else (0, 0)


def _fits(shape: tuple[int, ...], wanted: Sequence[int | None]) -> bool:
    return len(shape) == len(wanted) and all(w in (None, n) for n, w in zip(shape, wanted, strict=True))


def _size(shape: Sequence[int | None]) -> str:
    return f"({', '.join('any' if n is None else str(n) for n in shape)})"


def _between(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" from {least} to {most}"
    return f" >= {least}" if least is not None else f" <= {most}" if most is not None else ""
