"""ARPA files line by line: their section markers, and sections of n-grams as columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DataError
from ..text.files import Head, read_blocks, source_name
from ..text.lines import odd_characters, plain, plain_blocks

BLOCK = 1 << 18  # bytes read at a time, and how far the comment above \data\ may reach
_FORBIDDEN = (b"\0", b"\x0b", b"\x0c")  # KenLM and others disagree on whether these are blanks
_DATA = re.compile(rb"^[ \t]*\\data\\[ \t]*$", re.MULTILINE)
_NUMBER = re.compile(rb"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|-inf")  # Python's float takes more
_NUMBER_CHARACTERS = re.compile(rb"[-+.0-9eE ]*")


def is_arpa(file: str | Path | Head) -> bool:
    """Whether a file, plain or compressed, has the line \\data\\ near its beginning. DataError where it is damaged."""
    start = Head.of(file, BLOCK).start
    return bool(_DATA.search(plain(start))) and start[1:5] != b"ARPA"  # iARPA and qARPA of IRSTLM are other formats


class Part(NamedTuple):
    """Some n-grams of a section: words[i][n] is word i of the n-gram in line lines[n], the numbers are log10."""

    lines: np.ndarray
    words: Sequence[Sequence[bytes]]
    logp: np.ndarray
    backoff: np.ndarray


class Lines:
    """The lines of an ARPA file; `number` is that of the last one taken, from 1. DataError where it has no \\data\\.

    LF, CRLF and a lone CR end a line, and a byte-order mark at the beginning is no part of the first one.
    """

    def __init__(self, path: str | Path) -> None:
        self.name, self.number = source_name(path), 0
        self._lines: list[bytes] = []
        self._at, self._rest = 0, b""  # the next of these lines; what follows the last line break read
        blocks = self._read(path)
        first = next(blocks, b"")
        if not _DATA.search(first):
            reason = "has no line \\data\\ near its beginning" if first else "is empty"
            raise self.error(f"this is not an ARPA file, it {reason}.", 1)
        self._blocks = chain([first], blocks)

    def _read(self, path: str | Path) -> Iterator[bytes]:
        try:
            yield from plain_blocks(read_blocks(path, BLOCK), self.name)
        except DataError as error:
            if not self.number:
                raise
            raise DataError(f"{error} (It could be read up to line {self.number}.)") from None

    def error(self, reason: str, line: int | None = None) -> DataError:
        """The DataError for a line, the last one taken if it is not given, with the reason."""
        return DataError(f"{self.name}, line {self.number if line is None else line}: {reason}")

    def take(self, most: int) -> list[bytes]:
        """The next lines, `most` at most and at least one; an empty list at the end of the file."""
        while self._at == len(self._lines):
            block = next(self._blocks, b"")
            if not block and not self._rest:
                return []
            text = self._rest + (block or b"\n")
            *self._lines, self._rest = text.split(b"\n")
            self._at = 0
            for character in _FORBIDDEN:
                for i in [i for i, line in enumerate(self._lines) if character in line] if character in text else ():
                    raise self.error(
                        f"it holds the invisible byte 0x{character.hex()}; only blanks and tabs separate words.",
                        self.number + 1 + i,
                    )
        lines = self._lines[self._at : self._at + most]
        self._at += len(lines)
        self.number += len(lines)
        return lines

    def next(self) -> bytes:
        """The next line that is not blank, without the blanks around it; b"" at the end of the file."""
        while lines := self.take(1):
            if line := lines[0].strip():
                return line
        return b""

    def expect(self, marker: str, line: bytes | None = None) -> None:
        """Check that the next line, or the one given, is this marker; DataError otherwise."""
        line = self.next() if line is None else line
        if not line:
            raise self.error(f"the file ends where {marker} should come; it is cut short.")
        if line != marker.encode():
            more = "" if line.startswith(b"\\") else "; the section may have more n-grams than \\data\\ says"
            raise self.error(f"{quoted(line)} stands where {marker} should come{more}.")

    def finish(self) -> None:
        """Read to the end of the file, so that damage there is found. DataError where more than blank lines follow."""
        if line := self.next():
            raise self.error(f"{quoted(line)} follows \\end\\, where the file should end; are these two files in one?")

    def sizes(self) -> list[int]:
        """The number of n-grams of each order, from the beginning of the file up to the first section."""
        while (line := self.next()) != b"\\data\\":
            if not line:
                raise self.error("the file ends before a line \\data\\.")
        sizes: list[int] = []
        while match := re.fullmatch(rb"ngram\s+(\d{1,9})\s*=\s*(\d{1,18})", line := self.next()):
            order, size = map(int, match.groups())
            if order != len(sizes) + 1:
                raise self.error(
                    f"the number of {order}-grams stands where that of {len(sizes) + 1}-grams should come."
                )
            sizes.append(size)
        if not sizes:
            raise self.error(f"{quoted(line)} stands where ngram 1=NUMBER should come.")
        self.expect("\\1-grams:", line)
        return sizes

    def section(self, k: int, size: int, highest: bool) -> Iterator[Part]:
        """The n-grams of k words, checked, a part at a time; a back-off weight that is missing is log10 1.

        Blank lines between them count for nothing, as KenLM and Kaldi read.
        """
        done = 0
        while done < size:
            begin = self.number + 1
            lines = self.take(size - done)
            numbers = np.arange(begin, begin + len(lines))
            if not lines:
                raise self.error(f"the file ends after {done} of {size} {k}-grams; it is cut short.")
            columns: Sequence[Sequence[bytes]] = _columns(lines, k + 2 - highest)
            if not columns:
                numbers, rows = self._rows(lines, k, size - done, numbers)
                columns = list(zip(*rows, strict=True)) or [()] * (k + 2)
            logp, backoff = self._numbers(columns[0], numbers), np.zeros(len(columns[0]))
            for i in np.flatnonzero(logp > 0)[:1]:
                raise self.error(f"the log-probability {quoted(columns[0][i])} is positive.", numbers[i])
            if len(columns) > k + 1:
                backoff = self._numbers(columns[-1], numbers)
                for i in np.flatnonzero((backoff != 0) if highest else (backoff == np.inf))[:1]:
                    why = f"{k}-grams, the longest, have none" if highest else "it is not finite"
                    raise self.error(
                        f"the back-off weight {quoted(columns[-1][i])} is not possible: {why}.", numbers[i]
                    )
            yield Part(numbers, columns[1 : k + 1], logp, backoff)
            done += len(logp)

    def _rows(self, lines: list[bytes], k: int, left: int, numbers: np.ndarray) -> tuple[np.ndarray, list[list[bytes]]]:
        """Numbers and fields of the lines that are not blank; a back-off weight of 0 where a line has none.

        `left` is how many n-grams should still come. DataError for a line that is no n-gram.
        """
        kept: list[int] = []
        rows: list[list[bytes]] = []
        for number, line in zip(numbers.tolist(), lines, strict=True):
            row = line.split()
            if not row:
                continue
            if row[0].startswith(b"\\"):
                missing = left - len(rows)
                raise self.error(
                    f"{quoted(line.strip())} stands where {missing:,} more {k}-gram{'s' * (missing > 1)} should come, "
                    "by the numbers behind \\data\\; the section is cut short, or its number is wrong.",
                    number,
                )
            if len(row) not in (k + 1, k + 2):
                odd = odd_characters(line.decode("utf-8", "replace"))
                raise self.error(
                    f"{len(row)} fields; a {k}-gram has a log-probability, {k} word{'s' * (k > 1)} and, unless it is "
                    f"one of the longest, a back-off weight{odd and f'; {odd}'}.",
                    number,
                )
            kept.append(number)
            rows.append(row if len(row) == k + 2 else [*row, b"0"])
        return np.array(kept, dtype=np.int64), rows

    def _numbers(self, column: Sequence[bytes], numbers: np.ndarray) -> np.ndarray:
        """A column as numbers; DataError, with the line, for a field that is none in this format."""
        plain = _NUMBER_CHARACTERS.fullmatch(b" ".join(column))
        try:
            values = np.array(list(map(float, column)))
        except ValueError:
            plain = None
        if plain is None:
            values = np.array([float(field) if _NUMBER.fullmatch(field) else np.nan for field in column])
        for i in np.flatnonzero(np.isnan(values))[:1]:
            raise self.error(f"{quoted(column[i])} stands where a number should.", numbers[i])
        return values


def _columns(lines: list[bytes], width: int) -> list[list[bytes]]:
    """The columns of lines that have `width` fields each; an empty list where a line has not."""
    fields = b" \0 ".join(lines).split()  # all at once: a list for each line would take three times as long
    ends = fields[width :: width + 1]
    if len(fields) != len(lines) * (width + 1) - 1 or ends != [b"\0"] * (len(lines) - 1):
        return []
    return [fields[i :: width + 1] for i in range(width)]


def quoted(word: bytes) -> str:
    """Bytes of a file as messages quote them."""
    return repr(word[:80].decode("utf-8", "replace")) if word else "the end of the file"
