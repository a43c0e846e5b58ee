"""The processes of tools/fuzz.py, forked from one that has loaded everything: limits, and what became of each case."""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fuzz_trials import Result

SECONDS, SECONDS_ON_THE_CLOCK = 5, 30
MEMORY = 2 << 30
OWN_FAULT = 70  # the exit status of a process in which the tool itself failed
CHUNK = 40  # cases that one process tries, in a folder of its own


@dataclass
class Child:
    """A process that tries cases: those that are left, the one that it tries, and since when."""

    pid: int
    pipe: int
    errors: Path
    left: list[int]
    folder: Path
    current: int | None = None
    since: float = 0.0
    buffer: bytes = b""


def results(
    try_case: Callable[[int], Result], enter: Callable[[Path], None], numbers: list[int], jobs: int
) -> Iterator[tuple[int, Result]]:
    """Try the cases with these numbers in so many forked processes at a time, each for a chunk of them.

    A process calls `enter` with a folder that it is to make its working directory, then `try_case` with each number. A
    case in which it dies, or takes too long, has a result too, and another process goes on with what is left.
    """
    chunks = [numbers[place : place + CHUNK] for place in range(0, len(numbers), CHUNK)][::-1]
    children: dict[int, Child] = {}
    while chunks or children:
        while chunks and len(children) < jobs:
            child = _start(try_case, enter, chunks.pop())
            children[child.pipe] = child
        ready, _, _ = select.select(list(children), [], [], 0.5)
        for pipe in ready:
            child = children[pipe]
            block = os.read(pipe, 1 << 16)
            child.buffer += block
            *lines, child.buffer = child.buffer.split(b"\n")
            for line in lines:
                number, outcome, reason = json.loads(line)
                if outcome == "begin":
                    child.current, child.since = number, time.monotonic()
                else:
                    child.left.remove(number)
                    child.current = None
                    yield number, Result(outcome, reason)
            if not block:
                del children[pipe]
                yield from _ended(child)
                if child.left:
                    chunks.append(child.left)
        for child in children.values():
            if child.current is not None and time.monotonic() - child.since > SECONDS_ON_THE_CLOCK:
                os.kill(child.pid, signal.SIGKILL)


def _ended(child: Child) -> Iterator[tuple[int, Result]]:
    """What became of the case that a process was trying when it ended."""
    _, status = os.waitpid(child.pid, 0)
    os.close(child.pipe)
    if child.current is not None:
        number, seconds = child.current, time.monotonic() - child.since
        child.left.remove(number)
        died = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        errors = child.errors.read_text(errors="replace") if child.errors.exists() else ""
        frames = [line.strip() for line in errors.splitlines() if "/rnnlm/" in line][:2]
        if died == signal.SIGXCPU or (died == signal.SIGKILL and seconds > SECONDS_ON_THE_CLOCK):
            yield number, Result("time", f"over {seconds:.0f} s {' '.join(frames)}")
        else:
            if not died and os.WEXITSTATUS(status) == OWN_FAULT:
                raise RuntimeError(f"case {number}: a mistake in this tool: {errors[-2000:]}")
            name = signal.Signals(died).name if died else f"exit status {os.WEXITSTATUS(status)}"
            yield number, Result("signal", f"died of {name} {' '.join(frames) if died else errors[-300:]}")
    elif child.left and status:
        raise RuntimeError(f"a process of the pool ended with status {status}: {child.errors.read_text()[-2000:]}")
    shutil.rmtree(child.folder, ignore_errors=True)


def _start(try_case: Callable[[int], Result], enter: Callable[[Path], None], numbers: list[int]) -> Child:
    """Fork a process that tries the cases in a new folder, and says before and after each which one it is."""
    folder = Path(tempfile.mkdtemp(prefix="rnnlm-fuzz-"))
    errors = folder / "stderr"
    reading, writing = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Child(pid, reading, errors, list(numbers), folder)
    try:
        os.close(reading)
        descriptor = os.open(errors, os.O_WRONLY | os.O_CREAT)
        os.dup2(descriptor, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        faulthandler.enable(open(2, "w", closefd=False))  # noqa: SIM115  it lives as long as the process
        enter(folder / "files")
        for number in numbers:
            os.write(writing, json.dumps([number, "begin", ""]).encode() + b"\n")
            _limit()
            result = try_case(number)
            os.write(writing, json.dumps([number, result.outcome, result.reason[:600]]).encode() + b"\n")
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(OWN_FAULT)


def _limit() -> None:
    """Limit what this process may use from now on: for one case."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + 1) + SECONDS, resource.RLIM_INFINITY))
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    if pages:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))
