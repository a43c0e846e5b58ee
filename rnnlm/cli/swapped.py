"""Arguments in the wrong order: a text where a model should stand, and a model where the text should stand."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from .. import recognise
from ..errors import UsageError


def require_order(models: Sequence[str], text: str, what: str = "text") -> None:
    """UsageError, with the command as it should be typed, where `text` is a model and one of the models is a text.

    `what` is "prompt" where the text stands on the command line itself.
    """
    if not _is_model(text):
        return
    for other in models:
        if _is_text(other) or (what == "prompt" and not Path(other).exists()):
            context = click.get_current_context()
            typed = list(context.obj or [context.info_name, *models, text])
            swap = {other: text, text: other}
            command = shlex.join(["rnnlm", *(swap.get(word, word) for word in typed)])
            raise UsageError(f"{text} is a model and {other} is a {what}: these look swapped. Give: {command}")


def _is_model(path: str) -> bool:
    kind = recognise.file_type(path)
    return kind is not None and kind.model


def _is_text(name: str) -> bool:
    """Whether it is the path of a text, or looks like a part of a corpus, such as ptb:test."""
    kind = recognise.file_type(name)
    return (kind is not None and kind.text) or (":" in name and not Path(name).exists())
