"""What a command writes about itself into the log of the model that it makes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..evaluation import Perplexity


def command_line(context: click.Context) -> str:
    """The command line as it was typed."""
    return "rnnlm " + shlex.join(context.obj)


def run_entry(
    context: click.Context, members: Sequence[str], fit: str | None, perplexity: Perplexity | None, sha256: str
) -> dict[str, Any]:
    """The log entry of a model that is made of the model files `members`.

    `fit` is the text to which it was fitted, `sha256` that of the text and `perplexity` the model's on it; without such
    a text `perplexity` is None.
    """
    entry = {"kind": "run", "command": command_line(context), "text": fit or "", "members": list(members)}
    return entry if perplexity is None else {**entry, "fit": perplexity.as_dict(), "data.fit": sha256}
