"""Options that would say nothing beside others."""

from __future__ import annotations

import click
from click.core import ParameterSource

from ..errors import UsageError


def refuse(context: click.Context, names: str, reason: str) -> None:
    """UsageError where one of the options, named as parameters with blanks between, was typed and would not be used."""
    for name in names.split():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(f"`{name}` {reason}")
