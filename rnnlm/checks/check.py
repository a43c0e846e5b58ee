"""The self-check of `rnnlm check`: whether everything is computed correctly on this machine."""

from __future__ import annotations

from collections.abc import Container, Iterator

from .. import ops
from ..errors import UsageError
from ..ops.device import use
from ..ops.no_gpu import NO_CUPY, has_cupy
from . import gradients, models, optimizers, outputs
from .finding import Check, Finding, findings
from .machines import Machine, why_no_numba

PRECISIONS = ("float64", "float32")
UNCHECKED = "not checked"  # the section of the findings about what was not checked


def run(device: str = "cpu", *, only: Container[str] | None = None) -> Iterator[Finding]:
    """Check every layer, loss, output layer, kind of model and optimizer, in both precisions.

    Compared are gradients with those of autograd, for a second statement of each formula, and with differences; sums
    of distributions with 1; a batch of streams with each stream alone; models with those read from their files; and
    every backend with the plain array code on NumPy. The check uses the backend that `ops.use` chose, and with device
    "gpu" or "gpu:1" CuPy arrays too. `only` holds the names, as in `Finding.what`, of what to check. Yields findings;
    the last ones have no error and say what was not checked. Raises UsageError for another device, for a GPU that
    cannot be used, or where the precision of the GPU is set to one that rounds products.
    """
    chosen = ops.backend()
    machines = [Machine(chosen.name, chosen.threads)]
    if use(device).name == "gpu":
        if ops.precision() != ops.PRECISIONS[0]:
            raise UsageError(
                f"precision {ops.precision()} rounds products on purpose, and what is checked is exact. Give "
                f'precision="{ops.PRECISIONS[0]}".'
            )
        machines.append(Machine("cupy"))
    return _run(machines, only)


def _run(machines: list[Machine], only: Container[str] | None) -> Iterator[Finding]:
    selected = [check for check in checks() if only is None or check.what in only]
    for machine in machines:
        for check in selected:
            if check.on_gpu or machine.name != "cupy":
                for precision in PRECISIONS:
                    yield from findings(check, machine, precision)
    names = [machine.name for machine in machines]
    if "numba" not in names:
        yield Finding(UNCHECKED, "Numba", note=why_no_numba() or "the backend is numpy")
    host_only = ", ".join(dict.fromkeys(check.what for check in selected if not check.on_gpu))
    if "cupy" in names and host_only:
        yield Finding(UNCHECKED, f"on the GPU {host_only}", note="these work on NumPy arrays only")
    elif "cupy" not in names:
        yield Finding(UNCHECKED, "the GPU", note="give device=gpu" if has_cupy() else f"it {NO_CUPY}")


def checks() -> list[Check]:
    """Return all checks, in the order in which they are reported."""
    return [*gradients.checks(), *outputs.checks(), *models.checks(), *optimizers.checks()]
