"""A text on disk, cut into parts before it is tokenized: for tokenizers that learn from the first part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import IO, Self

import numpy as np

from ..errors import DataError
from .files import BLOCK
from .memory_folder import Folder
from .parts import check_fractions

_WINDOW = 1 << 16  # bytes read at a time in search of a place to cut


class Spooled:
    """A text in a temporary file in `folder`, cut into shares of its bytes; a context manager that removes the file.

    `pieces` are the bytes of the text, `fractions` the shares, `name` what messages call the text. A part ends behind
    the first newline at or after its exact place; where none comes before the middle of the next part, behind a blank;
    where there is no blank either, behind a whole character. Raises DataError where a part would be empty.
    """

    def __init__(self, pieces: Iterable[bytes], folder: Folder, fractions: Sequence[float], name: str) -> None:
        self._path, self._name = folder / "text", name
        try:
            with self._path.open("wb") as file:
                file.writelines(pieces)
            self._points = self._cut(check_fractions(fractions))
        except BaseException:
            self._path.unlink(missing_ok=True)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failed: object) -> None:
        self._path.unlink(missing_ok=True)

    def blocks(self, part: int) -> Iterator[bytes]:
        """Yield the bytes of the part of this number (from 0), in blocks."""
        start, stop = self._points[part : part + 2]
        with self._path.open("rb") as file:
            file.seek(start)
            while block := file.read(min(BLOCK, stop - file.tell())):
                yield block

    def lines(self, part: int) -> Iterator[str]:
        """Yield the lines of a part without their ends; bytes that are not UTF-8 become lone surrogates."""
        waiting: list[bytes] = []
        for block in self.blocks(part):
            *lines, unfinished = block.split(b"\n")
            for line in lines:
                yield b"".join((*waiting, line)).decode("utf-8", "surrogateescape")
                waiting = []
            waiting.append(unfinished)
        if last := b"".join(waiting):
            yield last.decode("utf-8", "surrogateescape")

    def _cut(self, shares: list[float]) -> list[int]:
        size = self._path.stat().st_size
        if not size:
            return [0] * len(shares) + [0]  # an empty text; the caller raises the error for a text without tokens
        exact = [round(size * float(share)) for share in np.cumsum(shares)]
        points = [0]
        with self._path.open("rb") as file:
            for place, limit in pairwise(exact):
                points.append(_end(file, place, (place + limit) // 2))
        points.append(size)
        if any(start >= stop for start, stop in pairwise(points)):
            raise DataError(
                f"{self._name} has {size:,} bytes, too few to cut into parts of "
                f"{', '.join(f'{share:.3g}' for share in shares)}. Give a longer text, or held-out texts of their own."
            )
        return points


def _end(file: IO[bytes], place: int, limit: int) -> int:
    """Return where to cut, at or after `place`: behind a newline before the limit, else a blank, else a character."""
    for pattern in (rb"\n", rb"[ \t]", rb"(?=[\x00-\x7f\xc0-\xff])"):
        file.seek(max(place - 1, 0))
        while (offset := file.tell()) < limit and (block := file.read(min(_WINDOW, limit - offset))):
            if match := re.search(pattern, block):
                return offset + match.end()
    return place
