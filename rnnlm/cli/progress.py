"""What a person sees while a model learns: a live line, a line an epoch, sampled texts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..training.events import Epoch, Event, Saved, Update
from ..training.stopwatch import Stopwatch
from .console import is_terminal, ppl, say
from .talk import epoch_line, perplexity_figures

if TYPE_CHECKING:
    from ..models import RecurrentLM

FORMAT = "{desc} {percentage:3.0f}% |{bar}| {rate_fmt}{postfix}, {remaining} left"  # tqdm puts ", " before the postfix

COMPILING = "compiling the kernels for this machine: once, for {} …"
EVERY = 0.2  # seconds between two drawings of the live line


def compiling_line(time_needed: str = "some 20 seconds") -> Callable[[], None]:
    """A function that says once that kernels are being compiled, and is silent afterwards."""
    said = False

    def tell() -> None:
        nonlocal said
        if not said:
            said = True
            say(COMPILING.format(time_needed))

    return tell


class Live:
    """An observer with a live line on a terminal (tqdm), and a line an epoch everywhere; all on standard error."""

    unit = "words"

    def __init__(self) -> None:
        self._bar: Any = None
        self._watch = Stopwatch()
        self._drawn, self._behind = 0.0, 0  # when the live line was drawn, and how many tokens came since

    def tell_when_compiling(self) -> None:
        """Say so when the first update has to wait for the compiler."""
        from .. import ops

        ops.tell_when_compiling(compiling_line())

    def __enter__(self) -> Live:
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __call__(self, event: Event) -> None:
        self._watch(event)
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
        return perplexity_figures(event)

    def _update(self, event: Update) -> None:
        if not is_terminal(sys.stderr):
            return
        if self._bar is None:
            from tqdm import tqdm

            self._drawn, self._behind = time.monotonic(), 0
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
        now = time.monotonic()
        if now - self._drawn >= EVERY:  # only then is the loss asked for, which may be on a GPU
            self._bar.set_postfix_str(self.so_far(event), refresh=False)
            self._bar.update(self._behind)
            self._drawn, self._behind = now, 0

    def _epoch(self, event: Epoch) -> None:
        self._close()
        say(epoch_line(event, self.figures(event), self._watch.seconds, self._watch.speed, self.unit))

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
