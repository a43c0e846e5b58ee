"""Runs in processes of their own, side by side: JSON goes in, messages come out."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .interrupt import CtrlC

INTERRUPTED = 130  # exit status after Ctrl-C: a script must not go on with half a model
_LAST = 20  # lines of a process's standard error that are kept

Line = tuple[int, dict[str, Any] | None]  # of a process, by its number; None: it has ended


@dataclass
class Worker:
    """A process that runs: what it was last heard to say on standard error, and how it ended.

    `status` is its exit status (negative: the signal that killed it), None while it runs.
    """

    process: subprocess.Popen[str]
    spoken: bool = False
    errors: list[str] = field(default_factory=list)
    status: int | None = None


def side_by_side(
    requests: Mapping[int, dict[str, Any]],
    at_once: int,
    tell: Callable[[int, dict[str, Any]], None],
    threads: int,
) -> dict[int, Worker]:
    """Hand each request to a process of its own (`training.worker`), `at_once` of them at a time.

    `tell` is called with a request's number and each message that its process says, as JSON. Each has so many
    `threads`. The first Ctrl-C is passed on to all and no further one is started; the second kills them. Requests that
    were never handed out are not in the result.
    """
    lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
    waiting = list(requests)
    running: dict[int, Worker] = {}
    ended: dict[int, Worker] = {}
    passed_on = False
    with CtrlC() as ctrl_c:
        try:
            while running or (waiting and not ctrl_c.pressed):
                while waiting and len(running) < at_once and not ctrl_c.pressed:
                    number = waiting.pop(0)
                    running[number] = _start(number, requests[number], threads, lines)
                if ctrl_c.pressed and not passed_on:
                    passed_on = True
                    for worker in running.values():
                        _interrupt(worker)
                try:
                    number, message = lines.get(timeout=0.1)
                except queue.Empty:
                    continue
                if message is None:
                    worker = ended[number] = running.pop(number)
                    status = worker.process.wait()
                    worker.status = INTERRUPTED if passed_on and status else status
                else:
                    running[number].spoken = True
                    tell(number, message)
        finally:
            for worker in running.values():
                worker.process.kill()
                worker.process.wait()
    return ended


def _start(number: int, request: dict[str, Any], threads: int, lines: queue.SimpleQueue[Line]) -> Worker:
    package = str(Path(__file__).parents[2])  # so that the process finds this rnnlm, installed or not
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "rnnlm.training.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "RNNLM_THREADS": str(threads)},
        encoding="utf-8",
        errors="replace",
        # A terminal's Ctrl-C would reach it as well as us, and two of them mean "at once".
        process_group=0 if os.name == "posix" else None,
    )
    worker = Worker(process)
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write(json.dumps(request) + "\n")
    errors = threading.Thread(target=_read_errors, args=(worker,), daemon=True)
    errors.start()
    threading.Thread(target=_read_messages, args=(number, worker, errors, lines), daemon=True).start()
    return worker


def _read_messages(number: int, worker: Worker, errors: threading.Thread, lines: queue.SimpleQueue[Line]) -> None:
    assert worker.process.stdout is not None
    with worker.process.stdout as said:
        for line in said:
            if line.startswith("{"):  # anything else was written by code that is not ours
                lines.put((number, json.loads(line)))
    errors.join()
    lines.put((number, None))


def _read_errors(worker: Worker) -> None:
    assert worker.process.stderr is not None
    with worker.process.stderr as said:
        for line in said:
            worker.errors.append(line.rstrip())
            del worker.errors[:-_LAST]


def _interrupt(worker: Worker) -> None:
    """Ctrl-C for a process; one that has not said a word has nothing to save."""
    if not worker.spoken:
        worker.process.terminate()
    elif os.name == "posix":  # elsewhere the console has told it
        worker.process.send_signal(signal.SIGINT)
