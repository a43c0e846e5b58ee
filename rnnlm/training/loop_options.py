"""The keywords that every trainer takes, and what is allowed for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

from ..errors import UsageError
from ..layers import Param
from ..optim.schedules import Schedule
from .checkpoint import Checkpoint
from .events import Observer

Exchange = Callable[[Mapping[str, Param]], None]


class LoopOptions(TypedDict, total=False):
    """The keywords that every trainer takes; they are explained in `Loop`."""

    clip: float | None
    clip_by: str
    schedule: Schedule | None
    warmup: int
    epochs: int
    max_updates: int | None
    seed: int
    exchange: Exchange | None
    checkpoint: Checkpoint | None
    observers: Sequence[Observer]


def at_least_one(**values: int | None) -> None:
    """UsageError for a count below 1; None stands for no limit."""
    for name, value in values.items():
        if value is not None and value < 1:
            raise UsageError(f"{name}={value} is too small. Give {name} >= 1.")


def check_clip_and_warmup(clip: float | None, clip_by: str, warmup: int) -> None:
    """UsageError for values out of range."""
    if warmup < 0:
        raise UsageError(f"warmup={warmup} is not possible. Give a whole number of updates >= 0.")
    if clip is not None and not 0 < clip < math.inf:
        raise UsageError(f"clip={clip} is not possible. Give a positive number, or none for no clipping.")
    if clip_by not in ("norm", "value"):
        raise UsageError(f"clip_by={clip_by!r} is not known. Give norm or value.")
