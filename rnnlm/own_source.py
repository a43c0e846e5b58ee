"""Loading what a user wrote herself (a recurrence, a tokenizer), named as path/to/file.py:NAME.

A model file keeps the name and the SHA-256 of the source, never code. Whoever loads the model needs the source file, in
the working directory or beside the model. It is run only if it has that SHA-256, and only if the user trusts it: who
names a file herself does, and it is remembered (`rnnlm.trusted_sources`); for a file that a model names see `Trust`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from .errors import DataError, UsageError
from .trusted_sources import is_remembered, remember


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


class OwnFile(NamedTuple):
    """A user's file that has been read and not been run.

    `name`    path/to/file.py:NAME, as it is typed or as the model names it
    `kind`    what NAME must be
    `path`    where the file lies
    `source`  its content: these bytes are hashed, asked about and run, whatever becomes of the file meanwhile
    """

    name: str
    kind: ObjectKind
    path: Path
    source: bytes

    @property
    def sha256(self) -> str:
        """The hexadecimal SHA-256 of the content."""
        return hashlib.sha256(self.source).hexdigest()

    @property
    def is_remembered(self) -> bool:
        """Whether the user trusted this content before."""
        return is_remembered(self.sha256)

    def remember(self) -> None:
        """Remember that the user trusts this content."""
        remember(self.sha256, self.path)

    def run(self) -> Source:
        """Run the file, and return the object that is named. UsageError where there is none, DataError if it fails."""
        digest, kind, path = self.sha256, self.kind, file_of(self.name)
        namespace = _run(self.source, self.path, f"rnnlm_own_{digest[:16]}")
        key = self.name.rpartition(":")[2] if not self.name.endswith(".py") else ""
        if not kind.is_one(namespace.get(key)):
            names = ", ".join(f"{path}:{key}" for key, value in namespace.items() if kind.is_one(value))
            what = f"has no {kind.class_name} {key!r}" if key else f"is a file that may hold several {kind.plural}"
            raise UsageError(f"{path} {what}. Give {names or f'a file that makes one: {kind.example}'}.")
        return Source(namespace[key], digest)


Trust = bool | None | Callable[[OwnFile], bool]
"""Whether the Python files that a model names may run: True, False (DataError where it names one), a function that is
asked for each, or None: nothing is run and nothing refused, since the model is only described and not computed with."""


def remembered(file: OwnFile) -> bool:
    """Return whether the user trusted a file before: the `Trust` of whoever goes on with a run of her own."""
    return file.is_remembered


def find(name: str, kind: ObjectKind) -> Source:
    """Return the object that the user names as path/to/file.py:NAME: the file is run, and NAME is taken from it.

    Naming it is the user's word that it may run, and that is remembered. Raises UsageError for another form of name and
    where the file has no such object, DataError for a file that is missing or fails.
    """
    file = _candidates(name, kind, Path())[0]
    source = file.run()
    file.remember()
    return source


def find_again(name: str, kind: ObjectKind, folder: Path, sha256: str, trust: Trust) -> Source:
    """Return the object that a model file in `folder` names; `sha256` is the hash of the source when it was trained.

    A relative path is looked up from the working directory, then from `folder`, then the bare file name in `folder`, so
    that a model can be moved together with its source. The first of these files that has the hash is run, if it is
    trusted. Raises DataError where none has it or it is not trusted, and for whatever is wrong with the file.
    """
    files = _candidates(name, kind, folder)
    file = next((file for file in files if file.sha256 == sha256), None)
    if file is None:
        raise DataError(
            f"the source of {name} has changed since the model was trained with it, so it is not run: "
            f"{' and '.join(f'{file.path} has SHA-256 {file.sha256[:12]}…' for file in files)}, and the model names "
            f"{sha256[:12]}…. Put the old source back, or train again."
        )
    if not (trust(file) if callable(trust) else trust):
        raise DataError(
            f"the model names Python code of its own, {name}, and it is not run without your word: {file.path}, "
            f"SHA-256 {sha256}. Read that file, and give trust=True if it may run."
        )
    try:
        return file.run()
    except UsageError as error:  # the file exists, but it has no such object
        raise DataError(str(error)) from error


def _candidates(name: str, kind: ObjectKind, folder: Path) -> list[OwnFile]:
    """Return the files that a name may mean, read and not run; at least one, the first that is looked up first."""
    path = file_of(name)
    if path is None:
        raise UsageError(f"{kind.word} {name!r} is not of the form path/to/file.py:NAME. Give the file and the name.")
    places = list(dict.fromkeys([path, folder / path, folder / path.name]))
    existing = [place for place in places if place.is_file()]
    if not existing:
        paths = " or ".join(dict.fromkeys(str(place.absolute()) for place in places))
        raise DataError(
            f"the {kind.word} {name} needs the file {path}, and there is no {paths}. Put it there, or give another "
            "path."
        )
    return [OwnFile(name, kind, place, _read(place)) for place in existing]


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
