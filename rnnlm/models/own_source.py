"""Finding a user's `Recurrence`, named as path/to/file.py:NAME."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from ..errors import DataError, UsageError
from ..recurrent import Recurrence


class Source(NamedTuple):
    """A recurrence, and the SHA-256 of the file that it came from."""

    recurrence: Recurrence
    sha256: str


def file_of(name: str) -> Path | None:
    """The file in path/to/file.py:NAME; None where the name is not of that form."""
    path = name if name.endswith(".py") else name.rpartition(":")[0]
    return Path(path) if path.endswith(".py") else None


def find(name: str, folder: Path = Path(), sha256: str | None = None) -> Source:
    """The recurrence path/to/file.py:NAME: the file is run, and NAME taken from it.

    A relative path is looked up from the working directory, then from `folder`, then the file alone in `folder`: so a
    model goes with its source beside it. With `sha256` a file that is the same goes before any other. Raises UsageError
    for another form of name and where the file has no such Recurrence, DataError for a file that is missing or fails.
    """
    path = file_of(name)
    if path is None:
        raise UsageError(f"recurrence {name!r} is not of the form path/to/file.py:NAME. Give the file and the name.")
    places = [path, folder / path, folder / path.name]
    there = [place for place in places if place.is_file()]
    if not there:
        tried = " or ".join(dict.fromkeys(str(place.absolute()) for place in places))
        raise DataError(
            f"the recurrence {name} needs the file {path}, and there is no {tried}. Put it there, or give another path."
        )
    sources = {place: _read(place) for place in there}
    digests = {place: hashlib.sha256(source).hexdigest() for place, source in sources.items()}
    found = next((place for place in there if digests[place] == sha256), there[0])
    source, digest = sources[found], digests[found]
    own = _run(source, found, f"rnnlm_own_{digest[:16]}")
    wanted = name.rpartition(":")[2] if not name.endswith(".py") else ""
    recurrence = own.get(wanted)
    if not isinstance(recurrence, Recurrence):
        names = ", ".join(f"{path}:{key}" for key, value in own.items() if isinstance(value, Recurrence))
        what = f"has no Recurrence {wanted!r}" if wanted else "is a file that may hold several recurrences"
        raise UsageError(
            f"{path} {what}. Give {names or 'a file that makes one: NAME = Recurrence(parameters, step)'}."
        )
    return Source(recurrence, digest)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Give another file.") from error


def _run(source: bytes, path: Path, name: str) -> dict[str, object]:
    """Run a file as a module of that name; an import might take the old code of a file that has just changed."""
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # as an import would do: dataclasses look their module up
    try:
        exec(compile(source, str(path), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())
        raise DataError(f"{path} failed when it was run: {type(error).__name__}: {text[:200]}. Correct it.") from error
    return vars(module)
