"""What is checked, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .machines import Machine

# Judge -> how far off a result may be in (float64, float32), as a share of the largest number of its array. Rounding
# leaves about 1e-15 and 1e-6; the room above it is for other compilers and processors, and a wrong sign, factor or
# index is further off by far. gradients.py says what `differences` can see; what is loaded from a file is the same.
ALLOWED = {
    "autograd": (1e-10, 1e-4),
    "differences": (1e-6, 1e-4),
    "NumPy": (1e-10, 1e-4),
    "Σ P = 1": (1e-12, 1e-5),
    "scores": (1e-10, 1e-4),
    "draws": (1e-10, 1e-4),
    "alone": (1e-10, 1e-4),
    "file": (0.0, 0.0),
}
FLOOR = 1e-3  # arrays whose numbers are all smaller are measured against this: they may be nothing but rounding

Measured = Mapping[str, tuple[float, str]]  # judge -> the error, and the array in which it is the largest


class Check(NamedTuple):
    """One thing that can be measured on a machine in a precision."""

    section: str
    what: str  # the layer, model or rule
    variant: str  # which of several such
    measure: Callable[[Machine, str], Measured]
    on_gpu: bool = True


@dataclass(frozen=True)
class Finding:
    """How far something is from what its judge says, on one machine, in one precision.

    `error` is None where nothing was checked, and `note` says why; where a check could not end, it is nan.
    """

    section: str
    what: str
    variant: str = ""
    machine: str = ""
    precision: str = ""
    judge: str = ""
    error: float | None = None
    allowed: float = 0.0
    note: str = ""

    @property
    def passed(self) -> bool:
        return self.error is None or self.error <= self.allowed  # nan is not


def findings(check: Check, machine: Machine, precision: str) -> list[Finding]:
    """What a check measures; whatever it raises is a finding too."""
    about = check.section, check.what, check.variant, machine.name, precision
    try:
        with machine.working():
            measured = check.measure(machine, precision)
    except Exception as error:
        return [Finding(*about, "", float("nan"), note=f"{type(error).__name__}: {' '.join(str(error).split())}")]
    place = ("float64", "float32").index(precision)
    return [Finding(*about, judge, error, ALLOWED[judge][place], note) for judge, (error, note) in measured.items()]


def furthest(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[float, str]:
    """The largest `distance` between arrays of the same name, and that name."""
    return worst({name: distance(ours[name], theirs[name]) for name in theirs})


def worst(errors: Mapping[str, float]) -> tuple[float, str]:
    """The largest error and its name; nan is larger than any."""
    name = max(errors, key=lambda name: (np.isnan(errors[name]), errors[name]))
    return errors[name], name


def distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference as a share of the largest number, inf for another shape."""
    if np.shape(ours) != np.shape(theirs):
        return float("inf")
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    return float(np.abs(ours - theirs).max(initial=0) / max(np.abs(theirs).max(initial=0), FLOOR))
