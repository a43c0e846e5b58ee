"""New folders of the cache while they are filled, and removing those whose process was killed meanwhile.

A process holds a lock on the folder that it fills, so a folder without one is of a process that is dead. Making a
folder and locking it are one step for others: both happen under a lock on the folder that it is made in.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .file_locks import try_lock

_TRIES, _PAUSE = 50, 0.01  # seconds; whoever holds the lock on the parent does nothing slow meanwhile


@contextmanager
def draft(parent: Path, prefix: str) -> Iterator[Path]:
    """Give a new folder in `parent`, locked, which is removed after the block unless it was renamed.

    Folders of the same prefix that nobody has locked are removed first. Where the system cannot lock folders, the new
    folder is not locked, and others stay. Raises OSError where none can be made.
    """
    with _locked(parent) as is_alone:
        dead = [lock for lock in map(_lock, parent.glob(f"{prefix}*")) if lock is not None] if is_alone else []
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        own = _lock(folder)
    for path, descriptor in dead:  # their locks are ours, so nobody else removes them too
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if own is not None:
            os.close(own[1])


def _lock(folder: Path) -> tuple[Path, int] | None:
    """Lock a folder; returns it with the open descriptor, None where somebody has it locked or it cannot be locked."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)  # Windows opens no folders
    except OSError:
        return None
    if try_lock(descriptor):
        return folder, descriptor
    os.close(descriptor)
    return None


@contextmanager
def _locked(parent: Path) -> Iterator[bool]:
    """Hold the lock on a folder within the block; gives whether that succeeded, for which it waits half a second."""
    try:
        descriptor = os.open(parent, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        held = try_lock(descriptor)
        for _ in range(_TRIES):
            if held is not False:  # None: there are no locks here, so waiting does not help
                break
            time.sleep(_PAUSE)
            held = try_lock(descriptor)
        yield bool(held)
    finally:
        os.close(descriptor)
