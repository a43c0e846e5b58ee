"""What a training run says to a person, whatever it trains; all on standard error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .console import say

if TYPE_CHECKING:
    from ..training.classifier_run import ClassifierRun
    from ..training.run import Run


def say_beginning(run: Run | ClassifierRun, about: str) -> None:
    """What was held out, where a run that is resumed stands, and a line about the model."""
    progress = run.trainer.progress
    if run.data.said:
        say(run.data.said)
    if run.settings.resume and not run.resumed:
        say("no checkpoint yet, so the run starts from the beginning")
    if run.resumed:
        say(f"resuming at epoch {progress.epoch}, update {progress.updates:,}")
    say(about, "cyan")


def say_end(run: Run | ClassifierRun, reason: str) -> None:
    """Why training ended, and which epoch's weights are kept."""
    best = run.trainer.progress.best_epoch
    say(f"stopped: {reason}; {f'the best epoch is {best}' if best else 'no epoch is over yet'}")


def say_next(output: Path | None, reason: str, following: Sequence[str]) -> None:
    """Where the model is, and the commands that a person may want to type next."""
    if reason == "interrupted":
        say(f"model so far: {output}. Go on with the same command and --resume.", "yellow")
        return
    say(f"model: {output}. Next:", "green")
    for command in following:
        say(f"  rnnlm {command}")
