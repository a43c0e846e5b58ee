"""Tokenizers `chars` and `bytes`: one token a character or byte, and a newline is `</s>`.

Nothing is added and nothing dropped, so the number of tokens is the size of the text: a last line without newline has
no `</s>`, and text8 has 100,000,000 tokens. (In `chars` a CRLF or a lone CR is a newline; `bytes` keeps every byte.)
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .lines import plain_text
from .pieces import after_character
from .places import Locator, Place
from .tokenizer import Tokenizer
from .vocabulary import EOS, Vocabulary

_NEWLINE = 0x0A


class Characters(Tokenizer):
    """Unicode characters; a newline is `</s>`."""

    help = "a Unicode character; a newline is </s>"
    unit = "character"
    cut = staticmethod(after_character)

    def encoder(self, source: str) -> CodeEncoder:
        """Return an encoder for one text."""
        return CodeEncoder(0x110000, self._codes)

    def tokens(self, line: str) -> list[str]:
        """Return the characters of a line."""
        return list(line)

    def prompt(self, text: str) -> list[str]:
        """Return the characters of a prompt, `</s>` for each newline, also for one at the end."""
        return [EOS if c == "\n" else c for c in plain_text(text)]

    def join(self, tokens: Iterable[str]) -> str:
        """Return the characters in a row, a newline for each `</s>`."""
        return "".join("\n" if token == EOS else token for token in tokens)

    def places(self, text: str) -> list[Place]:
        """Return the place of each character, in order; a CRLF is one character."""
        locator = Locator(text)
        places: list[Place] = []
        for line in locator.lines:
            places += [locator.place(at, at + 1) for at in range(line.start, line.stop)]
            if line.stop < line.end:
                places.append(locator.place(line.stop, line.end))
        return places

    def characters(self, ids: np.ndarray, vocabulary: Vocabulary) -> int:
        """Return the number of tokens: each is one character."""
        return len(ids)

    @staticmethod
    def _codes(piece: bytes) -> np.ndarray:
        return np.frombuffer(piece.decode("utf-8").encode("utf-32-le"), dtype="<u4")


class Bytes(Tokenizer):
    """Bytes of any file; byte 10 is `</s>`, another byte's token is the character of its number (Latin-1)."""

    help = "a byte of any file; a newline is </s>"
    unit = "byte"
    cut = None

    def encoder(self, source: str) -> CodeEncoder:
        """Return an encoder for one text."""
        return CodeEncoder(0x100, lambda piece: np.frombuffer(piece, dtype=np.uint8))

    def tokens(self, line: str) -> list[str]:
        """Return the bytes of a line in UTF-8, each as the character of its number."""
        return list(line.encode("utf-8", "surrogateescape").decode("latin-1"))

    def prompt(self, text: str) -> list[str]:
        """Return the bytes of a prompt in UTF-8, `</s>` for each newline, also for one at the end."""
        return [EOS if c == "\n" else c for c in self.tokens(text)]

    def join(self, tokens: Iterable[str]) -> str:
        """Return the bytes read as UTF-8; what is not UTF-8 becomes U+FFFD."""
        joined = "".join("\n" if token == EOS else token if len(token) == 1 else "?" for token in tokens)
        return joined.encode("latin-1", "replace").decode("utf-8", "replace")

    def places(self, text: str) -> list[Place]:
        """Return for each byte the place of its character; a byte-order mark is three bytes like others."""
        locator = Locator(text)
        return [
            locator.place(at, at + 1)
            for at, character in enumerate(text)
            for _ in character.encode("utf-8", "surrogatepass")
        ]

    def characters(self, ids: np.ndarray, vocabulary: Vocabulary) -> int:
        """Return the number of tokens: each is one byte, the unit of this tokenizer."""
        return len(ids)


class CodeEncoder:
    """Encodes code points or bytes through one table of `size` ids, a whole block at a time.

    `codes` turns the bytes of a piece into an integer array, one number a token.
    """

    characters: list[np.ndarray] | None = None  # None: a token is a character

    def __init__(self, size: int, codes) -> None:
        self._codes = codes
        self._table = np.full(size, -1, dtype=np.int32)
        self._table[_NEWLINE] = 0
        self._types = [EOS]

    def feed(self, piece: bytes) -> np.ndarray:
        """Return the ids of a piece, int32; tokens that are new get the next ids, in order of appearance."""
        codes = self._codes(piece)
        ids = self._table[codes]
        if len(unseen := codes[ids < 0]):
            values, first = np.unique(unseen, return_index=True)
            for value in values[np.argsort(first)]:
                self._table[value] = len(self._types)
                self._types.append(chr(value))
            ids = self._table[codes]
        return ids

    def finish(self) -> np.ndarray:
        """Return no ids: `feed` has returned those of every character."""
        return np.empty(0, dtype=np.int32)

    def types(self) -> list[str]:
        """Return the distinct tokens in order of first appearance."""
        return list(self._types)
