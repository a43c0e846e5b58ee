"""Words that other programs write into texts as marks: of the ends of sentences, and of unknown words.

| mark                                                        | in a text                                          |
|-------------------------------------------------------------|----------------------------------------------------|
| `<s>`, `</s>`                                               | refused: every line has its end without them       |
| `<unk>`                                                     | the unknown word                                   |
| `<UNK>`, `[UNK]`, `<oov>`, `<eos>`, `<bos>`, `<S>`, `</S>` … | words like any, with a hint that says so           |

All this is for words. For `prose`, `chars` and `bytes` a mark is a row of characters like any.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from ..errors import DataError
from .hints import Hint
from .remedies import filtered
from .vocabulary import EOS, UNK

BOS = "<s>"  # where a sentence begins, in the texts of other programs
_WRITTEN = re.compile(rb"(?<!\S)</?s>(?!\S)")
UNKNOWN = ("<UNK>", "<Unk>", "[UNK]", "<oov>", "<OOV>")
ENDS = ("<S>", "</S>", "<bos>", "<BOS>", "<sos>", "<SOS>", "<eos>", "<EOS>", "<|endoftext|>")

ODD = frozenset(UNKNOWN + ENDS)


class WrittenMarks:
    """Counts `<s>` and `</s>` in the pieces of a text. `name` is what messages call the text."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._counts: Counter[str] = Counter()
        self._first = 0

    def look(self, piece: bytes, line: int) -> None:
        """Count the marks of a piece that begins in this line and cuts no word in two."""
        if EOS.encode() not in piece and BOS.encode() not in piece:
            return
        for match in _WRITTEN.finditer(piece):
            self._first = self._first or line + piece.count(b"\n", 0, match.start())
            self._counts[match.group().decode()] += 1

    def refuse(self) -> None:
        """Raise DataError where there was a mark; it says how many, where the first is, and what to do."""
        if self._counts:
            counted = " and ".join(
                f"{mark} {_times(self._counts[mark])}" for mark in sorted(self._counts, reverse=True)
            )
            raise DataError(
                f"{self._name} has {counted}, first in line {self._first}: they mark the ends of sentences, and every "
                f"line has its end without them. Take them out: {filtered(self._name, replace_words(self._counts))}."
            )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def replace_words(words: Iterable[str], by: str = "") -> str:
    """Return the command that takes these words out of its input, or writes another word in their place."""
    # Again and again: of two marks in a row, the first takes the blank that the second is known by.
    written = "|".join(re.sub(r"([][|.()*+?$^{}\\])", r"\\\1", word) for word in sorted(words))
    step = rf"s#(^|[[:space:]])({written})([[:space:]]|$)#\1{by}\3#"
    return f"sed -E -e :a -e '{step}' -e ta"


def of_words(counts: Mapping[str, int]) -> Hint | None:
    """Return the hint on words like any that are marks in other programs; `counts` says how often a word occurs."""
    for marks, meaning, by in (
        (UNKNOWN, f"while unknown words are written {UNK}", UNK),
        (ENDS, "while every line has its end without them, so that each flatters the figures", ""),
    ):
        if found := {mark: counts[mark] for mark in marks if counts.get(mark)}:
            counted = " and ".join(f"{mark} {_times(count)}" for mark, count in found.items())
            verb = "if that is meant, write it" if by else "take them out"
            return Hint(f"has {counted}: words like any here, {meaning}; {verb}", replace_words(found, by))
    return None
