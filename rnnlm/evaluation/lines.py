"""Reading a text file line by line, with the line numbers for error messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from ..text.files import BLOCK, read_blocks, source_name
from ..text.lines import plain_blocks


def numbered_lines(path: str | Path, block: int = BLOCK) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line without its end) for each line of a UTF-8 file, plain or compressed.

    What a line is says `rnnlm.text.lines`. `block` is the number of bytes read at a time. Raises DataError that names
    the line where it is not UTF-8.
    """
    number, unfinished = 0, b""
    for piece in plain_blocks(read_blocks(path, block), source_name(path)):
        *lines, unfinished = (unfinished + piece).split(b"\n")
        for line in lines:
            number += 1
            yield number, _decoded(path, number, line)
    if unfinished:
        yield number + 1, _decoded(path, number + 1, unfinished)


_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?inf|nan", re.ASCII | re.IGNORECASE)


def number(text: str) -> float:
    """Return the number that a cell of a table holds; ValueError for other text, also where Python's float takes it."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:60]!r} is not a number")
    return float(text)


def bad_line(path: str | Path, number: int, reason: str) -> DataError:
    """Return a DataError that names the file, the line and the reason why it cannot be used."""
    return DataError(f"{path}, line {number}: {reason}")


def _decoded(path: str | Path, number: int, line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise bad_line(path, number, "it is not UTF-8 text. Write the file as UTF-8.") from None
