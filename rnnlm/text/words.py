"""Tokenizer `words`: blanks separate words, every line ends in `</s>`, as PTB is counted."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable

import numpy as np

from ..errors import DataError
from .pieces import after_blank
from .vocabulary import EOS

_EOS = EOS.encode()
_WRITTEN_EOS = re.compile(rb"(?<!\S)</s>(?!\S)")


class Words:
    """Whitespace-separated words, one `</s>` a line.

    An empty line is a `</s>`; a last line without newline has its `</s>` too; CR is whitespace, so CRLF is LF.
    Only ASCII whitespace separates, as everywhere in language-model tools; a no-break space is part of a word.
    """

    name = "words"
    cut = staticmethod(after_blank)

    def encoder(self, source: str) -> WordsEncoder:
        """Return an encoder for one text."""
        return WordsEncoder(source)

    def tokens(self, text: str) -> list[str]:
        """Return the words of a prompt, `</s>` between lines but not at the end."""
        return [word.decode() for word in _split(text.rstrip("\r\n").encode("utf-8", "replace"))]

    def join(self, words: Iterable[str]) -> str:
        """Return the words with blanks between them and a newline for each `</s>`."""
        pieces: list[str] = []
        for word in words:
            if word == EOS:
                pieces.append("\n")
            else:
                pieces.append(f" {word}" if pieces and pieces[-1] != "\n" else word)
        return "".join(pieces)


def _split(piece: bytes) -> list[bytes]:
    return piece.replace(b"\n", b" " + _EOS + b" ").split()


class _Types(dict[bytes, int]):
    """Words and their ids in order of first appearance; asking for a new word adds it."""

    def __init__(self) -> None:
        super().__init__()
        self.lengths = array("i")  # in characters

    def __missing__(self, word: bytes) -> int:
        number = self[word] = len(self)
        self.lengths.append(len(word.decode()))
        return number


class WordsEncoder:
    """Encodes a text word by word; the inner loop is `bytes.split` and one dictionary look-up a word, both in C."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._types = _Types()
        self._types[_EOS]  # </s> is 0
        self._line = 1
        self._length = 0  # characters of the line that is still open
        self._open = False
        self.characters: list[np.ndarray] | None = []

    def feed(self, piece: bytes) -> np.ndarray:
        """Return the ids of a piece that ends behind a blank, or is the last."""
        if _EOS in piece and (found := _WRITTEN_EOS.search(piece)):
            line = self._line + piece.count(b"\n", 0, found.start())
            raise DataError(
                f"{self._source} has {EOS} written in line {line}: it marks the end of a line, which counts anyway. "
                f"Remove it from the text (sed 's|{EOS}||g')."
            )
        self._line += piece.count(b"\n")
        words = _split(piece)
        ids = np.fromiter(map(self._types.__getitem__, words), dtype=np.int32, count=len(words))
        self._measure(ids)
        return ids

    def finish(self) -> np.ndarray:
        """Return the `</s>` of a last line without newline, if there is one."""
        if not self._open:
            return np.empty(0, dtype=np.int32)
        end = np.zeros(1, dtype=np.int32)
        self._measure(end)
        return end

    def types(self) -> list[str]:
        """Return the distinct words in order of first appearance."""
        return [word.decode() for word in self._types]

    def _measure(self, ids: np.ndarray) -> None:
        """Note the characters of each line that ended: its words with one blank between, and its newline."""
        if not len(ids):
            return
        size = np.array(self._types.lengths, dtype=np.int64)[ids] + 1
        ends = np.flatnonzero(ids == 0)
        size[ends] = 0
        total = np.cumsum(size) + self._length
        at_end = total[ends]
        lines = np.diff(at_end, prepend=0)
        self._length = int(total[-1] - (at_end[-1] if len(ends) else 0))
        self._open = ids[-1] != 0
        assert self.characters is not None
        self.characters.append(np.maximum(lines, 1).astype(np.int32))
