"""Commands in processes of their own, side by side."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .interrupt import CtrlC

INTERRUPTED = 130  # exit status after Ctrl-C: a script must not go on with half a model


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status (negative: the signal that killed it), and the last line that it said."""

    status: int
    last: str


def side_by_side(
    commands: Mapping[int, Sequence[str]], at_once: int, tell: Callable[[int, str], None], threads: int
) -> dict[int, Ended]:
    """Run `rnnlm` with each list of arguments in a process of its own, `at_once` of them at a time.

    `tell` is called with a command's number and each line of its talk (standard error); what it writes to standard
    output is dropped. Each has so many `threads`. The first Ctrl-C is passed on to all and no further one is started;
    the second kills them. Commands that were never started are not in the result.
    """
    lines: queue.SimpleQueue[tuple[int, str | None]] = queue.SimpleQueue()
    waiting = list(commands)
    running: dict[int, subprocess.Popen[str]] = {}
    ended: dict[int, Ended] = {}
    last: dict[int, str] = {}
    passed_on = False
    with CtrlC() as ctrl_c:
        try:
            while running or (waiting and not ctrl_c.pressed):
                while waiting and len(running) < at_once and not ctrl_c.pressed:
                    number = waiting.pop(0)
                    running[number] = _start(number, commands[number], threads, lines)
                if ctrl_c.pressed and not passed_on:
                    passed_on = True
                    for number, process in running.items():
                        _interrupt(process, spoken=number in last)
                try:
                    number, line = lines.get(timeout=0.1)
                except queue.Empty:
                    continue
                if line is None:
                    status = running.pop(number).wait()
                    ended[number] = Ended(INTERRUPTED if passed_on and status else status, last.get(number, ""))
                else:
                    last[number] = line
                    tell(number, line)
        finally:
            for process in running.values():
                process.kill()
                process.wait()
    return ended


def _start(
    number: int, arguments: Sequence[str], threads: int, lines: queue.SimpleQueue[tuple[int, str | None]]
) -> subprocess.Popen[str]:
    package = str(Path(__file__).parents[2])  # so that the process finds this rnnlm, installed or not
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "rnnlm", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "RNNLM_THREADS": str(threads)},
        encoding="utf-8",
        errors="replace",
        # A terminal's Ctrl-C would reach it as well as us, and two of them mean "at once".
        process_group=0 if os.name == "posix" else None,
    )

    def read() -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                lines.put((number, line.rstrip()))
        lines.put((number, None))

    threading.Thread(target=read, daemon=True).start()
    return process


def _interrupt(process: subprocess.Popen[str], spoken: bool) -> None:
    """Ctrl-C for a process; one that has not said a word has nothing to save."""
    if not spoken:
        process.terminate()
    elif os.name == "posix":  # elsewhere the console has told it
        process.send_signal(signal.SIGINT)
