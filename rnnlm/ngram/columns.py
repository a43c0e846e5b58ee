"""Arrays that grow at their end, in memory or in files of a folder."""

from __future__ import annotations

import math
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from .. import limits
from ..cache_folder import scratch_folder
from ..errors import UsageError

SHARE = 0.5  # of the memory that this process may use, where `memory` does not say how much to use
TOKEN = 60  # bytes that each token of a chunk needs while it is sorted


class Columns:
    """Makes growing arrays: in memory, or with a `folder` as files there, for counts that do not fit in memory."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder, self._made = folder, 0

    def new(self, dtype: np.dtype | type) -> Column:
        """An empty column."""
        self._made += 1
        return Column(np.dtype(dtype), None if self.folder is None else self.folder / f"{self._made}.column")

    def zeros(self, size: int, dtype: np.dtype | type | str) -> np.ndarray:
        """An array of zeros that can be written to."""
        if self.folder is None or not size:
            return np.zeros(size, dtype)
        self._made += 1
        return np.memmap(self.folder / f"{self._made}.column", dtype, "w+", shape=(size,))


class Column:
    """An array of one type that grows at its end, in memory or in the file `path`."""

    def __init__(self, dtype: np.dtype, path: Path | None) -> None:
        self.dtype, self.path = dtype, path
        self._parts: list[np.ndarray] = []
        if path is not None:
            path.touch()

    def append(self, part: np.ndarray) -> None:
        """Add the numbers of an array at the end."""
        part = np.asarray(part, self.dtype)
        if self.path is None:
            self._parts.append(part)
        else:
            with self.path.open("ab") as file:
                file.write(part.tobytes())

    def array(self) -> np.ndarray:
        """All that was appended so far: in memory, or as a read-only view of the file."""
        if self.path is None:
            if len(self._parts) > 1:
                self._parts = [np.concatenate(self._parts)]
            return self._parts[0] if self._parts else np.zeros(0, self.dtype)
        if not self.path.stat().st_size:  # an empty file cannot be mapped
            return np.zeros(0, self.dtype)
        return np.memmap(self.path, self.dtype, "r")

    def remove(self) -> None:
        """Free the memory, or remove the file."""
        self._parts = []
        if self.path is not None:
            self.path.unlink(missing_ok=True)


class Workspace:
    """Memory for the work, or a temporary folder where `need` bytes are more than `memory` (GB) allows.

    `columns` makes the arrays, `chunk` is how many tokens are sorted at a time. The folder is removed at the end of the
    with-block, or together with the value that was `kept` from it. Raises UsageError for a memory that is not positive.
    """

    def __init__(self, need: int, memory: float | None = None) -> None:
        if memory is not None and not 0 < memory < math.inf:
            raise UsageError(f"memory={memory} is not possible. Give a positive number of GB.")
        available = SHARE * limits.memory() if memory is None else memory * 1e9
        self.chunk = int(max(1000, available / (2 * TOKEN)))
        self._folder = None if need <= available else scratch_folder("rnnlm-ngram-")
        self.columns = Columns(None if self._folder is None else Path(self._folder.name))
        self._leave = True

    def kept(self, value: Any) -> Any:
        """The value, whose arrays may be files of the folder: the folder stays until the value is deleted."""
        if self._folder is not None:
            weakref.finalize(value, self._folder.cleanup)
            self._leave = False
        return value

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *problem: object) -> None:
        if self._folder is not None and self._leave:
            self._folder.cleanup()
