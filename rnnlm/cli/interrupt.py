"""Ctrl-C at a moment when Python cannot raise it."""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SECONDS = 0.05  # until it is raised again: long enough for the function that was interrupted to return


@contextmanager
def interrupts_are_raised_again() -> Iterator[None]:
    """A context in which no Ctrl-C is lost.

    Within a function that C code calls, such as one of the compiler, Python prints a KeyboardInterrupt and goes on as
    if nothing had been pressed. Here it is raised once more, and nothing is printed.
    """
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            later = threading.Timer(SECONDS, _thread.interrupt_main)  # within this function it would be lost again
            later.daemon = True
            later.start()
        else:
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
