"""Reading the bytes of a text from a file, a compressed file or standard input, in blocks of a few megabytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from .. import catalogue
from ..errors import DataError

BLOCK = 4 << 20  # bytes: large enough that Python's work for each block is negligible, and small in memory

_FORMATS: dict[str, tuple[bytes, Callable[..., Any]]] = {  # suffix -> first bytes, opener
    ".gz": (b"\x1f\x8b", gzip.open),
    ".bz2": (b"BZh", bz2.open),
    ".xz": (b"\xfd7zXZ\x00", lzma.open),
}
_MAGIC = 6


def source_name(source: str | Path) -> str:
    """Return the name of a source in messages: its path as given, or "standard input" for "-"."""
    return "standard input" if str(source) == "-" else str(source)


@contextmanager
def _opened(source: str | Path) -> Iterator[IO[bytes]]:
    if str(source) == "-":
        # Not closed: standard input belongs to the program.
        raw = getattr(sys.stdin, "buffer", None)
        if raw is None:
            raise DataError("standard input holds no bytes here; give the name of a file.")
        wrapped = None if hasattr(raw, "peek") else io.BufferedReader(cast(io.RawIOBase, raw))
        try:
            yield wrapped or raw
        finally:
            if wrapped is not None:
                wrapped.detach()
        return
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a text. Give one file; several can be joined by cat and given as -.")
    try:
        file = path.open("rb")
    except FileNotFoundError:
        from difflib import get_close_matches

        near = get_close_matches(str(source), catalogue.entries(), n=1)
        if near and near[0] == str(source):
            raise DataError(
                f"{source} is a corpus. Give the part of it that is meant, such as {source}:train."
            ) from None
        hint = f" Did you mean a part of the corpus {near[0]}, such as {near[0]}:train?" if near else ""
        raise DataError(
            f"{path} does not exist.{hint} Check the name. A text can also be a name that `rnnlm corpus list` shows."
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
    with file:
        yield file


def read_blocks(source: str | Path, size: int = BLOCK) -> Iterator[bytes]:
    """Yield the bytes of a text in blocks; .gz, .bz2 and .xz, known by their first bytes, are decompressed.

    `source` is a path or "-". Raises DataError where it is missing, a folder, unreadable, cut short or damaged.
    """
    name = source_name(source)
    with _opened(source) as file:
        first_bytes = cast(io.BufferedReader, file).peek(_MAGIC)[:_MAGIC]
        opener = next((op for magic, op in _FORMATS.values() if first_bytes.startswith(magic)), None)
        suffix = Path(source).suffix
        if opener is None and suffix in _FORMATS and first_bytes:
            raise DataError(f"{name} is called {suffix} but is not a {suffix} file. Rename it, or pack it again.")
        stream = cast(IO[bytes], opener(file, "rb")) if opener else file
        try:
            while block := stream.read(size):
                yield block
        except EOFError:
            raise DataError(f"{name} is cut short: its compressed data ends too soon. Copy or fetch it anew.") from None
        except (OSError, zlib.error, lzma.LZMAError) as error:
            raise DataError(f"{name} cannot be read: {error}. Copy or fetch it again.") from None


class Head(NamedTuple):
    """A path and the first bytes of that file, decompressed, so that one reading serves all that ask for its format."""

    path: str | Path
    start: bytes

    @classmethod
    def of(cls, path: str | Path | Head, size: int = 1 << 18) -> Head:
        """Return the head of a file, its first `size` bytes at most; a Head is returned as it is.

        Raises DataError where the file cannot be read.
        """
        return path if isinstance(path, Head) else cls(path, next(read_blocks(path, size), b""))
