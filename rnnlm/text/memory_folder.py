"""A folder of files in memory, for the few bytes of a prompt and for machines on which no file can be written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class MemoryFolder:
    """Files in memory: `folder / name` is one, with the methods of `pathlib.Path` that encoding a text uses."""

    def __init__(self) -> None:
        self._files: dict[str, MemoryFile] = {}

    def __truediv__(self, name: str) -> MemoryFile:
        return self._files.setdefault(name, MemoryFile())


class _Status(NamedTuple):
    st_size: int


class _Buffer(io.BytesIO):
    """Bytes that stay when the file is closed."""

    def close(self) -> None:
        self.seek(0)


class MemoryFile:
    """A file of a `MemoryFolder`; see `pathlib.Path` for its methods."""

    def __init__(self) -> None:
        self._buffer: _Buffer | None = None

    def open(self, mode: str) -> Any:
        """Open the file for bytes: "wb" begins a new one, "rb" and "r+b" begin at its start."""
        if "w" in mode:
            self._buffer = _Buffer()
        if self._buffer is None:
            raise FileNotFoundError
        self._buffer.seek(0)
        return self._buffer

    def exists(self) -> bool:
        """Return whether the file was written, and not removed."""
        return self._buffer is not None

    def stat(self) -> _Status:
        """Return the size in bytes, as `st_size`."""
        return _Status(self.open("rb").getbuffer().nbytes)

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file."""
        if self._buffer is None and not missing_ok:
            raise FileNotFoundError
        self._buffer = None

    def write_text(self, text: str, encoding: str) -> None:
        """Make the file anew with this text."""
        self.open("wb").write(text.encode(encoding))

    def array(self) -> np.ndarray:
        """Return the content as an array (n,) int32, without copying it."""
        return np.frombuffer(self.open("rb").getbuffer(), dtype=np.int32)


Folder = Path | MemoryFolder


def ids_in(file: Path | MemoryFile) -> np.ndarray:
    """Return the int32 numbers in a file, (n,): mapped where it is on the disk and not empty."""
    if isinstance(file, MemoryFile):
        return file.array()
    return np.memmap(file, dtype=np.int32, mode="r") if file.stat().st_size else np.zeros(0, np.int32)
