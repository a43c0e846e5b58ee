"""What a command reads and what it writes, compared before its work: no output may replace an input."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .errors import UsageError


class NamedFile(NamedTuple):
    """A file by its use, such as "the text" or "the checkpoint", and its path.

    The path None stands for no file, and "-" for standard input where it is read.
    """

    use: str
    path: str | Path | None


def require_apart(reads: Iterable[NamedFile], writes: Iterable[NamedFile]) -> None:
    """Raise UsageError where a file of `writes` is one of `reads`, or is a second one of `writes`.

    Files are the same that have one path when all links are followed, or are hard links to one file.
    """
    written: dict[object, NamedFile] = {}
    for output in writes:
        if output.path is not None:
            for identity in _identities(output.path):
                if identity in written:
                    raise UsageError(
                        f"{output.path} would be written twice, as {written[identity].use} and as {output.use}. Give "
                        "each its own `output`."
                    )
            written |= dict.fromkeys(_identities(output.path), output)
    for source in reads if written else ():
        if source.path is not None:
            for identity in _identities(0 if str(source.path) == "-" else source.path):
                if identity in written:
                    raise UsageError(_message(written[identity], source))


def _identities(file: str | Path | int) -> set[tuple[object, ...]]:
    """By what a file, a path or a descriptor, is told from others.

    This is its path without links, and if it exists its device and its number there.
    """
    identities: set[tuple[object, ...]] = set() if isinstance(file, int) else {(os.path.realpath(file),)}
    try:
        about = os.stat(file)
    except (OSError, ValueError):
        return identities
    return identities | {(about.st_dev, about.st_ino)}


def _message(output: NamedFile, other: NamedFile) -> str:
    other_path = "" if str(output.path) == str(other.path) else f" {other.path}"
    return (
        f"{output.use} {output.path} is {other.use}{other_path} itself, which it would replace. Give another `output`."
    )
