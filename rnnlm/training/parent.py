"""A process that ends with the one that started it, however that ends."""

from __future__ import annotations

import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1  # of prctl(2)


def end_with_parent(pipe: int) -> None:
    """End this process at once when the other end of a pipe is closed: when the process that holds it has ended.

    `pipe` is a descriptor. Files are whole or not at all, so nothing is lost but what came after the last checkpoint.
    Linux is asked to do the same, since a thread of ours has to wait for its turn.
    """
    threading.Thread(target=_wait, args=(pipe,), daemon=True).start()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _wait(pipe: int) -> None:
    """Read to the end of the pipe. Not by a file object: one that a thread reads holds the end of Python up."""
    try:
        while os.read(pipe, 1):
            pass
    finally:
        os._exit(1)
