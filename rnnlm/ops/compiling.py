"""The notice that a kernel is being compiled, so that a program can say why nothing seems to happen."""

from __future__ import annotations

from collections.abc import Callable

_listener: Callable[[], None] | None = None


def tell_when_compiling(listener: Callable[[], None] | None) -> None:
    """Call `listener` whenever a kernel is compiled, None to call nobody.

    Compiling takes seconds, on the first use on a machine only: later processes load the code from the disk.
    """
    global _listener
    _listener = listener


def compiling() -> None:
    """Call the listener, if there is one: a kernel is being compiled."""
    if _listener is not None:
        _listener()
