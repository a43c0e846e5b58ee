"""Output on the terminal: colours, tables, lines of results and of messages, the error line."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Sequence
from typing import IO, Any

import click
from termcolor import colored


def paint(text: str, color: str, stream: IO[str], **attributes: Any) -> str:
    """The text in a colour where the stream is a terminal that wants it: NO_COLOR and FORCE_COLOR are obeyed."""
    force = os.environ.get("FORCE_COLOR")
    colours = not os.environ.get("NO_COLOR") and (
        bool(force) or (is_terminal(stream) and os.environ.get("TERM") != "dumb")
    )
    return colored(text, color, force_color=True, **attributes) if colours else text


def paint_for_errors(text: str, color: str) -> str:
    """The text in a colour where standard error is a terminal that wants it."""
    return paint(text, color, sys.stderr)


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether the stream is a terminal; one that was closed before we started is None."""
    return stream is not None and stream.isatty()


def ppl(nll: float) -> str:
    """The perplexity exp(nll), as a power of e where it is very large; - where nothing was scored."""
    if math.isnan(nll):
        return "-"
    if nll == math.inf:
        return "inf"
    if nll > 30:
        return f"e^{nll:.4g}" if nll < 9999.5 else f"e^({nll:.4g})"
    return f"{math.exp(nll):.4f}" if nll < math.log(10) else f"{math.exp(nll):.2f}"


def decimals(value: float, form: str) -> str:
    """A number with the decimals of a format such as ".2f"; with four digits where it is too large to be read so."""
    return format(value, form) if abs(value) < 1e13 else f"{value:{'+' if '+' in form else ''}.4g}"


def bits(value: float) -> str:
    """A number of bits with four digits; - where it is nan."""
    return "-" if math.isnan(value) else f"{value:.4f}"


def say(text: str, color: str | None = None) -> None:
    """Print a line for a person on standard error."""
    click.echo(paint(text, color, sys.stderr) if color else text, err=True, color=True)


def result(text: str) -> None:
    """Print a line of results on standard output."""
    click.echo(text, color=True)


def result_json(value: Any) -> None:
    """Print one JSON object on standard output; nan and inf, which JSON does not have, become null."""
    click.echo(json.dumps(_finite(value), ensure_ascii=False, indent=2, allow_nan=False))


def error_line(message: str) -> None:
    """Print `rnnlm: error: …` on standard error, in one line."""
    head = paint("rnnlm: error:", "red", sys.stderr, attrs=["bold"])
    click.echo(f"{head} {' '.join(message.split())}", err=True, color=True)


def table(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows as aligned columns, the first `left` ones to the left, others to the right; the first row is the head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        line = "  ".join(cells).rstrip()
        lines.append(paint(line, "cyan", sys.stdout) if number == 0 else line)
    return "\n".join(lines)


def _finite(value: Any) -> Any:
    """The value with None for every number, in any nested list or dictionary, that is not finite."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
