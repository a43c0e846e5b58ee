"""The files that a run writes: the model file, and beside it the checkpoint from which the run is resumed.

The checkpoint stays when the run ends, so that it can be given more epochs later; see `RunFiles.resume`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..declared_files import NamedFile, require_apart
from ..errors import DataError, TrainingError, UsageError
from ..models.model import Model
from ..output_files import require_writable
from ..output_lock import OutputLock
from ..stored import reading
from .checkpoint import Checkpoint, Snapshot
from .loop import Loop


def checkpoint_of(output: Path) -> Path:
    """The path of the checkpoint of a run with this output."""
    return Path(f"{output}.checkpoint")


def run_outputs(output: Path) -> list[NamedFile]:
    """The files that a run with this output writes."""
    return [NamedFile("the output", output), NamedFile("the checkpoint", checkpoint_of(output))]


class RunFiles:
    """The output file of a run (None: nothing is written), OUTPUT.checkpoint, and the snapshot to resume from.

    `reads` are the run's input files, none of which may be written to. The output is locked against other processes
    until `release`, unless the caller has `locked` it already; `command` is what those are told. Raises UsageError and
    DataError when the output cannot be written there, another process writes there, a run was cut off there and is
    not resumed, or the other way round. A run that has ended may be resumed, or its files may be replaced by those of
    a new run.
    """

    def __init__(
        self,
        output: str | Path | None,
        resume: bool,
        reads: Sequence[NamedFile],
        *,
        command: str = "",
        locked: bool = False,
    ) -> None:
        self.output = None if output is None else Path(output)
        self.checkpoint_path = None if self.output is None else checkpoint_of(self.output)
        self._lock: OutputLock | None = None
        if self.output is not None:
            require_apart(reads, run_outputs(self.output))
            require_writable(self.output, "the model")
            require_writable(checkpoint_of(self.output), "the checkpoint")
            if not locked:
                self._lock = OutputLock(self.output, command)
        try:
            self.snapshot = self._find_snapshot(resume)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let other processes write to the output."""
        if self._lock is not None:
            self._lock.release()

    def _find_snapshot(self, resume: bool) -> Snapshot | None:
        """The checkpoint to resume from, if any, after all checks of the paths."""
        path = self.checkpoint_path
        if self.output is None or path is None:
            if resume:
                raise UsageError("resume needs the output file of the run to go on with. Give it as `output`.")
            return None
        if resume:
            if path.exists():
                return Checkpoint.read(path)
            if self.output.exists():
                raise DataError(
                    f"there is no checkpoint {path} to resume from, and {self.output} is there already. "
                    "Train without `resume`, or check `output`."
                )
            return None  # the run was cut off before its first checkpoint, so it starts again
        if path.exists() and not (self.output.exists() and Checkpoint.read(path).stopped):
            raise DataError(
                f"{path} belongs to a run that was cut off. Go on with it by `resume`, or delete it to train anew."
            )
        return None

    def checkpoint(self, record: dict[str, Any], minutes: float | None) -> Checkpoint | None:
        """The run's checkpoint; None when nothing is written."""
        return None if self.checkpoint_path is None else Checkpoint(self.checkpoint_path, record, minutes=minutes)

    def resume(self, trainer: Loop, train: Any) -> None:
        """Restore the trainer's progress over the data `train` from the snapshot, if there is one.

        A run that had ended by a limit goes on where the limit was raised, at the learning rate that its schedule has
        there for the new number of epochs; otherwise it ends again at once, with the same model.
        """
        if self.snapshot is None:
            return
        self.snapshot.restore(trainer)
        with reading(self.snapshot.path, "checkpoint"):
            window, count = trainer.progress.window, trainer.updates_per_epoch(train)
            if window > min(count, trainer.progress.updates):
                raise DataError(f"the entry progress.window is {window}, and an epoch has {count} windows.")
        p = trainer.progress
        at_limit = p.epoch > trainer.epochs or (trainer.max_updates is not None and p.updates >= trainer.max_updates)
        if (
            p.stopped.endswith(" done") and not at_limit
        ):  # the trainer's reason when a limit is reached; a schedule's reasons end otherwise
            p.stopped = ""

    def train_and_save(self, trainer: Loop, model: Model, train: Callable[[], str]) -> str:
        """Call `train`, write the model and return why training ended ("interrupted" after Ctrl-C).

        TrainingError when a loss is not finite; the best epoch's model is written then too.
        """
        checkpoint = trainer.checkpoint
        if self.snapshot is None and checkpoint is not None:
            checkpoint.remove()  # of a run to this output that has ended, and is replaced
        try:
            with np.errstate(all="ignore"):  # the trainer stops at a loss that is not finite and says what to try
                reason = train()
        except TrainingError as error:
            best = trainer.progress.best_epoch
            if checkpoint is not None:
                checkpoint.remove()  # resumed, it would only fail again at the same place
            if self.output is None or not best:
                raise
            model.save(self.output)
            raise TrainingError(f"{error} The best epoch, {best}, is in {self.output}.") from error
        if self.output is not None:
            model.save(self.output)
        return reason
