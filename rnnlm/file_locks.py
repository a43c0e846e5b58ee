"""Locks of the operating system on open files: they are gone with their process, however it ends.

`filelock`, the well-kept library for this, has the lock alone, and not who holds it or whether a file is left over; its
245 kB would stand for the few lines below.
"""

from __future__ import annotations

import errno
import os

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_FAR = 1 << 30  # the byte that is locked on Windows, where a locked byte cannot be read: behind all that files hold


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file without waiting.

    Returns True where it is ours now, False where somebody else has it, None where this file system has no locks.
    The lock belongs to the open file: it ends when the descriptor is closed, in every process that has it.
    """
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            os.lseek(descriptor, _FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            os.lseek(descriptor, 0, os.SEEK_SET)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True
