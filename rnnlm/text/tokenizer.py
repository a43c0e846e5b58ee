"""The base class of tokenizers: what one must define, and everything else it inherits.

class Syllables(rnnlm.Tokenizer):
    def tokens(self, line): ...     # "water is" -> ["wa", "ter", " ", "is"]
    def join(self, tokens): ...     # and back
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from ..errors import DataError
from .lines import lines_of
from .marks import BOS
from .pieces import after_line
from .places import Locator, Place
from .vocabulary import EOS, Vocabulary


class Encoder(Protocol):
    """Turns the pieces of one text into ids in order of first appearance; `</s>` is 0 from the start.

    `characters` holds one int array for each piece: the number of characters of each sentence that ended in it. It is
    None for a tokenizer whose tokens are one character each.
    """

    characters: list[np.ndarray] | None

    def feed(self, piece: bytes) -> np.ndarray:
        """Return the ids of the next piece, int32."""

    def finish(self) -> np.ndarray:
        """Return the ids that waited for the end of the text, or of a part of it, int32."""

    def types(self) -> list[str]:
        """Return the distinct tokens in order of first appearance."""


class Tokenizer(ABC):
    """A rule that turns text into tokens and tokens into readable text.

    A subclass defines `tokens` and `join`. What it inherits works line by line, with one `</s>` a line, and can be
    overridden: `spans` where a token is not spelled as in the text; `learn`, `state` and `restore` where the rule holds
    learned data. The same line must always give the same tokens.

    `by_blanks` whether blanks separate its words, which not every text suits: see `rnnlm.text.hints`
    `help`      one line for the list of tokenizers
    `unit`      what messages call one token, such as "word"
    `argument`  what stands behind the colon of NAME:ARGUMENT, for messages; "" where there is nothing
    `spec`      the short text that the tokenizer was made from, such as "words": see `rnnlm.text.tokenizers.tokenizer`
    `source`    for a user's own tokenizer, the SHA-256 of its file; "" for others
    """

    by_blanks: ClassVar[bool] = False
    help: ClassVar[str] = ""
    unit: ClassVar[str] = "token"
    argument: ClassVar[str] = ""
    spec: str = ""
    source: str = ""

    # The function that says where a block of bytes may be cut so that no token is cut in two. None: anywhere, and the
    # bytes need not be text.
    cut: Callable[[bytes], int] | None = staticmethod(after_line)

    @abstractmethod
    def tokens(self, line: str) -> list[str]:
        """Return the tokens of one line, which has no line end; `</s>` is added by the caller."""

    @abstractmethod
    def join(self, tokens: Iterable[str]) -> str:
        """Return readable text; `</s>` becomes a newline."""

    def spans(self, line: str, tokens: Sequence[str]) -> list[tuple[int, int]]:
        """Return (start, stop) in the line for each of its tokens, which are searched in order.

        Raises ValueError for a token that does not occur in the rest of the line: a tokenizer that changes what it
        reads, for instance to lower case, must override this method.
        """
        spans, stop = [], 0
        for token in tokens:
            start = line.find(token, stop)
            if start < 0:
                raise ValueError(f"the token {token!r} is not in the line behind its first {stop} characters")
            stop = start + len(token)
            spans.append((start, stop))
        return spans

    def learn(self, lines: Iterable[str]) -> None:
        """Learn from the lines of the training text, before any text is encoded.

        A tokenizer that learns overrides this; it raises TypeError for others.
        """
        raise TypeError(f"a {type(self).__name__} learns nothing")

    def state(self) -> Any:
        """Return what was learned, as data that can be written as JSON, for model files; None before learning."""
        return None

    def restore(self, state: Any) -> None:
        """Restore what `state` returned. A tokenizer that learns overrides this; it raises TypeError for others."""
        raise TypeError(f"a {type(self).__name__} does not say how to take its state back: it has no method restore")

    @property
    def learns(self) -> bool:
        """Whether the rule holds learned data."""
        return type(self).learn is not Tokenizer.learn

    @property
    def is_ready(self) -> bool:
        """Whether the tokenizer can be used: it learns nothing, or it has learned already."""
        return not self.learns or self.state() is not None

    def encoder(self, source: str) -> Encoder:
        """Return an encoder for one text, which messages call `source`."""
        return LineEncoder(self, source)

    def prompt(self, text: str) -> list[str]:
        """Return the tokens of a text that a model continues: `</s>` between its lines but not at the end."""
        tokens: list[str] = []
        for line in lines_of(text.rstrip("\r\n")):
            tokens += [*self.tokens(line), EOS]
        return tokens[:-1]

    def places(self, text: str) -> list[Place]:
        """Return the place of each token of a text, in the order in which `encoder` gives them.

        Raises DataError, naming the line, where `spans` cannot say where the tokens stand.
        """
        locator = Locator(text)
        places: list[Place] = []
        for number, line in enumerate(locator.lines, 1):
            written = text[line.start : line.stop]
            tokens = self.tokens(written)
            try:
                spans = self.spans(written, tokens)
            except ValueError as error:
                raise DataError(
                    f"the tokens of line {number} cannot be found in it: {error}. Let {self.spec or 'the tokenizer'} "
                    "write the method spans, which says where each stands."
                ) from None
            places += [locator.place(line.start + start, line.start + stop) for start, stop in spans]
            if number < len(locator.lines) or tokens:  # a last line without newline has its end too
                places.append(locator.end(line))
        return places

    def characters(self, ids: np.ndarray, vocabulary: Vocabulary) -> int:
        """Return the number of characters of a text given as ids only: that of its tokens joined."""
        return len(self.join(vocabulary.decode(ids)))


class LineEncoder:
    """Encodes a text line by line with a tokenizer's `tokens`; memory is bounded by the longest line."""

    def __init__(self, tokenizer: Tokenizer, source: str) -> None:
        self._tokenizer, self._source = tokenizer, source
        self._types: dict[str, int] = {EOS: 0}
        self._line = 1
        self._open = False  # whether the last line has tokens and no newline yet
        self.characters: list[np.ndarray] | None = []

    def feed(self, piece: bytes) -> np.ndarray:
        """Return the ids of a piece, int32; the piece must end behind a newline or be the last."""
        ids: list[int] = []
        sizes: list[int] = []
        *lines, unfinished = piece.decode("utf-8").split("\n")
        for line in lines:
            ids += [*self._line_ids(line), 0]
            sizes.append(_size(line))
            self._line += 1
        if unfinished:
            last = self._line_ids(unfinished)
            ids += last
            self._open = bool(last)
            self._last = unfinished
        assert self.characters is not None
        self.characters.append(np.array(sizes, dtype=np.int32))
        return np.array(ids, dtype=np.int32)

    def finish(self) -> np.ndarray:
        """Return the `</s>` of a last line without newline, if there is one."""
        if not self._open:
            return np.empty(0, dtype=np.int32)
        self._open = False
        assert self.characters is not None
        self.characters.append(np.array([_size(self._last)], dtype=np.int32))
        return np.zeros(1, dtype=np.int32)

    def types(self) -> list[str]:
        """Return the distinct tokens in order of first appearance."""
        return list(self._types)

    def _line_ids(self, line: str) -> list[int]:
        tokens = self._tokenizer.tokens(line)
        for token in tokens:
            if not isinstance(token, str) or token in ("", EOS, BOS):
                raise DataError(
                    f"the tokenizer {self._tokenizer.spec} made the token {token!r} of line {self._line} of "
                    f"{self._source}. A token is a str of at least one character; {EOS} is added at the end of a "
                    f"line, and {BOS} is no token."
                )
        types = self._types
        return [types.setdefault(token, len(types)) for token in tokens]


def _size(line: str) -> int:
    """Return the number of characters of a line with single blanks, its newline included."""
    return len(" ".join(line.split())) + 1
