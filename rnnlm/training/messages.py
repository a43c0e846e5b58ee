"""The messages of a run: values from which lines for a person are made, and which go to other processes as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from .events import Epoch
from .run import Run


@dataclass(frozen=True)
class Began:
    """The run is set up, and training begins.

    `held_out` says which parts of the text were held out; `epoch` and `updates` are where a resumed run goes on.
    """

    what: ClassVar[str] = "began"
    held_out: str
    resume: bool  # whether the settings ask to resume
    resumed: bool  # whether there was a checkpoint to resume from
    epoch: int
    updates: int
    kind: str
    tokens: int
    words: int
    tokenizer: str
    units: str
    output: str
    weights: int
    device: str

    @classmethod
    def of(cls, run: Run) -> Began:
        """The message for a run, before its first update."""
        model, progress = run.model, run.trainer.progress
        return cls(
            held_out=run.data.held_out_note,
            resume=run.settings.resume,
            resumed=run.resumed,
            epoch=progress.epoch,
            updates=progress.updates,
            kind=model.kind,
            tokens=len(run.data.train),
            words=len(model.vocabulary),
            tokenizer=model.tokenizer,
            units=f"{model.config['hidden']} {model.config.get('activation', 'hidden')} units",
            output=model.output.description,
            weights=sum(param.value.size for param in model.params.values()),
            device=run.device.description,
        )


@dataclass(frozen=True)
class EpochEnded:
    """An epoch is over; `seconds` and `speed` are those of a `Stopwatch`."""

    what: ClassVar[str] = "epoch"
    epoch: Epoch
    seconds: float
    speed: float | None


@dataclass(frozen=True)
class Ended:
    """Training is over. `reason` is "interrupted" after Ctrl-C; `best_epoch` is 0 where no epoch was completed."""

    what: ClassVar[str] = "ended"
    reason: str
    best_epoch: int


@dataclass(frozen=True)
class Failed:
    """The run failed: the name of the error's class, and its message."""

    what: ClassVar[str] = "failed"
    error: str
    message: str


@dataclass(frozen=True)
class Note:
    """Something that a person should know: a warning, or (`compiling`) that kernels are being compiled."""

    what: ClassVar[str] = "note"
    text: str
    compiling: bool = False


Message = Began | EpochEnded | Ended | Failed | Note
_KINDS: dict[str, Any] = {kind.what: kind for kind in (Began, EpochEnded, Ended, Failed, Note)}


def to_json(message: Message) -> dict[str, Any]:
    """The message as a dictionary that JSON can hold."""
    return {"what": message.what, **asdict(message)}


def from_json(values: dict[str, Any]) -> Message:
    """The message from what `to_json` returned. KeyError or TypeError for anything else."""
    values = dict(values)
    kind = _KINDS[values.pop("what")]
    if kind is EpochEnded:
        values["epoch"] = Epoch(**values["epoch"])
    return kind(**values)
