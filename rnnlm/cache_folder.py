"""The folder where encoded texts and fetched corpora are kept, and how a folder appears there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import DataError


def cache_folder(cache_dir: str | Path | None = None) -> Path:
    """Return the cache folder: the one given, else $RNNLM_CACHE, $XDG_CACHE_HOME/rnnlm or ~/.cache/rnnlm."""
    if cache_dir is not None:
        return Path(cache_dir)
    if own := os.environ.get("RNNLM_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rnnlm"


def is_writable(folder: Path) -> bool:
    """Return whether files can be made in the folder, which is made if it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Give a folder to fill; it becomes `final` when the block ends well, and vanishes when it does not.

    Where somebody else made `final` meanwhile, theirs stays: the names in the cache say what is in them.
    Raises DataError where the disk is full or the folder cannot be written.
    """
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=final.parent))
    except OSError as error:
        raise cache_error(final.parent, error) from None
    try:
        yield draft
        try:
            os.replace(draft, final)
        except OSError:
            if not final.is_dir():
                raise
    except OSError as error:
        raise cache_error(final.parent, error) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def cache_error(folder: Path, error: OSError) -> DataError:
    """Return the message for a cache folder that cannot take a file."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    problem = "the disk is full" if full else (error.strerror or str(error))
    return DataError(f"the cache folder {folder} cannot be written: {problem}. Set RNNLM_CACHE to a folder with room.")
