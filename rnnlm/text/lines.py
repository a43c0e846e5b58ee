r"""The rule of lines and blanks, the same for every reader: of texts, prompts, ARPA files and tables.

| characters                                                     | what they are                                    |
|----------------------------------------------------------------|--------------------------------------------------|
| LF, CR LF, CR alone                                            | the end of a line                                |
| U+FEFF at the beginning of a line                              | nothing: the mark of a file that begins there    |
| blank, tab, vertical tab, form feed                            | blanks                                           |
| no-break and zero-width spaces, U+3000, U+0085, U+2028, U+00AD | no blanks and no line ends: characters like any  |

Two of the tokenizers differ from the last two lines: for `prose` all that Unicode calls a blank is one, and for `chars`
every character is a token. `bytes` reads a file as it is, so none of this is for it. UTF-16 and UTF-32 are refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..errors import DataError
from .remedies import convert
from .wide import wide_encoding

BOM = "\ufeff"
_BOM = BOM.encode()
_BOMS = re.compile(rb"^(?:\xef\xbb\xbf)+", re.MULTILINE)
_BOMS_INSIDE = re.compile(rb"(?<=\n)(?:\xef\xbb\xbf)+")
_LINE = re.compile(r"(\ufeff*)([^\r\n]*)(\r\n|\r|\n|\Z)")
_BLANKS = " \t\x0b\x0c"  # in a line; its end is no part of it
WORD = re.compile(r"[^ \t\n\r\x0b\x0c]+")  # what blanks and line ends separate


def plain(piece: bytes, begins_line: bool = True) -> bytes:
    """Return a piece of a text with LF as its only line end, without byte-order marks at the beginning of lines.

    `begins_line` says whether the piece begins at the beginning of a line. A CR LF must not be cut between two pieces.
    """
    if b"\r" in piece:
        piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if _BOM in piece:
        piece = (_BOMS if begins_line else _BOMS_INSIDE).sub(b"", piece)
    return piece


def plain_blocks(blocks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield blocks of bytes, cut anywhere, as `plain` returns them; together they are the text, however it was cut.

    `name` is what messages call the text. Raises DataError, with what to do, for UTF-16 and UTF-32.
    """
    waiting, begins_line, is_first = b"", True, True
    for block in blocks:
        if is_first:
            refuse_wide(block, name)
        is_first = False
        block = waiting + block
        held = _held_back(block)
        waiting, block = block[len(block) - held :], block[: len(block) - held]
        if block := plain(block, begins_line):
            yield block
            begins_line = block.endswith(b"\n")
    if waiting := plain(waiting, begins_line):
        yield waiting


def _held_back(block: bytes) -> int:
    """Return how many of the last bytes wait for the next block: a CR, or the beginning of a byte-order mark."""
    return 2 if block.endswith(_BOM[:2]) else 1 if block.endswith((b"\r", _BOM[:1])) else 0


def line_ends(piece: bytes) -> int:
    """Return the number of line ends in a piece that no CR LF was cut out of."""
    ends = piece.count(b"\n")
    return ends + piece.count(b"\r") - piece.count(b"\r\n") if b"\r" in piece else ends


class Line(NamedTuple):
    """A line of a text: `text[start:stop]`, and `text[stop:end]` is what ends it, "" for the last line."""

    start: int
    stop: int
    end: int


def line_places(text: str) -> list[Line]:
    """Return the place of every line; the last one is what follows the last line end, so it may be empty."""
    lines = [Line(*match.span(2), match.end()) for match in _LINE.finditer(text)]
    return lines[:-1] if len(lines) > 1 and lines[-2].end == len(text) and lines[-2].stop == len(text) else lines


def lines_of(text: str) -> list[str]:
    """Return the lines of a text without their ends; the last one is what follows the last line end."""
    return [text[line.start : line.stop] for line in line_places(text)]


def plain_text(text: str) -> str:
    """Return a text with LF as its only line end, without byte-order marks at the beginning of lines."""
    return "\n".join(lines_of(text)) if "\r" in text or BOM in text else text


def refuse_wide(head: bytes, name: str) -> None:
    """Raise DataError, with what to do, where the first bytes of a text are UTF-16 or UTF-32."""
    if (encoding := wide_encoding(head)) is not None:
        raise DataError(f"{name} is {encoding}, and texts are read as UTF-8. Convert it: {convert(name, encoding)}.")


def odd_characters(line: str) -> str:
    """Return a clause that names the first character of a line that looks like a blank or like nothing; "" for none.

    For the message about a line whose fields are not what they should be: such a character separates no fields.
    """
    for at, character in enumerate(line):
        if character in _BLANKS:
            continue
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Zs"):
            name = unicodedata.name(character, "a control character").lower()
            return f"character {at + 1} is U+{ord(character):04X} ({name}), which separates no fields"
    return ""
