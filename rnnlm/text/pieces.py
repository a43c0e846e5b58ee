"""Turning blocks of bytes into pieces of text that cut no token in two and are checked to be UTF-8."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .. import recognise
from ..errors import DataError
from .lines import line_ends, plain, refuse_wide
from .remedies import convert


def after_blank(block: bytes) -> int:
    """Return the position behind the last blank, tab or line end, 0 if there is none: no word is cut in two."""
    return 1 + max(block.rfind(b" "), block.rfind(b"\t"), _last_line_end(block))


def after_line(block: bytes) -> int:
    """Return the position behind the last line end, 0 if there is none: no line is cut in two."""
    return 1 + _last_line_end(block)


def _last_line_end(block: bytes) -> int:
    """Return the position of the last LF or CR, -1 if there is none; an LF may follow a CR at the end of the block."""
    return max(block.rfind(b"\n"), block.rfind(b"\r", 0, -1))


def after_character(block: bytes) -> int:
    """Return the position behind the last whole UTF-8 character; a last CR is left for the LF that may follow it."""
    if block.endswith(b"\r"):
        return len(block) - 1
    for back in range(1, min(4, len(block)) + 1):
        byte = block[-back]
        if byte >= 0xC0:  # the first byte of a longer character says how many bytes it has
            size = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(block) if back >= size else len(block) - back
        if byte < 0x80:
            break
    return len(block)


def text_pieces(blocks: Iterable[bytes], name: str, cut: Callable[[bytes], int]) -> Iterator[bytes]:
    """Yield the bytes in pieces that end where `cut` says, checked to be text, with the lines of `rnnlm.text.lines`.

    `cut` returns the position at which a block may be cut, 0 for nowhere; such blocks are joined until one can be cut,
    so that lines and words may have any length. `name` is what messages call the text.
    Raises DataError, naming line and byte offset, for a zero byte or a byte that is not UTF-8, and for UTF-16; and for
    a model or another file that is no text, see `rnnlm.recognise`.
    """
    waiting: list[bytes] = []
    offset, line, begins_line, is_first = 0, 1, True, True
    for block in blocks:
        if is_first:
            if reason := recognise.not_a("text", name, block[: recognise.SIZE]):
                raise DataError(reason)
            refuse_wide(block, name)
            is_first = False
        if len(waiting) == 1 and len(waiting[0]) < 8:  # the beginning of a character, which `cut` must see whole
            block = waiting.pop() + block
        place = cut(block)
        if not place:
            waiting.append(block)
            continue
        piece = b"".join((*waiting, block[:place]))
        waiting = [block[place:]] if place < len(block) else []
        _check(piece, name, offset, line)
        if read := plain(piece, begins_line):
            yield read
            begins_line = read.endswith(b"\n")
        offset += len(piece)
        line += line_ends(piece)
    if waiting:
        piece = b"".join(waiting)
        _check(piece, name, offset, line)
        if read := plain(piece, begins_line):
            yield read


def _check(piece: bytes, name: str, offset: int, line: int) -> None:
    zero = piece.find(b"\0")
    if zero >= 0:
        where = place_of(piece, zero, offset, line)
        raise DataError(
            f"{name} is binary, not text: a zero byte at {where}. Give UTF-8 text; the tokenizer `bytes` reads all."
        )
    if piece.isascii():
        return
    try:
        piece.decode("utf-8")
    except UnicodeDecodeError as error:
        where = place_of(piece, error.start, offset, line)
        raise DataError(
            f"{name} is not UTF-8: byte 0x{piece[error.start]:02x} at {where}. "
            f"Convert it, as from Windows: {convert(name, 'WINDOWS-1252')}; the tokenizer `bytes` reads all."
        ) from None


def place_of(piece: bytes, at: int, offset: int, line: int) -> str:
    """Return "line …, byte offset …" for byte `at` of a piece that starts at byte `offset` (from 0) of line `line`."""
    return f"line {line + line_ends(piece[:at])}, byte offset {offset + at}"
