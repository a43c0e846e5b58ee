"""Finding what a user wrote herself, named as path/to/file.py:NAME: a recurrence, a tokenizer.

A model file keeps the name and the SHA-256 of the source, never code. Whoever loads the model needs the source file, in
the working directory or beside the model, and it is that file which is run.
"""

from __future__ import annotations

import hashlib
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from .errors import DataError, UsageError


class Wanted(NamedTuple):
    """What a NAME in a file must be: `word` ("recurrence") and `plural` in messages, the class's name, an `example`
    of a line that makes one, and whether an object `is_one`."""

    word: str
    plural: str
    class_name: str
    example: str
    is_one: Callable[[object], bool]


class Source(NamedTuple):
    """What was found, and the SHA-256 of the file that it came from."""

    value: Any
    sha256: str


def file_of(name: str) -> Path | None:
    """The file in path/to/file.py:NAME; None where the name is not of that form."""
    path = name if name.endswith(".py") else name.rpartition(":")[0]
    return Path(path) if path.endswith(".py") else None


def find(name: str, wanted: Wanted, folder: Path = Path(), sha256: str | None = None) -> Source:
    """The object path/to/file.py:NAME: the file is run, and NAME taken from it.

    A relative path is looked up from the working directory, then from `folder`, then the file alone in `folder`: so a
    model goes with its source beside it. With `sha256` a file that is the same goes before any other. Raises UsageError
    for another form of name and where the file has no such object, DataError for a file that is missing or fails.
    """
    path = file_of(name)
    if path is None:
        raise UsageError(f"{wanted.word} {name!r} is not of the form path/to/file.py:NAME. Give the file and the name.")
    places = [path, folder / path, folder / path.name]
    there = [place for place in places if place.is_file()]
    if not there:
        tried = " or ".join(dict.fromkeys(str(place.absolute()) for place in places))
        raise DataError(
            f"the {wanted.word} {name} needs the file {path}, and there is no {tried}. Put it there, or give another "
            "path."
        )
    sources = {place: _read(place) for place in there}
    digests = {place: hashlib.sha256(source).hexdigest() for place, source in sources.items()}
    found = next((place for place in there if digests[place] == sha256), there[0])
    source, digest = sources[found], digests[found]
    own = _run(source, found, f"rnnlm_own_{digest[:16]}")
    key = name.rpartition(":")[2] if not name.endswith(".py") else ""
    if not wanted.is_one(own.get(key)):
        names = ", ".join(f"{path}:{key}" for key, value in own.items() if wanted.is_one(value))
        what = f"has no {wanted.class_name} {key!r}" if key else f"is a file that may hold several {wanted.plural}"
        raise UsageError(f"{path} {what}. Give {names or f'a file that makes one: {wanted.example}'}.")
    return Source(own[key], digest)


def find_again(name: str, wanted: Wanted, folder: Path, sha256: str, stacklevel: int = 3) -> Source:
    """What a model file names: as `find`, for a file whose SHA-256 was `sha256` when the model was trained.

    RuntimeWarning where the file is another now. Raises DataError for whatever is wrong with the file.
    """
    try:
        found = find(name, wanted, folder, sha256)
    except UsageError as error:  # the file is there, and it is another now
        raise DataError(str(error)) from error
    if found.sha256 != sha256:
        warnings.warn(
            f"the source of {name} has changed since the model was trained with it, so the model may be another.",
            RuntimeWarning,
            stacklevel=stacklevel,
        )
    return found


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
