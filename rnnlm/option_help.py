"""The help of declared options: a line for each, in `--help` and in the docstring of a function that takes them."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from .options import Declared, declared, listed

GROUPS = ("Text", "Data", "Model", "Output", "Training", "Regularisation", "Several runs", "Files", "Machine", "Other")
_WIDTH = 100  # of a docstring's lines
_NAMES = 28  # columns for an option and its default


def help_line(declaration: Declared) -> str:
    """Return the line of help, with the kinds that have the option, the values that are allowed, and the default."""
    o = declaration.option
    kinds = f"{', '.join(o.kinds)}: " if 0 < len(o.kinds) <= 3 else ""
    listed_already = all(word in o.help for word in declaration.choices)
    line = o.help if listed_already else f"{o.help.removesuffix('.')}: {listed(declaration.choices)}."
    usual = f"  [{o.usual}]" if o.usual else ""
    return f"{kinds}{line}{usual}"


def signature(function: Callable[..., Any], cls: type, *, without: Sequence[str] = ()) -> None:
    """Make help() show the options of a class in place of the function's `**keywords`, and list them by group."""
    explicit = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
    names = {p.name for p in explicit} | set(without)
    options = [entry for entry in declared(cls).values() if entry.name not in names]
    parameters = [
        inspect.Parameter(entry.name, inspect.Parameter.KEYWORD_ONLY, default=entry.default) for entry in options
    ]
    function.__signature__ = inspect.Signature([*explicit, *parameters])  # type: ignore[attr-defined]
    if function.__doc__ is not None:  # python -OO leaves docstrings out
        function.__doc__ = f"{inspect.cleandoc(function.__doc__)}\n\n{_by_group(options)}"


def _by_group(options: Sequence[Declared]) -> str:
    """Every option with its default and its line of help, under the heading of its group."""
    groups: dict[str, list[str]] = {}
    for entry in options:
        line = f"    {entry.name}={entry.default!r}".ljust(_NAMES + 3) + " " + help_line(entry)
        wrapped = textwrap.fill(line, _WIDTH, subsequent_indent=" " * (_NAMES + 4), break_on_hyphens=False)
        groups.setdefault(entry.option.group or "Other", []).append(wrapped)
    if len(groups) == 1:
        groups = {"Options": next(iter(groups.values()))}
    ordered = sorted(groups.items(), key=lambda group: GROUPS.index(group[0]) if group[0] in GROUPS else len(GROUPS))
    return "\n\n".join("\n".join([f"{name}:", *lines]) for name, lines in ordered)
