"""Writing files that others rely on: a reader sees the old file or the whole new one.

A file is written under a temporary name in its folder, flushed to the disk and renamed.
"""

from __future__ import annotations

import errno
import glob
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .errors import DataError


def write_bytes(path: str | Path, content: bytes, what: str) -> None:
    """Write bytes to a file, which is replaced whole or not at all; messages call them `what`.

    Raises DataError that names the path and the system's reason.
    """
    write_blocks(path, [content], what)


def write_blocks(path: str | Path, blocks: Iterable[bytes], what: str) -> None:
    """Write bytes that come in blocks as `write_bytes` does, so that they need not be in memory together."""
    with replacing(path, what) as temporary, open(temporary, "wb") as file:
        file.writelines(blocks)


@contextmanager
def replacing(path: str | Path, what: str) -> Iterator[str]:
    """Give the name of a temporary file which, once written, is flushed to the disk and takes the place of `path`."""
    with _temporary(path, what) as (file, final):
        yield file.name
        with open(file.name, "rb+") as written:
            os.fsync(written.fileno())
        os.chmod(file.name, 0o666 & ~_umask())
        os.replace(file.name, final)


def require_writable(path: str | Path, what: str) -> None:
    """Raise DataError where `what` could not be written to the path: now, and not after hours of training.

    Temporary files that a killed process left beside the path are removed.
    """
    with _temporary(path, what) as (file, final):
        for left_over in final.parent.glob(glob.escape(_prefix(final)) + "*.tmp"):  # of a process that was killed
            if left_over.name != Path(file.name).name:
                left_over.unlink()


def same_file(path: str | Path, other: str | Path) -> bool:
    """Return whether two paths lead to the same file, which exists: writing to one would replace the other."""
    try:
        return Path(other).samefile(path)
    except OSError:  # one of them does not exist
        return False


def _prefix(final: Path) -> str:
    return f".{final.name[:100]}."


@contextmanager
def _temporary(path: str | Path, what: str) -> Iterator[tuple[IO[bytes], Path]]:
    """Give a temporary file, removed at the end unless it was renamed, and the path to rename it to, links resolved."""
    path = Path(path)
    try:
        final = path.resolve()
        if final.is_dir():
            raise DataError(f"{what} cannot be written to {path}: it is a folder. Give the path of a file as `output`.")
        if final.exists() and not final.is_file():  # renaming a file to /dev/null would replace the device
            raise DataError(f"{what} cannot be written to {path}: it is not an ordinary file. Give another `output`.")
        if not final.parent.is_dir():
            raise DataError(
                f"{what} cannot be written to {path}: the folder {path.parent} does not exist. "
                "Make it, or give another `output`."
            )
        with tempfile.NamedTemporaryFile(prefix=_prefix(final), suffix=".tmp", dir=final.parent, delete=False) as file:
            try:
                yield file, final
            finally:
                Path(file.name).unlink(missing_ok=True)
    except OSError as error:
        advice = "Free some space, or give" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Give"
        raise DataError(
            f"{what} could not be written to {path}: {error.strerror or error}. "
            f"A file that was there before is untouched. {advice} another place with `output`."
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
