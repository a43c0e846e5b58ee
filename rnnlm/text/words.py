"""Tokenizer `words`: blanks separate words, every line ends in `</s>`, as PTB is counted."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np

from ..errors import DataError
from .lines import WORD
from .marks import BOS, WrittenMarks
from .pieces import after_blank
from .places import Locator, Place
from .tokenizer import Tokenizer
from .vocabulary import EOS, UNK, Vocabulary

_EOS = EOS.encode()


class Words(Tokenizer):
    """Whitespace-separated words, one `</s>` a line.

    An empty line is a `</s>`; a last line without newline has its `</s>` too. Lines and blanks are those of
    `rnnlm.text.lines`: only ASCII blanks separate words, as in other language-model tools.
    """

    by_blanks = True
    help = "what blanks separate; </s> ends each line"
    unit = "word"
    cut = staticmethod(after_blank)

    def encoder(self, source: str) -> WordsEncoder:
        """Return an encoder for one text."""
        return WordsEncoder(source)

    def tokens(self, line: str) -> list[str]:
        """Return the words of a line."""
        return [word.decode() for word in line.encode("utf-8", "replace").split()]

    def prompt(self, text: str) -> list[str]:
        """Return the words of a prompt; a `</s>` in it ends a sentence. DataError for a `<s>`, which is no word."""
        tokens = super().prompt(text)
        if BOS in tokens:
            raise DataError(f"the prompt has {BOS}, which is no word: a prompt begins a sentence anyway. Leave it out.")
        return tokens

    def places(self, text: str) -> list[Place]:
        """Return the place of each word; `</s>` stands at the line end."""
        locator = Locator(text)
        places: list[Place] = []
        for line in locator.lines:
            words = [match.span() for match in WORD.finditer(text, line.start, line.stop)]
            places += [locator.place(*word) for word in words]
            if words or line.stop < line.end:  # a last line without newline has its end too
                places.append(locator.end(line))
        return places

    def characters(self, ids: np.ndarray, vocabulary: Vocabulary) -> int:
        """Return the number of letters, one blank between words and one newline a line; `<unk>` counts as spelled."""
        return spelled(ids, vocabulary)

    def join(self, tokens: Iterable[str]) -> str:
        """Return the words with blanks between them and a newline for each `</s>`."""
        pieces: list[str] = []
        for word in tokens:
            if word == EOS:
                pieces.append("\n")
            else:
                pieces.append(f" {word}" if pieces and pieces[-1] != "\n" else word)
        return "".join(pieces)


def spelled(ids: np.ndarray, vocabulary: Vocabulary) -> int:
    """Return the number of characters of the words of the ids, one blank between words and one newline a line."""
    lengths = np.array([*(len(word) + 1 for word in vocabulary.words), len(UNK) + 1])  # -1 takes the last
    lengths[vocabulary.eos] = 0  # the blank behind a line's last word is its newline …
    ends = ids == vocabulary.eos
    empty = np.count_nonzero(ends[1:] & ends[:-1]) + int(ends[:1].sum())  # … but an empty line has no word
    return int(lengths[ids].sum()) + int(empty)


def _split(piece: bytes) -> list[bytes]:
    return piece.replace(b"\n", b" " + _EOS + b" ").split()


class _Types(dict[bytes, int]):
    """Words and their ids in order of first appearance; looking up a new word adds it."""

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
        self._marks = WrittenMarks(source)
        self._types = _Types()
        self._types[_EOS]  # </s> is 0
        self._line = 1
        self._length = 0  # characters of the line that is still open
        self._open = False
        self.characters: list[np.ndarray] | None = []

    def feed(self, piece: bytes) -> np.ndarray:
        """Return the ids of a piece, int32; the piece must end behind a blank or be the last."""
        self._marks.look(piece, self._line)
        self._line += piece.count(b"\n")
        words = _split(piece)
        ids = np.fromiter(map(self._types.__getitem__, words), dtype=np.int32, count=len(words))
        self._measure(ids)
        return ids

    def finish(self) -> np.ndarray:
        """Return the `</s>` of a last line without newline, if there is one. DataError for marks in the text."""
        self._marks.refuse()
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
