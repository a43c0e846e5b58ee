"""The place of a token in the text that it was read from: line, character offsets, original word."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from .lines import WORD, Line, line_places


class Place(NamedTuple):
    """The place of one token: `text[start:stop]` is what it was made from.

    `line`         from 1
    `start, stop`  character offsets in the whole text; equal for a token that the tokenizer added, such as the `</s>`
                   at the end of a sentence that no newline ends
    `word`         the number, from 0, of the original word (what blanks separate in the text) that the token is part
                   of; the first one if it is part of several, -1 if it is part of none, such as `</s>` or a blank
    """

    line: int
    start: int
    stop: int
    word: int


class Locator:
    """Finds the places of tokens in one text by their character offsets."""

    def __init__(self, text: str) -> None:
        self.lines = line_places(text)
        self._ends = [line.end for line in self.lines[:-1]]
        words = [match.span() for line in self.lines for match in WORD.finditer(text, line.start, line.stop)]
        self._starts, self._stops = [start for start, _ in words], [stop for _, stop in words]

    def end(self, line: Line) -> Place:
        """Return the place of the `</s>` of a line: its LF, or CR; behind a last line without one."""
        return self.place(max(line.stop, line.end - 1), line.end)

    def place(self, start: int, stop: int) -> Place:
        """Return the place of the token that was made from `text[start:stop]`."""
        word = bisect_right(self._stops, start)  # the first word that does not end before the token
        is_part = start < stop and word < len(self._starts) and self._starts[word] < stop
        return Place(bisect_right(self._ends, start) + 1, start, stop, word if is_part else -1)
