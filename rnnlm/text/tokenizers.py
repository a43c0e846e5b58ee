"""How a text becomes tokens: the four rules, by name.

| name    | a token is                 | `</s>` stands for                  | read from                      |
|---------|----------------------------|------------------------------------|--------------------------------|
| `words` | what blanks separate       | the end of a line, empty lines too | text that is already tokenized |
| `prose` | a word or punctuation mark | the end of a sentence              | raw English text               |
| `chars` | a Unicode character        | a newline                          | any UTF-8 text                 |
| `bytes` | a byte                     | a newline byte                     | any file                       |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import numpy as np

from ..errors import UsageError
from .characters import Bytes, Characters
from .prose import Prose
from .words import Words


class Encoder(Protocol):
    """Turns pieces of one text into ids in order of first appearance; `</s>` is 0 from the start.

    `characters` is one int array a piece, the characters of each sentence that ended in it, or None for a tokenizer
    whose tokens are one character each.
    """

    characters: list[np.ndarray] | None

    def feed(self, piece: bytes) -> np.ndarray:
        """Return the ids of the next piece, int32."""

    def finish(self) -> np.ndarray:
        """Return the ids that waited for the end of the text, int32."""

    def types(self) -> list[str]:
        """Return the distinct tokens in order of first appearance."""


class Tokenizer(Protocol):
    """A rule that turns text into tokens and tokens into readable text."""

    @property
    def name(self) -> str:
        """The name that the command line and model files use."""

    @property
    def cut(self) -> Callable[[bytes], int] | None:
        """Where a block may be cut without hurting a token; None: anywhere, and the bytes need not be text."""

    def encoder(self, source: str) -> Encoder:
        """Return an encoder for one text, which messages call `source`."""

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of a prompt, without a final `</s>`."""

    def join(self, words: Iterable[str]) -> str:
        """Return readable text; `</s>` becomes a newline."""


TOKENIZERS: Mapping[str, Tokenizer] = {rule.name: rule for rule in (Words(), Prose(), Characters(), Bytes())}


def tokenizer(name: str) -> Tokenizer:
    """Return the tokenizer of this name. Raises UsageError for another one, listing the allowed."""
    try:
        return TOKENIZERS[name]
    except KeyError:
        raise UsageError(f"there is no tokenizer {name!r}; choose one of {', '.join(TOKENIZERS)}.") from None
