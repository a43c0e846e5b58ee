"""The files that commands read and write: default names, and what must be true of them before the work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from .. import catalogue
from ..declared_files import NamedFile, require_apart
from ..output_files import require_writable
from ..output_lock import OutputLock
from .record import command_line


def default_output(text: str, ending: str = ".rnnlm") -> str:
    """The default name of the model file, made from that of the text, in the current folder."""
    stem = "model" if text == "-" else Path(text).name.split(".")[0] or "model"
    return f"{stem}{ending}"


def models_and_texts(models: Sequence[str], *texts: str | None) -> list[NamedFile]:
    """The files that the arguments of a command name: models or FILE@FITFILE, and texts or named corpora."""
    named = [NamedFile("the model", part) for model in models for part in {model, *model.split("@")}]
    return named + [NamedFile("the text", file) for text in texts if text for file in catalogue.files_of(text)]


def claim(context: click.Context, output: str, what: str, reads: Sequence[NamedFile], *, lock: bool = False) -> None:
    """Make sure before the work that `what` can be written to the output, and replaces nothing that is read.

    With `lock`, for work that takes long, no other process writes there until the command has ended. UsageError and
    DataError as of `require_apart`, `require_writable` and `OutputLock`.
    """
    require_apart(reads, [NamedFile("the output", output)])
    require_writable(output, what)
    if lock:
        context.with_resource(OutputLock(output, command_line(context)))
