"""Error messages of the Python interface with the option names of the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import click

_SHORT = {"output": "-o"}  # what people type


def in_words_of(command: click.Command | None, message: str, typed: Sequence[str] = ()) -> str:
    """The message with the option's name for each keyword that is an option of the command.

    `hidden` becomes --hidden, hidden=0 becomes --hidden 0, and direct=True becomes --direct. Keywords are recognized in
    backticks, before =, and beside >=, <=, < or >. A value that was typed, such as the name of a file, stays as it is.
    """
    if command is None:
        return message
    options = [param for param in command.params if isinstance(param, click.Option) and param.name]
    names = {str(param.name): _shown(param) for param in options}
    if "tokens" not in names:  # a command that takes a trained model, whose tokenizer was chosen by `rnnlm train`
        message = re.sub(r"(?<![\w./`-])tokens=(?=[a-z])", "a model of --tokens ", message)
    keywords = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    if not keywords:
        return message
    values = [text.partition("=")[2] if text.startswith("-") else text for text in typed]
    kept = {f"\0{place}\0": text for place, text in enumerate(values) if "=" in text}
    for place, text in kept.items():
        message = message.replace(text, place)
    message = _translated(message, options, names, keywords)
    for place, text in kept.items():
        message = message.replace(place, text)
    return message


def _translated(message: str, options: list[click.Option], names: Mapping[str, str], keywords: str) -> str:
    for param in options:
        if param.is_flag:
            message = re.sub(rf"(?<![\w./`-]){param.name}=True\b", _shown(param), message)
            if param.secondary_opts:
                message = re.sub(rf"(?<![\w./`-]){param.name}=False\b", param.secondary_opts[0], message)
            else:
                message = re.sub(rf"(?<![\w./`-]){param.name}=False\b", f"no {_shown(param)}", message)
    message = re.sub(rf"(?<![\w./`-])({keywords})=None\b", lambda match: f"no {names[match[1]]}", message)
    message = re.sub(rf"`({keywords})`", lambda match: names[match[1]], message)
    message = re.sub(rf'(?<![\w./`-])({keywords})="(\S*?)"', lambda match: f"{names[match[1]]} {match[2]}", message)
    message = re.sub(rf"(?<![\w./`-])({keywords})=(?=[^\s=])", lambda match: f"{names[match[1]]} ", message)
    message = re.sub(rf"(?<![\w./`-])({keywords})(?= (?:>=|<=|<|>) )", lambda match: names[match[1]], message)
    return re.sub(rf"((?:<|<=) )({keywords})(?![\w=-])", lambda match: f"{match[1]}{names[match[2]]}", message)


def _shown(param: click.Option) -> str:
    """An option's name as it is typed: the long one, but -o for the output."""
    short = _SHORT.get(param.name or "")
    if short in param.opts:
        return short
    return next((name for name in param.opts if name.startswith("--")), param.opts[0])
