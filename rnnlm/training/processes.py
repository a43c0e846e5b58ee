"""Runs in processes of their own, several at a time: a request goes in as JSON, messages come out as JSON."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .interrupt import CtrlC
from .messages import Began, Note, to_json

INTERRUPTED = 130  # exit status after Ctrl-C, so that a script does not go on with half a model
_KEPT_LINES = 20  # of a process's standard error

Line = tuple[int, dict[str, Any] | None]  # the number of a process and its message; None when it has ended


@dataclass
class Worker:
    """A process that trains: whether its training has begun, its last lines on standard error, and how it ended.

    `status` is its exit status (negative: the signal that killed it), None while it runs.
    """

    process: subprocess.Popen[str]
    has_begun: bool = False
    errors: list[str] = field(default_factory=list)
    status: int | None = None


def run_in_processes(
    requests: Mapping[int, dict[str, Any]],
    jobs: int,
    on_message: Callable[[int, dict[str, Any]], None],
    threads: int,
) -> dict[int, Worker]:
    """Carry out each request in a process of its own (`training.worker`), `jobs` of them at a time.

    `on_message` is called with a request's number and each message of its process, as JSON. Each process has so many
    `threads`. The first Ctrl-C is passed on to all of them and no further one is started; the second kills them.
    Requests that were never started are not in the result.
    """
    lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
    waiting = list(requests)
    running: dict[int, Worker] = {}
    ended: dict[int, Worker] = {}
    interrupted = False
    with CtrlC() as ctrl_c:
        try:
            while running or (waiting and not ctrl_c.pressed):
                while waiting and len(running) < jobs and not ctrl_c.pressed:
                    number = waiting.pop(0)
                    running[number] = _start(number, requests[number], threads, lines)
                if ctrl_c.pressed and not interrupted:
                    interrupted = True
                    for worker in running.values():
                        _interrupt(worker)
                try:
                    number, message = lines.get(timeout=0.1)
                except queue.Empty:
                    continue
                if message is None:
                    worker = ended[number] = running.pop(number)
                    status = _wait(worker)
                    worker.status = INTERRUPTED if interrupted and status else status
                else:
                    running[number].has_begun |= message.get("what") == Began.what
                    on_message(number, message)
        finally:
            for worker in running.values():
                worker.process.kill()
                _wait(worker)
    return ended


def _wait(worker: Worker) -> int:
    """The exit status of a process that has ended or is about to."""
    status = worker.process.wait()
    if worker.process.stdin is not None:
        with suppress(OSError):  # what it had no more time to read
            worker.process.stdin.close()
    return status


def _start(number: int, request: dict[str, Any], threads: int, lines: queue.SimpleQueue[Line]) -> Worker:
    """Start a process for the request, and two threads that read what it writes."""
    package = str(Path(__file__).parents[2])  # so that the process finds this rnnlm, installed or not
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "rnnlm.training.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment() | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "RNNLM_THREADS": str(threads)},
        encoding="utf-8",
        errors="replace",
        # In our own group it would get a terminal's Ctrl-C from the terminal and from us, and the second one kills.
        process_group=0 if os.name == "posix" else None,
    )
    worker = Worker(process)
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has ended already, and its standard error says why
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()  # and not closed: it ends when we do
    errors = threading.Thread(target=_read_errors, args=(number, worker, lines), daemon=True)
    errors.start()
    threading.Thread(target=_read_messages, args=(number, worker, errors, lines), daemon=True).start()
    return worker


def _environment() -> dict[str, str]:
    """Return our environment without PYTHONWARNINGS: a warning that became an error would end the run."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}


def _read_messages(number: int, worker: Worker, errors: threading.Thread, lines: queue.SimpleQueue[Line]) -> None:
    """Put each message of the process into the queue, and None when it has ended."""
    assert worker.process.stdout is not None
    try:
        with worker.process.stdout as output:
            for line in output:
                lines.put((number, json.loads(line)))
        errors.join()
    finally:
        lines.put((number, None))


def _read_errors(number: int, worker: Worker, lines: queue.SimpleQueue[Line]) -> None:
    """Put each line of the process's standard error into the queue as a note, and keep the last ones."""
    assert worker.process.stderr is not None
    with worker.process.stderr as output:
        for line in output:
            worker.errors.append(line.rstrip())
            del worker.errors[:-_KEPT_LINES]
            lines.put((number, to_json(Note(line.rstrip()))))


def _interrupt(worker: Worker) -> None:
    """Pass Ctrl-C on to a process; one whose training has not begun yet has nothing to save, and is ended."""
    if not worker.has_begun:
        worker.process.terminate()
    elif os.name == "posix":  # on Windows the console has passed it on already
        worker.process.send_signal(signal.SIGINT)
