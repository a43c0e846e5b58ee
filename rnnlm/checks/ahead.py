"""Compiling the kernels that the check needs in a second process, which starts from the other end of the list."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType

from .. import ops
from ..training.parent import end_with_parent
from .check import PRECISIONS, checks
from .finding import findings
from .machines import Machine


class Ahead:
    """A context manager whose `begin`, called when a kernel is about to be compiled, starts the second process once.

    Numba compiles on one core. The two processes share the compiled kernels on the disk, and each takes about half of
    the list. The second one reports nothing, and is ended with the context.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None

    def begin(self) -> None:
        """Start the second process, unless it runs already or this process has one core only."""
        if self._process is None and ops.cores() > 1:
            command = [sys.executable, "-c", "from rnnlm.checks.ahead import second_process; second_process()"]
            nothing = subprocess.DEVNULL
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=nothing, stderr=nothing)

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def second_process() -> None:
    """Compile, and end when the process does that holds the other end of standard input."""
    end_with_parent(0)
    compile_backwards()


def compile_backwards() -> None:
    """Run every check on the Numba backend, the last one first, so that its kernels are compiled."""
    machine = Machine("numba", 1)
    for check in reversed(checks()):
        for precision in reversed(PRECISIONS):
            findings(check, machine, precision)
