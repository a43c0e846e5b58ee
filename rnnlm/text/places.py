"""The place of a token in the text that it was read from: line, character offsets, original word."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import NamedTuple

BOM = "\ufeff"  # a byte-order mark at the beginning of a text is not a part of it
_WORD = re.compile(r"[^ \t\n\r\x0b\x0c]+")  # only ASCII blanks separate words, as for the tokenizer `words`


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
        self.begin = len(BOM) if text.startswith(BOM) else 0  # where the text begins, behind a byte-order mark
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        words = [match.span() for match in _WORD.finditer(text, self.begin)]
        self._starts, self._stops = [start for start, _ in words], [stop for _, stop in words]

    def place(self, start: int, stop: int) -> Place:
        """Return the place of the token that was made from `text[start:stop]`."""
        word = bisect_right(self._stops, start)  # the first word that does not end before the token
        is_part = start < stop and word < len(self._starts) and self._starts[word] < stop
        return Place(bisect_left(self._newlines, start) + 1, start, stop, word if is_part else -1)
