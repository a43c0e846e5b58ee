"""The option --trust, and the question whether Python code that a model names may run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from .console import is_terminal, say

if TYPE_CHECKING:
    from ..own_source import OwnFile, Trust

trust_option = click.option(
    "--trust", is_flag=True, help="Run the Python file that a model names for its own code, without a question."
)


def trust_of(trust: bool) -> Trust:
    """Whether files may run that models name: all with --trust, else those that the user trusts when asked."""
    return True if trust else _ask


def _ask(file: OwnFile) -> bool:
    """Whether the user trusted this content before, or does so now; nobody is asked where nobody would see it."""
    if file.is_remembered:
        return True
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return False
    say(f"The model names Python code of its own, {_visible(file.name)}:")
    say(f"  file     {_visible(str(file.path.absolute()))}\n  SHA-256  {file.sha256}")
    trusted = click.confirm("Run this file, now and whenever a model names it?", default=False, err=True)
    if trusted:
        file.remember()
    return trusted


def _visible(text: str) -> str:
    """A text from a file without characters that would move the cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)
