"""The ways in which tools/kill.py ends a process: at a moment, at a call, at a size of a file, at a full disk."""

from __future__ import annotations

import builtins
import io
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
CALLS = ("replace", "rename", "fsync", "unlink", "remove", "mkdir", "rmdir", "chmod", "open", "write", "truncate")


@dataclass(frozen=True)
class Way:
    """A way to end a process.

    `name`    moment: `amount` seconds after its start, the signal `number`;
              call: before (`number` 0) or after (1) its call `amount` of those that write, SIGKILL;
              size: when a new file has `amount` bytes, SIGKILL;
              limit: no file may become longer than `amount` bytes, so that writing fails as on a full disk
    """

    name: str
    amount: float
    number: int = 0

    def __str__(self) -> str:
        if self.name == "moment":
            return f"{signal.Signals(self.number).name} after {self.amount:.3f} s"
        if self.name == "call":
            return f"SIGKILL {'after' if self.number else 'before'} call {self.amount:.0f}"
        return f"{'SIGKILL' if self.name == 'size' else 'an error'} at {self.amount:.0f} bytes"


def count_calls(stop: int | None, after: bool) -> list[int]:
    """Count this process's calls that write from now on; at call number `stop` it kills itself.

    Returns a list of one number, which grows. What compiled code of a library writes is not seen.
    """
    count = [0]

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def call_and_count(*arguments: Any, **keywords: Any) -> Any:
            count[0] += 1
            number = count[0]
            if number == stop and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            value = call(*arguments, **keywords)
            if number == stop:
                os.kill(os.getpid(), signal.SIGKILL)
            return value

        return call_and_count

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    real = builtins.open

    def counted_open(file: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
        opener = counted(real) if set(mode) & set("wax+") else real
        return opener(file, mode, *arguments, **keywords)

    builtins.open = io.open = counted_open
    return count


def limit_files(size: int) -> None:
    """Let this process write no file longer than `size` bytes; it gets an error, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def end(way: Way, pid: int, folder: Path, known: set[str], longest: float) -> int:
    """Wait for the moment, end the process, and return its status as of os.waitpid; `longest` seconds at most.

    `known` are the names in the folder before the process started.
    """
    start, sent = time.monotonic(), False
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        passed = time.monotonic() - start
        if done:
            return status
        if way.name == "moment" and passed >= way.amount and not sent:
            os.kill(pid, way.number)
            sent = True
        if way.name == "size" and _largest_new(folder, known) >= way.amount:
            os.kill(pid, signal.SIGKILL)
        if passed > longest:
            os.kill(pid, signal.SIGKILL)
        if way.name != "size":
            time.sleep(0.001)


def _largest_new(folder: Path, known: set[str]) -> int:
    """The size of the largest file in the folder and in its cache's drafts whose name was not there before; or -1."""
    sizes = [-1]
    try:
        for entry in os.scandir(folder):
            if entry.name not in known and entry.is_file():
                sizes.append(entry.stat().st_size)
    except OSError:  # renamed or removed meanwhile
        pass
    return max(sizes)


def survivors(session: int, seconds: float = 5.0) -> list[str]:
    """The processes of a session that are still there after some seconds, each by its command line; they are killed."""
    deadline = time.monotonic() + seconds
    while found := _members(session):
        if time.monotonic() > deadline:
            commands = []
            for pid in found:
                try:
                    commands.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    continue
            return commands
        time.sleep(0.02)
    return []


def _members(session: int) -> list[int]:
    """The processes of a session that have not ended, where the system has /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in "ZX":
            found.append(int(entry.parent.name))
    return found
