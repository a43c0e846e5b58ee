"""The lines on standard error about a training run, of a language model or a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .console import paint_for_errors, ppl, say

if TYPE_CHECKING:
    from ..training.base_run import BaseRun
    from ..training.events import Epoch
    from ..training.messages import Began


def about_line(began: Began) -> str:
    """The line about a language model before its first update."""
    from ..text.tokenizers import unit_of

    unit = unit_of(began.tokenizer)
    return (
        f"{began.kind}: {began.tokens:,} training tokens, {began.words:,} {unit}s ({began.tokenizer}), {began.units}, "
        f"{began.output}, {began.weights:,} weights, {began.device}"
    )


def resuming_line(epoch: int, updates: int) -> str:
    """The line that says where a resumed run goes on."""
    return f"resuming at epoch {epoch}, update {updates:,}"


def epoch_line(event: Epoch, figures: str, seconds: float, speed: float | None, unit: str) -> str:
    """The line about an epoch. `speed` None, where there was only the first update, leaves the speed out."""
    mark = "worse: best weights restored" if event.restored else ""
    mark = paint_for_errors("best", "green") if event.best else mark
    rate, pace = f"rate {event.learning_rate:.4g}", "" if speed is None else f"{speed:,.0f} {unit}/s  "
    return f"epoch {event.epoch:2d}  {figures}  {rate}  {pace}{seconds:.1f} s  {mark}".rstrip()


def perplexity_figures(event: Epoch) -> str:
    """The perplexities of a language model in the line of an epoch."""
    valid = "" if event.valid_nll is None else f"  valid PPL {ppl(event.valid_nll)}"
    return f"train PPL {ppl(event.train_nll)}{valid}"


def end_line(reason: str, best_epoch: int) -> str:
    """The line that says why training ended, and which epoch's weights are kept."""
    return f"stopped: {reason}; {f'the best epoch is {best_epoch}' if best_epoch else 'no epoch is over yet'}"


def say_beginning(run: BaseRun, about: str) -> None:
    """Print what was held out, where a resumed run goes on, and the line `about` the model."""
    progress = run.trainer.progress
    if run.data.held_out_note:
        say(run.data.held_out_note)
    if run.settings.resume and not run.resumed:
        say("no checkpoint yet, so the run starts from the beginning")
    if run.has_ended:
        say(f"this run has ended: {progress.stopped}. {_to_go_on(progress.stopped)}", "yellow")
    elif run.resumed:
        say(resuming_line(progress.epoch, progress.updates))
    say(about, "cyan")


def _to_go_on(stopped: str) -> str:
    """What a user can do to train on a run that has ended for this reason."""
    if "updates" in stopped:
        return "To go on, give a larger --max-updates."
    if stopped.endswith(" done"):
        return "To go on, give a larger --epochs."
    return "Its schedule ended it, so more epochs change nothing."


def say_end(run: BaseRun, reason: str) -> None:
    """Print why training ended, and which epoch's weights are kept."""
    say(end_line(reason, run.trainer.progress.best_epoch))


def say_next(output: Path | None, reason: str, following: Sequence[str]) -> None:
    """Print where the model is, and the commands that may follow."""
    if reason == "interrupted":
        say(f"model so far: {output}. Go on with the same command and --resume.", "yellow")
        return
    say(f"model: {output}. Next:", "green")
    for command in following:
        say(f"  rnnlm {command}")
