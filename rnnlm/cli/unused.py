"""Refusing options that other options make useless."""

from __future__ import annotations

import click
from click.core import ParameterSource

from ..errors import UsageError


def refuse(context: click.Context, names: str, reason: str) -> None:
    """UsageError where one of the options `names`, separated by blanks, was typed; `reason` says why it is not used."""
    for name in names.split():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(f"`{name}` {reason}")
