"""`rnnlm check`: whether all computations are right on this machine."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

import click

from .. import __version__, ops
from ..machine import MachineOptions
from .console import is_terminal, paint, result, result_json, table
from .machine import choose, machine_options
from .options import json_option
from .progress import compiling_line
from .words import in_words_of

if TYPE_CHECKING:
    from ..checks.ahead import Ahead
    from ..checks.finding import Finding
    from ..ops.device import Device


@click.command()
@machine_options
@json_option
def command(machine: MachineOptions, as_json: bool) -> int:
    """Whether everything computes right here, on the GPU of --device too; exit status 1 if anything does not.

    Gradients of every layer against automatic differentiation and against differences, probabilities that sum to one,
    a batch of streams against each alone, models saved and loaded, and every backend against plain NumPy. The figures
    are the largest errors.
    """
    where = choose(machine)
    from ..checks.ahead import Ahead
    from ..checks.check import run

    began = time.monotonic()
    running = run(str(where))
    environment = _environment(where) | {"backend": ops.backend().description}
    with Ahead() as ahead:
        _when_compiling(ahead)
        if as_json:
            findings = list(running)
        else:
            result(", ".join(f"{name} {value}" for name, value in environment.items()))
            result("largest errors in float64 and float32, as shares of the largest number:")
            findings = _tables(running)
    seconds = time.monotonic() - began
    checked = sum(finding.error is not None for finding in findings)
    failed = [finding for finding in findings if not finding.passed]
    if as_json:
        about = {"passed": not failed, "checked": checked, "failed": len(failed), "seconds": round(seconds, 1)}
        result_json({**about, **environment, "findings": [asdict(finding) for finding in findings]})
    elif failed:
        result("\n" + paint("\n".join(_report(failed)), "red", sys.stdout))
        result(f"\n{len(failed)} of {checked:,} checks FAILED in {seconds:.0f} s. Please report all of this output.")
    else:
        result(paint(f"\nall {checked:,} checks passed in {seconds:.0f} s", "green", sys.stdout))
    return 1 if failed else 0


def _when_compiling(ahead: Ahead) -> None:
    """Let a second process help to compile, in both precisions; at a terminal a message says so, once."""
    tell = compiling_line("a minute")

    def begin() -> None:
        if is_terminal(sys.stderr):
            tell()
        ahead.begin()

    ops.tell_when_compiling(begin)


def _tables(findings: Iterator[Finding]) -> list[Finding]:
    """Print a table for each section as soon as it is complete, and return all findings."""
    done = []
    for (section, machine), group in groupby(findings, lambda finding: (finding.section, finding.machine)):
        rows = list(group)
        done += rows
        if machine:
            result("\n" + _table(f"{section} on {machine}", rows))
        else:
            said = "\n".join(f"{section}: {finding.what}, {finding.note}" for finding in rows)
            notes = in_words_of(click.get_current_context().command, said)
            result("\n" + paint(notes, "yellow", sys.stdout))
    return done


def _table(title: str, findings: Sequence[Finding]) -> str:
    """A line for each thing that was checked, with the largest error that each judge found in any of its variants."""
    judges = list(dict.fromkeys(finding.judge for finding in findings if finding.judge))
    rows = [[title, *judges, ""]]
    for what in dict.fromkeys(finding.what for finding in findings):
        variants = [finding for finding in findings if finding.what == what]
        passed = all(finding.passed for finding in variants)
        rows.append([what, *(_errors(variants, judge) for judge in judges), "ok" if passed else "FAILED"])
    head, *lines = table(rows).splitlines()
    return "\n".join([head, *(_painted(line) for line in lines)])


def _errors(findings: Sequence[Finding], judge: str) -> str:
    """The largest error that a judge found in each precision, as a cell of the table."""
    errors: dict[str, float] = {}
    for finding in findings:
        if finding.judge == judge and finding.error is not None:
            errors[finding.precision] = max(finding.error, errors.get(finding.precision, 0.0))
    return " ".join(f"{error:.0e}" if error else "0" for error in errors.values()) or "-"


def _painted(line: str) -> str:
    """A line of the table in its colours: "ok" green, a line that failed red."""
    if line.endswith("ok"):
        return line[:-2] + paint("ok", "green", sys.stdout)
    return paint(line, "red", sys.stdout, attrs=["bold"])


def _report(failed: Sequence[Finding]) -> Iterator[str]:
    """A line for each thing that failed on a machine in a precision."""
    for about, group in groupby(failed, lambda f: (f.what, f.variant, f.machine, f.precision)):
        what, variant, machine, precision = about
        errors = "; ".join(
            f"{f.judge}, error {f.error:.1e}{f' at {f.note}' if f.note else ''}, allowed {f.allowed:.0e}"
            if f.judge
            else f.note
            for f in group
        )
        yield f"FAILED {what}{f' ({variant})' if variant else ''} on {machine} in {precision}: {errors}"


def _environment(where: Device) -> dict[str, str]:
    """The versions, the system and the GPU, for a report."""
    environment = {"rnnlm": __version__, "Python": platform.python_version()}
    for name, module in (("NumPy", "numpy"), ("Numba", "numba"), ("CuPy", "cupy")):
        if module in sys.modules:
            environment[name] = getattr(sys.modules[module], "__version__", "?")
    environment["system"] = f"{platform.system()} {platform.machine()}"
    return environment if where.name == "cpu" else environment | {"GPU": where.description}
