"""How long an epoch takes, and how fast it learns."""

from __future__ import annotations

import time

from .events import Epoch, Event, Update


class Stopwatch:
    """An observer that measures: after an epoch `seconds` is all the time that it took, `speed` its items a second.

    An item is a word of a text or an example. The speed counts learning alone: not the validation, and not the first
    update of a process, which may have waited for the compiler. It is None where no other update is known.
    """

    def __init__(self) -> None:
        self.start()
        self._first = True
        self.seconds: float = 0.0
        self.speed: float | None = None

    def start(self) -> None:
        """An epoch begins now."""
        self._began = self._last = self._began_learning = time.monotonic()
        self._items = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Update):
            self._last = time.monotonic()
            if self._first:
                self._first, self._began_learning = False, self._last
            else:
                self._items += event.tokens
        elif isinstance(event, Epoch):
            learning = self._last - max(self._began, self._began_learning)
            self.seconds = time.monotonic() - self._began
            self.speed = self._items / max(learning, 1e-9) if self._items else None
            self.start()
