"""Whether the GPU computes what the host computes: every kernel, whole trainings, files; in one run on the GPU.

    python tools/gpu_check.py                   everything, with other random numbers and sizes in every run
    python tools/gpu_check.py --seed 7          those of a run before
    python tools/gpu_check.py --quick           without the large sizes
    python tools/gpu_check.py --only elman_forward --only training    some operations or sections
    python tools/gpu_check.py --json            one JSON object, for programs

    operations  everything that the backend for CuPy arrays does in its own way, forward and backward, against plain
                NumPy in float64 on the same numbers; sizes that are small, that are random and odd, and that occur.
                New arrays hold NaN before a kernel writes them; what is only read must stay as it is; a second call
                must give the same bits. `NumPy` is how far off plain NumPy is in the same precision.
    precision   what --precision tf32 and bf16 change, at sizes that occur
    training    ten losses of every kind of model beside the host's; a second run with the same seed, bit for bit; a
                model of either machine opened on the other
    counts      how often the host waits in a window of training, and how much it launches (tools/gpu_counts.py)

The error is |x - y| / |y| of whole arrays; what is no number never passes. The exit status is 1 where anything failed,
and 2 where there is no GPU.
"""

# ruff: noqa: E402 the checkout comes onto the path first
from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from gpu_check_operations import check_operations, check_precision
from gpu_check_training import Sizes, check_counts, check_training

from rnnlm.checks.finding import Finding
from rnnlm.checks.overrides import overridden
from rnnlm.cli.console import error_line, paint, result_json
from rnnlm.errors import UsageError
from rnnlm.models import MODELS
from rnnlm.ops import device

CHECKED_WITH_OTHERS = {"softmax_gradient", "update", "update_all"}  # by the checks of scores and of trainings


def findings(
    seed: int, only: list[str], quick: bool, sizes: Sizes | None = None, most: int | None = None
) -> Iterator[Finding]:
    """The findings of all checks, or of the sections, operations and kinds of models in `only`.

    Arguments with an array of more than `most` numbers are left out.

    UsageError for a name that is none of them.
    """
    from rnnlm.ops.cuda import CudaBackend

    cupy, sizes = importlib.import_module("cupy"), sizes or Sizes()
    ours = [name for name in overridden(CudaBackend) if name not in CHECKED_WITH_OTHERS]
    operations = [name for name in ours if name in only] or ours
    kinds = [name for name in MODELS if name in only] or list(MODELS)
    sections: dict[str, Callable[[], Iterator[Finding]]] = {
        "operations": lambda: check_operations(cupy, seed, operations, not quick, most),
        "precision": lambda: check_precision(cupy, seed, operations, not quick, most),
        "training": lambda: check_training(sizes, kinds),
        "counts": lambda: check_counts(sizes),
    }
    for name in only:
        if name not in (*sections, *ours, *MODELS):
            raise UsageError(f"--only {name} is not known. Give one of {', '.join((*sections, *ours, *MODELS))}.")
    wanted = {name for name in sections if name in only}
    wanted |= {"operations"} if {*ours} & {*only} and "precision" not in wanted else set()
    wanted |= {"training"} if {*MODELS} & {*only} else set()
    for name, check in sections.items():
        if name in wanted or not only:
            yield from check()


def tables(running: Iterator[Finding]) -> list[Finding]:
    """Print a table for each section, line by line as they are completed, and return all findings."""
    done: list[Finding] = []
    row: list[Finding] = []

    def end_row() -> None:
        if row:
            text = f"{row[0].what:34s}" + "".join(f"  {cell(finding)}" for finding in row)
            good = all(finding.passed for finding in row)
            print(
                f"{text}  {paint('ok', 'green', sys.stdout)}" if good else paint(f"{text}  FAILED", "red", sys.stdout)
            )
        row.clear()

    for finding in running:
        if row and (finding.section, finding.what) != (row[0].section, row[0].what):
            end_row()
        if not done or finding.section != done[-1].section:
            print(paint(f"\n{finding.section}", "cyan", sys.stdout), flush=True)
        row.append(finding)
        done.append(finding)
    end_row()
    return done


def cell(finding: Finding) -> str:
    """The text of one finding: what it was compared with, and the error."""
    error = finding.error or 0.0
    if finding.section == "counts":
        return f"{finding.judge} {error:g} ({finding.note})"
    if finding.judge == "other bits":
        return "other bits" if error else "same bits"
    return f"{finding.judge} {error:.1e}" if error else f"{finding.judge} 0"


def report(done: list[Finding], seconds: float, seed: int) -> None:
    """Print a line for each check that failed, and one for all."""
    failed = [finding for finding in done if not finding.passed]
    for f in failed:
        errors = f"error {f.error:.1e}, allowed {f.allowed:.0e}"
        text = f"FAILED {f.section}: {f.what}, {f.judge} in {f.precision}: {errors}{f'; {f.note}' if f.note else ''}"
        print(paint(text, "red", sys.stdout))
    verdict = f"{len(failed)} of {len(done)} checks FAILED" if failed else f"all {len(done)} checks passed"
    print(paint(f"\n{verdict} in {seconds:.0f} s (--seed {seed})", "red" if failed else "green", sys.stdout))


def main(argv: list[str] | None = None, **small: Any) -> int:
    """Run the command line and return its exit status; `small` are further arguments of `findings`, for tests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="of the random numbers; without it, another one in every run")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="a section, operation or model")
    parser.add_argument("--quick", action="store_true", help="without the large sizes")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    options = parser.parse_args(argv)
    seed = options.seed if options.seed is not None else time.time_ns() % 2**31
    try:
        where, began = device.use("gpu").description, time.monotonic()
        running = findings(seed, options.only, options.quick, **small)
        if not options.json:
            print(f"{where}, --seed {seed}")
        done = list(running) if options.json else tables(running)
    except UsageError as error:
        error_line(str(error))
        return 2
    passed = all(finding.passed for finding in done)
    if options.json:
        rows = [asdict(finding) | {"passed": finding.passed} for finding in done]
        result_json({"device": where, "seed": seed, "passed": passed, "findings": rows})
    else:
        report(done, time.monotonic() - began, seed)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
