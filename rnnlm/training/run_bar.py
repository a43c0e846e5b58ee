"""The progress bar of a training run that a Python function started; the command line has its own."""

from __future__ import annotations

import math
import time
from types import TracebackType

from .. import ops
from ..progress_bar import Bar, progress_bar
from .events import Epoch as EpochEnded
from .events import Event, Observer, Update

EVERY = 0.2  # seconds between two readings of the loss, which may have to be brought from a GPU


class RunBar:
    """An observer that shows the epoch, the mean loss so far and the last validation loss, on one bar for the run.

    `progress` is that of `rnnlm.train`; `unit` is what the run counts, "word" or "example". The losses of a language
    model are shown as perplexities.
    """

    def __init__(self, progress: bool | None, unit: str, *, perplexity: bool) -> None:
        self._name = "PPL" if perplexity else "loss"
        self._perplexity = perplexity
        self._context = progress_bar(progress, total=None, unit=unit, description="preparing")
        self._bar: Bar | None = None
        self._valid = ""
        self._read_at = 0.0

    def __enter__(self) -> RunBar:
        self._bar = self._context.__enter__()
        if self._bar is not None:
            bar = self._bar
            ops.tell_when_compiling(lambda: bar.set_description_str("compiling the kernels for this machine, once"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            ops.tell_when_compiling(None)
        self._context.__exit__(kind, error, trace)

    @property
    def observers(self) -> list[Observer]:
        """The observer for the trainer; none where no progress is wanted, so that nothing waits for it."""
        return [] if self._bar is None else [self]

    def __call__(self, event: Event) -> None:
        assert self._bar is not None
        if isinstance(event, Update):
            if not self._bar.total:
                self._bar.total = event.epochs * event.total
                self._bar.update((event.epoch - 1) * event.total + event.done - event.tokens)  # of a resumed run
            now = time.monotonic()
            if now - self._read_at >= EVERY:
                self._read_at = now
                self._bar.set_description_str(f"epoch {event.epoch}/{event.epochs}", refresh=False)
                self._bar.set_postfix_str(f"{self._name} {self._figure(event.mean_nll)}{self._valid}", refresh=False)
            self._bar.update(event.tokens)
        elif isinstance(event, EpochEnded):
            train = f"{self._name} {self._figure(event.train_nll)}"
            if event.valid_nll is not None:
                self._valid = f", valid {self._figure(event.valid_nll)}"
            self._bar.set_postfix_str(f"{train}{self._valid}")

    def _figure(self, nll: float) -> str:
        if not self._perplexity:
            return f"{nll:.4f}"
        return f"{math.exp(nll):.2f}" if nll < 30 else f"e^{nll:.4g}"
