"""Ctrl-C, and other signals that ask a process to end, as a request to finish the current update and end in order."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

# `kill`, `timeout` and batch systems send SIGTERM, a terminal that is closed sends SIGHUP. Both may come twice.
_ASKED_TO_END = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class CtrlC:
    """A context in which the first Ctrl-C only sets `pressed`, and the second raises KeyboardInterrupt as usual.

    SIGTERM and SIGHUP set it too, where the program has no use of its own for them and does not ignore them, as under
    `nohup`. Outside the main thread, where Python allows no signal handlers, it does nothing.
    """

    def __init__(self) -> None:
        self.pressed = False
        self._before: dict[signal.Signals, Any] = {}
        self._pressed_here = False
        self._asked: int | None = None  # by which signal

    def obey(self) -> None:
        """Raise SystemExit where SIGTERM or SIGHUP has set `pressed`: whoever sent it wants this process to end."""
        if self._asked is not None:
            raise SystemExit(128 + self._asked)

    def __enter__(self) -> CtrlC:
        self.pressed = self._pressed_here = False
        self._asked = None
        if threading.current_thread() is threading.main_thread():
            self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._press)
            for number in _ASKED_TO_END:
                if signal.getsignal(number) == signal.SIG_DFL:
                    self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def _press(self, signum: int, frame: FrameType | None) -> None:
        if self._pressed_here:
            raise KeyboardInterrupt
        self.pressed = self._pressed_here = True

    def _ask(self, signum: int, frame: FrameType | None) -> None:
        self.pressed, self._asked = True, signum
