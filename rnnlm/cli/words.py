"""Errors of the Python interface in the words of the command line."""

from __future__ import annotations

import re

import click

_SHORT = {"output": "-o"}  # what people type


def in_words_of(command: click.Command | None, message: str) -> str:
    """The message with each keyword that is an option of the command as its name: `hidden` and hidden=0 become
    --hidden and --hidden 0, and direct=True becomes --direct. In Python a keyword stands in backticks, before =, or
    beside >=, <=, < or >."""
    if command is None:
        return message
    options = [param for param in command.params if isinstance(param, click.Option) and param.name]
    names = {str(param.name): _shown(param) for param in options}
    known = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    if not known:
        return message
    for param in options:
        if param.is_flag:
            message = re.sub(rf"(?<![\w./`-]){param.name}=True\b", _shown(param), message)
            if param.secondary_opts:
                message = re.sub(rf"(?<![\w./`-]){param.name}=False\b", param.secondary_opts[0], message)
    message = re.sub(rf"`({known})`", lambda found: names[found[1]], message)
    message = re.sub(rf'(?<![\w./`-])({known})="(\S*?)"', lambda found: f"{names[found[1]]} {found[2]}", message)
    message = re.sub(rf"(?<![\w./`-])({known})=(?=[^\s=])", lambda found: f"{names[found[1]]} ", message)
    message = re.sub(rf"(?<![\w./`-])({known})(?= (?:>=|<=|<|>) )", lambda found: names[found[1]], message)
    return re.sub(rf"((?:<|<=) )({known})(?![\w=-])", lambda found: f"{found[1]}{names[found[2]]}", message)


def _shown(param: click.Option) -> str:
    """An option's name as it is typed: the long one, but -o for the output."""
    short = _SHORT.get(param.name or "")
    if short in param.opts:
        return short
    return next((name for name in param.opts if name.startswith("--")), param.opts[0])
