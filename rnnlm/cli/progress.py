"""What a person sees while a model learns: a live line, a line an epoch, sampled texts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..training.events import Epoch, Event, Saved, Update
from .console import is_terminal, paint, ppl, say

if TYPE_CHECKING:
    from ..models import RecurrentLM

FORMAT = "{desc} {percentage:3.0f}% |{bar}| {rate_fmt}{postfix}, {remaining} left"  # tqdm puts ", " before the postfix

EVERY = 0.2  # seconds between two drawings of the live line


def compiling_line(time_needed: str = "some 20 seconds") -> Callable[[], None]:
    """A function that says once that kernels are being compiled, and is silent afterwards."""
    said = False

    def tell() -> None:
        nonlocal said
        if not said:
            said = True
            say(f"compiling the kernels for this machine: once, for {time_needed} …")

    return tell


class Live:
    """An observer with a live line on a terminal (tqdm), and a line an epoch everywhere; all on standard error."""

    unit = "words"

    def __init__(self) -> None:
        self._bar: Any = None
        self._began = self._last = time.monotonic()
        self._began_learning, self._first = self._began, True
        self._tokens = 0  # since the epoch began in this process, after the first update
        self._drawn, self._behind = 0.0, 0  # when the live line was drawn, and how many tokens came since

    def tell_when_compiling(self) -> None:
        """Say so when the first update has to wait for the compiler."""
        from .. import ops

        ops.tell_when_compiling(compiling_line())

    def __enter__(self) -> Live:
        self._began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Update):
            self._update(event)
        elif isinstance(event, Epoch):
            self._epoch(event)
        elif isinstance(event, Saved) and self._bar is not None:
            self._bar.set_description_str(f"epoch {event.epoch} (saved)", refresh=False)

    def write(self, text: str) -> None:
        """A line above the live one."""
        if self._bar is not None:
            self._bar.clear()
        say(text)

    def so_far(self, event: Update) -> str:
        """What the live line says of this epoch."""
        return f"loss {event.mean_nll:.3f}, PPL {ppl(event.mean_nll)}"

    def figures(self, event: Epoch) -> str:
        """What the line of an epoch says of it."""
        valid = "" if event.valid_nll is None else f"  valid PPL {ppl(event.valid_nll)}"
        return f"train PPL {ppl(event.train_nll)}{valid}"

    def _update(self, event: Update) -> None:
        self._last = time.monotonic()
        if self._first:  # it may have waited for the compiler
            self._first, self._began_learning = False, self._last
        else:
            self._tokens += event.tokens
        if not is_terminal(sys.stderr):
            return
        if self._bar is None:
            from tqdm import tqdm

            self._drawn, self._behind = self._last, 0
            self._bar = tqdm(
                desc=f"epoch {event.epoch}/{event.epochs}",
                total=event.epochs * event.total,  # so that the time left is that of the run
                initial=(event.epoch - 1) * event.total + event.done - event.tokens,
                unit=f" {self.unit}",
                unit_scale=True,
                bar_format=FORMAT,
                leave=False,
                mininterval=0,
                miniters=1,
            )
        self._behind += event.tokens
        if self._last - self._drawn >= EVERY:  # only then is the loss asked for, which may be on a GPU
            self._bar.set_postfix_str(self.so_far(event), refresh=False)
            self._bar.update(self._behind)
            self._drawn, self._behind = self._last, 0

    def _epoch(self, event: Epoch) -> None:
        self._close()
        learning = self._last - max(self._began, self._began_learning)  # the rest was validation, and the compiler
        seconds = time.monotonic() - self._began
        mark = (
            paint("best", "green", sys.stderr)
            if event.best
            else "worse: best weights restored"
            if event.restored
            else ""
        )
        # Of the very first update alone no speed is known: it is not counted.
        speed = f"{self._tokens / max(learning, 1e-9):,.0f} {self.unit}/s  " if self._tokens else ""
        say(
            f"epoch {event.epoch:2d}  {self.figures(event)}  rate {event.learning_rate:.4g}  "
            f"{speed}{seconds:.1f} s  {mark}".rstrip()
        )
        self._began, self._tokens = time.monotonic(), 0

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class ClassifierLive(Live):
    """`Live` for the training of a classifier: losses and accuracies instead of perplexities."""

    unit = "examples"

    def so_far(self, event: Update) -> str:
        return f"loss {event.mean_nll:.4f}"

    def figures(self, event: Epoch) -> str:
        said = f"train loss {event.train_nll:.4f}"
        if event.train_accuracy is not None:
            said += f", {100 * event.train_accuracy:.2f} % right"
        if event.valid_nll is not None and event.valid_accuracy is not None:
            said += f"  valid loss {event.valid_nll:.4f}, {100 * event.valid_accuracy:.2f} % right"
        return said


class Snapshots:
    """An observer that draws a text from the model every `every` updates."""

    def __init__(self, model: RecurrentLM, every: int, words: int | None, live: Live) -> None:
        self.model, self.every, self.words, self.live = model, every, words, live

    def __call__(self, event: Event) -> None:
        if isinstance(event, Update) and event.updates % self.every == 0:
            text = str(self.model.sample(length=self.words, seed=event.updates))
            self.live.write(f"update {event.updates:,}, loss {event.mean_nll:.3f}: {text}")
