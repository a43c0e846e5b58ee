"""The time that an epoch takes, and the speed of training."""

from __future__ import annotations

import time

from .events import Epoch, Event, Update


class Stopwatch:
    """An observer that measures: after an epoch `seconds` is all the time that it took, `speed` its items a second.

    An item is a word of a text or an example. The speed is that of the updates alone: without the validation, and
    without the first update of a process, which may have waited for the compiler. It is None where there was no other
    update.
    """

    def __init__(self) -> None:
        self.start()
        self._is_first = True
        self.seconds: float = 0.0
        self.speed: float | None = None

    def start(self) -> None:
        """Begin to measure an epoch."""
        self._began = self._last_update = self._first_update_ended = time.monotonic()
        self._items = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Update):
            self._last_update = time.monotonic()
            if self._is_first:
                self._is_first, self._first_update_ended = False, self._last_update
            else:
                self._items += event.tokens
        elif isinstance(event, Epoch):
            learning = self._last_update - max(self._began, self._first_update_ended)
            self.seconds = time.monotonic() - self._began
            self.speed = self._items / max(learning, 1e-9) if self._items else None
            self.start()
