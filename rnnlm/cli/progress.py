"""Output while a model trains: a progress bar, a line for each epoch, sampled texts."""

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
EVERY = 0.2  # seconds between two updates of the bar


def compiling_line(time_needed: str = "some 20 seconds") -> Callable[[], None]:
    """A function that prints once that kernels are being compiled, and nothing when it is called again."""
    printed = False

    def tell() -> None:
        nonlocal printed
        if not printed:
            printed = True
            say(COMPILING.format(time_needed))

    return tell


class ProgressBar:
    """An observer that shows a bar (tqdm) on a terminal, and prints a line for each epoch; all on standard error."""

    unit = "words"

    def __init__(self) -> None:
        self._bar: Any = None
        self._stopwatch = Stopwatch()
        self._last_drawn, self._pending = 0.0, 0  # when the bar was drawn, and how many tokens were scored since

    def tell_when_compiling(self) -> None:
        """Print a message when the first update has to wait for the compiler."""
        from .. import ops

        ops.tell_when_compiling(compiling_line())

    def __enter__(self) -> ProgressBar:
        self._stopwatch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __call__(self, event: Event) -> None:
        self._stopwatch(event)
        if isinstance(event, Update):
            self._update(event)
        elif isinstance(event, Epoch):
            self._epoch(event)
        elif isinstance(event, Saved) and self._bar is not None:
            self._bar.set_description_str(f"epoch {event.epoch} (saved)", refresh=False)

    def write(self, text: str) -> None:
        """Print a line above the bar."""
        if self._bar is not None:
            self._bar.clear()
        say(text)

    def epoch_so_far(self, event: Update) -> str:
        """What the bar shows of the epoch so far."""
        return f"loss {event.mean_nll:.3f}, PPL {ppl(event.mean_nll)}"

    def figures(self, event: Epoch) -> str:
        """The losses in the line of an epoch."""
        return perplexity_figures(event)

    def _update(self, event: Update) -> None:
        if not is_terminal(sys.stderr):
            return
        if self._bar is None:
            from tqdm import tqdm

            self._last_drawn, self._pending = time.monotonic(), 0
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
        self._pending += event.tokens
        now = time.monotonic()
        if now - self._last_drawn >= EVERY:  # the loss is read only then, since it may be on a GPU
            self._bar.set_postfix_str(self.epoch_so_far(event), refresh=False)
            self._bar.update(self._pending)
            self._last_drawn, self._pending = now, 0

    def _epoch(self, event: Epoch) -> None:
        self._close()
        say(epoch_line(event, self.figures(event), self._stopwatch.seconds, self._stopwatch.speed, self.unit))

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class ClassifierProgressBar(ProgressBar):
    """`ProgressBar` for the training of a classifier: losses and accuracies instead of perplexities."""

    unit = "examples"

    def epoch_so_far(self, event: Update) -> str:
        """The mean loss of the epoch so far."""
        return f"loss {event.mean_nll:.4f}"

    def figures(self, event: Epoch) -> str:
        """Losses and accuracies in the line of an epoch."""
        text = f"train loss {event.train_nll:.4f}"
        if event.train_accuracy is not None:
            text += f", {100 * event.train_accuracy:.2f} % right"
        if event.valid_nll is not None and event.valid_accuracy is not None:
            text += f"  valid loss {event.valid_nll:.4f}, {100 * event.valid_accuracy:.2f} % right"
        return text


class Snapshots:
    """An observer that prints a sampled text every `every` updates: `words` words, or one sentence for None."""

    def __init__(self, model: RecurrentLM, every: int, words: int | None, bar: ProgressBar) -> None:
        self.model, self.every, self.words, self.bar = model, every, words, bar

    def __call__(self, event: Event) -> None:
        if isinstance(event, Update) and event.updates % self.every == 0:
            text = str(self.model.sample(length=self.words, seed=event.updates))
            self.bar.write(f"update {event.updates:,}, loss {event.mean_nll:.3f}: {text}")
