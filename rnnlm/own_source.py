"""Loading what a user wrote herself (a recurrence, a tokenizer), named as path/to/file.py:NAME.

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


class ObjectKind(NamedTuple):
    """What the object NAME in a user's file must be.

    `word`, `plural`  what messages call it, such as "recurrence" and "recurrences"
    `class_name`      the class that it is, or is an instance of
    `example`         a line of Python that makes one, for messages
    `is_one`          object -> whether it is of this kind
    """

    word: str
    plural: str
    class_name: str
    example: str
    is_one: Callable[[object], bool]


class Source(NamedTuple):
    """A user's object, and the hexadecimal SHA-256 of the file that it came from."""

    value: Any
    sha256: str


def file_of(name: str) -> Path | None:
    """Return the path in path/to/file.py:NAME or path/to/file.py; None for a name of another form."""
    path = name if name.endswith(".py") else name.rpartition(":")[0]
    return Path(path) if path.endswith(".py") else None


def find(name: str, kind: ObjectKind, folder: Path = Path(), sha256: str | None = None) -> Source:
    """Return the object that path/to/file.py:NAME names: the file is run, and NAME is taken from it.

    A relative path is looked up from the working directory, then from `folder`, then the bare file name in `folder`, so
    that a model can be moved together with its source. Of several files, the one whose hash is `sha256` is preferred.
    Raises UsageError for another form of name and where the file has no such object, DataError for a file that is
    missing or fails.
    """
    path = file_of(name)
    if path is None:
        raise UsageError(f"{kind.word} {name!r} is not of the form path/to/file.py:NAME. Give the file and the name.")
    places = [path, folder / path, folder / path.name]
    existing = [place for place in places if place.is_file()]
    if not existing:
        paths = " or ".join(dict.fromkeys(str(place.absolute()) for place in places))
        raise DataError(
            f"the {kind.word} {name} needs the file {path}, and there is no {paths}. Put it there, or give another "
            "path."
        )
    contents = {place: _read(place) for place in existing}
    digests = {place: hashlib.sha256(source).hexdigest() for place, source in contents.items()}
    chosen = next((place for place in existing if digests[place] == sha256), existing[0])
    source, digest = contents[chosen], digests[chosen]
    namespace = _run(source, chosen, f"rnnlm_own_{digest[:16]}")
    key = name.rpartition(":")[2] if not name.endswith(".py") else ""
    if not kind.is_one(namespace.get(key)):
        names = ", ".join(f"{path}:{key}" for key, value in namespace.items() if kind.is_one(value))
        what = f"has no {kind.class_name} {key!r}" if key else f"is a file that may hold several {kind.plural}"
        raise UsageError(f"{path} {what}. Give {names or f'a file that makes one: {kind.example}'}.")
    return Source(namespace[key], digest)


def find_again(name: str, kind: ObjectKind, folder: Path, sha256: str, stacklevel: int = 3) -> Source:
    """Return the object that a model file names, as `find` does; `sha256` is the file's hash at the time of training.

    Warns with RuntimeWarning where the file has changed since. Raises DataError for whatever is wrong with the file.
    """
    try:
        source = find(name, kind, folder, sha256)
    except UsageError as error:  # the file exists, but it is not the one of the training
        raise DataError(str(error)) from error
    if source.sha256 != sha256:
        warnings.warn(
            f"the source of {name} has changed since the model was trained with it, so the model may be another.",
            RuntimeWarning,
            stacklevel=stacklevel,
        )
    return source


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Give another file.") from error


def _run(source: bytes, path: Path, name: str) -> dict[str, object]:
    """Run a file as a module of that name; an import might use stale bytecode of a file that has just changed."""
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # as an import would do: dataclasses look their module up
    try:
        exec(compile(source, str(path), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())
        raise DataError(f"{path} failed when it was run: {type(error).__name__}: {text[:200]}. Correct it.") from error
    return vars(module)
