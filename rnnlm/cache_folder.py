"""The cache folder, where encoded texts and fetched corpora are kept, and how new folders are put into it.

A folder in the cache is filled under a temporary name and then renamed, so it is there whole or not at all.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .cache_drafts import draft
from .errors import DataError


def cache_folder(cache_dir: str | Path | None = None) -> Path:
    """Return the cache folder: the one given, else $RNNLM_CACHE, $XDG_CACHE_HOME/rnnlm or ~/.cache/rnnlm."""
    if cache_dir is not None:
        return Path(cache_dir)
    if chosen := os.environ.get("RNNLM_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rnnlm"


def is_writable(folder: Path) -> bool:
    """Return whether files can be written in the folder, which is created if it does not exist."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@contextmanager
def draft_folder(parent: Path) -> Iterator[Path]:
    """Give a new folder in `parent`, to be filled and then moved by `settle`; otherwise it is removed after the block.

    Drafts that a killed process left there are removed too.
    Raises DataError where the disk is full or the folder cannot be written.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with draft(parent, ".new-") as folder:
            yield folder
    except OSError as error:
        raise cache_error(parent, error) from None


def settle(draft: Path, final: Path) -> None:
    """Rename a filled draft to `final`, in one step.

    Where another process made `final` meanwhile, its folder stays: folders of one name in the cache have one content.
    """
    try:
        os.replace(draft, final)
    except OSError:
        if not final.is_dir():
            raise


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Give a folder to fill; it is renamed to `final` at the end of the block, or removed if the block raises.

    Where another process made `final` meanwhile, its folder stays. Raises DataError as `draft_folder` does.
    """
    with draft_folder(final.parent) as draft:
        yield draft
        settle(draft, final)


def cache_error(folder: Path, error: OSError) -> DataError:
    """Return the DataError for a cache folder that cannot be written, with the system's reason and what to do."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    problem = "the disk is full" if full else (error.strerror or str(error))
    return DataError(f"the cache folder {folder} cannot be written: {problem}. Set RNNLM_CACHE to a folder with room.")
