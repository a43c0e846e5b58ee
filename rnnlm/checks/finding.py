"""What a check is, what it finds, and how far two results may be apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .machines import Machine

# What a result is compared with -> the error that is allowed in (float64, float32), as a share of the largest number of
# the array. Rounding causes about 1e-15 and 1e-6. The limits are higher, since compilers and processors differ; a wrong
# sign, factor or index causes far larger errors. gradients.py explains the limit of `differences`; a loaded model must
# be equal to the bit.
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
FLOOR = 1e-3  # errors of arrays with smaller numbers are divided by this, since those may be nothing but rounding

Measured = Mapping[str, tuple[float, str]]  # compared with -> the error, and the array that has the largest one


class Check(NamedTuple):
    """One thing that can be checked on a machine in a precision.

    `section`  the heading under which it is reported
    `what`     the name of the layer, model or optimizer
    `variant`  which of several variants of it, "" for the only one
    `measure`  (machine, precision) -> errors, and the array with the largest one, by what is compared with
    `on_gpu`   whether it works on CuPy arrays
    """

    section: str
    what: str
    variant: str
    measure: Callable[[Machine, str], Measured]
    on_gpu: bool = True


@dataclass(frozen=True)
class Finding:
    """The result of one comparison on one machine in one precision.

    `section`, `what` and `variant` are those of the `Check`. `judge` names what it was compared with, a key of
    `ALLOWED`; `error` is the largest error, as a share of the largest number of its array, and `allowed` its limit.
    `error` is None where nothing was checked, and nan where the check raised an error; `note` says why, or names the
    array with the largest error.
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
        """Whether the error is within its limit; True where nothing was checked."""
        return self.error is None or self.error <= self.allowed  # False for nan


def findings(check: Check, machine: Machine, precision: str) -> list[Finding]:
    """Return the findings of a check on a machine; an error that it raises becomes a finding too."""
    about = check.section, check.what, check.variant, machine.name, precision
    try:
        with machine.working():
            measured = check.measure(machine, precision)
    except Exception as error:
        return [Finding(*about, "", float("nan"), note=f"{type(error).__name__}: {' '.join(str(error).split())}")]
    place = ("float64", "float32").index(precision)
    return [Finding(*about, judge, error, ALLOWED[judge][place], note) for judge, (error, note) in measured.items()]


def furthest(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[float, str]:
    """Return the largest `distance` between two arrays of the same name, and that name."""
    return worst({name: distance(ours[name], theirs[name]) for name in theirs})


def worst(errors: Mapping[str, float]) -> tuple[float, str]:
    """Return the largest error and its name; nan is larger than any."""
    name = max(errors, key=lambda name: (np.isnan(errors[name]), errors[name]))
    return errors[name], name


def distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return max |ours - theirs| / max(max |theirs|, FLOOR), inf for arrays of different shapes."""
    if np.shape(ours) != np.shape(theirs):
        return float("inf")
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    return float(np.abs(ours - theirs).max(initial=0) / max(np.abs(theirs).max(initial=0), FLOOR))
