"""A text file line by line, with the numbers that messages name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError
from ..text.files import BLOCK, read_blocks


def numbered_lines(path: str | Path, block: int = BLOCK) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line without its end) of a UTF-8 file, plain or compressed. DataError names the line."""
    number, rest = 0, b""
    for piece in read_blocks(path, block):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            number += 1
            yield number, _decoded(path, number, line)
    if rest:
        yield number + 1, _decoded(path, number + 1, rest)


def bad_line(path: str | Path, number: int, reason: str) -> DataError:
    """The error for a line that cannot be used."""
    return DataError(f"{path}, line {number}: {reason}")


def _decoded(path: str | Path, number: int, line: bytes) -> str:
    try:
        return line.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        raise bad_line(path, number, "it is not UTF-8 text. Write the file as UTF-8.") from None
