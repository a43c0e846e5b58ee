"""Arrays that grow at their end, in memory or in files of a folder."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError

SHARE = 0.5  # of the machine's memory, where nobody says how much to use
TOKEN = 60  # bytes that a token of a chunk needs while it is sorted


class Columns:
    """Makes columns: in memory, or with a `folder` as files there, for counts that do not fit in memory."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder, self._made = folder, 0

    def new(self, dtype: np.dtype | type) -> Column:
        """An empty column."""
        self._made += 1
        return Column(np.dtype(dtype), None if self.folder is None else self.folder / f"{self._made}.column")

    def zeros(self, size: int, dtype: np.dtype | type | str) -> np.ndarray:
        """An array of zeros that can be written."""
        if self.folder is None or not size:
            return np.zeros(size, dtype)
        self._made += 1
        return np.memmap(self.folder / f"{self._made}.column", dtype, "w+", shape=(size,))


class Column:
    """One growing array; `array()` is what has been appended so far, a read-only view of the file if there is one."""

    def __init__(self, dtype: np.dtype, path: Path | None) -> None:
        self.dtype, self.path = dtype, path
        self._parts: list[np.ndarray] = []
        if path is not None:
            path.touch()

    def append(self, part: np.ndarray) -> None:
        part = np.asarray(part, self.dtype)
        if self.path is None:
            self._parts.append(part)
        else:
            with self.path.open("ab") as file:
                file.write(part.tobytes())

    def array(self) -> np.ndarray:
        if self.path is None:
            if len(self._parts) > 1:
                self._parts = [np.concatenate(self._parts)]
            return self._parts[0] if self._parts else np.zeros(0, self.dtype)
        if not self.path.stat().st_size:  # nothing cannot be mapped
            return np.zeros(0, self.dtype)
        return np.memmap(self.path, self.dtype, "r")

    def remove(self) -> None:
        """It is not needed any more."""
        self._parts = []
        if self.path is not None:
            self.path.unlink(missing_ok=True)


class Workspace:
    """Where the work of a size is done: in memory, or in a temporary folder where `memory` (GB) would not do.

    `columns` makes the arrays, `chunk` is how many tokens are sorted at a time. The folder goes with the block, or with
    what was `kept` from it. Raises UsageError for a memory that is not positive.
    """

    def __init__(self, need: int, memory: float | None = None) -> None:
        if memory is not None and not 0 < memory < math.inf:
            raise UsageError(f"memory={memory} is not possible. Give a positive number of GB.")
        room = SHARE * _machine_memory() if memory is None else memory * 1e9
        self.chunk = int(max(1000, room / (2 * TOKEN)))
        self._folder = None if need <= room else Path(tempfile.mkdtemp(prefix="rnnlm-ngram-"))
        self.columns = Columns(self._folder)
        self._leave = True

    def kept(self, value: Any) -> Any:
        """The value, whose arrays may be files of the folder: it stays until the value is gone."""
        if self._folder is not None:
            weakref.finalize(value, shutil.rmtree, self._folder, ignore_errors=True)
            self._leave = False
        return value

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *problem: object) -> None:
        if self._folder is not None and self._leave:
            shutil.rmtree(self._folder, ignore_errors=True)


def _machine_memory() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on this system
        return 4e9
