"""Blocks of bytes become pieces of text: cut where no token is hurt, and known to be UTF-8."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..errors import DataError

_BOM = b"\xef\xbb\xbf"


def after_blank(block: bytes) -> int:
    """Return the place behind the last blank, tab or newline, 0 if there is none: words stay whole."""
    return 1 + max(block.rfind(b" "), block.rfind(b"\n"), block.rfind(b"\t"))


def after_line(block: bytes) -> int:
    """Return the place behind the last newline, 0 if there is none: lines stay whole."""
    return 1 + block.rfind(b"\n")


def after_character(block: bytes) -> int:
    """Return the place behind the last whole UTF-8 character; a CR waits for the LF that may follow it."""
    if block.endswith(b"\r"):
        return len(block) - 1
    for back in range(1, min(4, len(block)) + 1):
        byte = block[-back]
        if byte >= 0xC0:  # the first byte of a longer character: how many bytes does it want?
            wanted = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(block) if back >= wanted else len(block) - back
        if byte < 0x80:
            break
    return len(block)


def text_pieces(blocks: Iterable[bytes], name: str, cut: Callable[[bytes], int]) -> Iterator[bytes]:
    """Yield the bytes again, re-cut at places that `cut` chooses, without a byte-order mark and checked to be text.

    A line or a word of any length works: what has no place to cut is gathered until one comes.
    Raises DataError, naming line and byte offset, for a zero byte or a byte that is not UTF-8.
    """
    waiting: list[bytes] = []
    offset, line = 0, 1
    for block in blocks:
        if not offset and not waiting and block.startswith(_BOM):
            block, offset = block[len(_BOM) :], len(_BOM)
        if len(waiting) == 1 and len(waiting[0]) < 8:  # a broken character: the cut must see it whole
            block = waiting.pop() + block
        place = cut(block)
        if not place:
            waiting.append(block)
            continue
        piece = b"".join((*waiting, block[:place]))
        waiting = [block[place:]] if place < len(block) else []
        _check(piece, name, offset, line)
        yield piece
        offset += len(piece)
        line += piece.count(b"\n")
    if waiting:
        piece = b"".join(waiting)
        _check(piece, name, offset, line)
        yield piece


def _check(piece: bytes, name: str, offset: int, line: int) -> None:
    zero = piece.find(b"\0")
    if zero >= 0:
        where = place_of(piece, zero, offset, line)
        raise DataError(
            f"{name} is binary, not text: a zero byte at {where}. Give UTF-8 text, or train with tokens=bytes."
        )
    if piece.isascii():
        return
    try:
        piece.decode("utf-8")
    except UnicodeDecodeError as error:
        where = place_of(piece, error.start, offset, line)
        raise DataError(
            f"{name} is not UTF-8: byte 0x{piece[error.start]:02x} at {where}. "
            f"Convert it (iconv -t UTF-8), or train with tokens=bytes."
        ) from None


def place_of(piece: bytes, at: int, offset: int, line: int) -> str:
    """Return "line …, byte offset …" of the byte `at` in a piece that starts at this offset (from 0) and line."""
    newlines = piece.count(b"\n", 0, at)
    return f"line {line + newlines}, byte offset {offset + at}"
