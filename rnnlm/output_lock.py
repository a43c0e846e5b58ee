"""One process at a time writes to an output: a lock beside it, which ends with the process.

The lock is the operating system's, on a hidden file beside the output (m.rnnlm -> .m.rnnlm.rnnlm-lock) that also says
who has it. The file is removed with the lock; one that a killed process left behind holds nobody up, and the next run
to that output takes it over and removes it. Between computers that share a disk the lock holds as far as that disk
has locks.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
import time
import warnings
import weakref
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .errors import DataError
from .file_locks import try_lock
from .output_files import hidden_name, this_host

ENDING = ".rnnlm-lock"
_LONGEST = 10_000  # bytes of what a lock file says
_ATTEMPTS = 100  # to take a lock that others take and give up at the same time
_held: dict[str, _Held] = {}  # the locks of this process, by the path of the lock file
_among_threads = threading.RLock()  # reentrant: a lock may be given up by the garbage collector at any time


class _Held:
    """A lock of this process, and how many ask for it; `descriptor` is None where the file system has no locks."""

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor, self.count, self.pid = descriptor, 1, os.getpid()


class OutputLock:
    """The right to write to the file `path`, links resolved, from now until `release`, or the end of the process.

    `command` is what others are told who want to write there too. In one process several may hold the same lock: it
    keeps processes apart. Raises DataError where another process has it, which names that process. Where the file
    system has no locks, or the lock file cannot be written, RuntimeWarning says so, and the work goes on without.
    """

    def __init__(self, path: str | Path, command: str = "") -> None:
        self.path = Path(path)
        final = self.path.resolve()
        self._file = str(final.parent / f"{hidden_name(final)}{ENDING}")
        with _among_threads:
            mine = _held.get(self._file)
            if mine is not None and mine.pid == os.getpid():
                mine.count += 1
            else:
                _held[self._file] = _Held(_acquire(self.path, self._file, command or " ".join(sys.argv)))
        self._finalizer = weakref.finalize(self, _release, self._file, os.getpid())

    def release(self) -> None:
        """Give the lock up; to be called once or more."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _acquire(path: Path, file: str, command: str) -> int | None:
    """Take the lock: the descriptor of the lock file; None where there can be no lock. DataError where it is taken."""
    for _ in range(_ATTEMPTS):
        try:
            descriptor = _open(file)
        except OSError as error:
            return _go_on_without(path, error.strerror or str(error))
        is_ours = try_lock(descriptor)
        if is_ours is False:
            holder = _read(descriptor)
            os.close(descriptor)
            raise DataError(
                f"{path} is being written by {_described(holder)}. Wait until it has ended, stop it, or give another "
                "`output`."
            )
        if is_ours and _is_at(descriptor, file):
            _write(descriptor, path, command)
            return descriptor
        os.close(descriptor)
        if is_ours is None:
            return _go_on_without(path, "its file system has no locks")
        # Whoever had it removed the file between our two steps, and maybe another one is there now.
    return _go_on_without(path, f"{file} is no ordinary file")


def _open(file: str) -> int:
    """The lock file, made where there is none; that of another user may be open for reading only."""
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | flags, 0o666)
    except PermissionError:
        return os.open(file, os.O_RDONLY | flags)


def _write(descriptor: int, path: Path, command: str) -> None:
    """Say in the lock file who has the lock; RuntimeWarning where a process of another computer did not give it up."""
    before = _read(descriptor)
    if before.get("host", this_host()) != this_host():
        warnings.warn(
            f"{path} was last written by {_described(before)}, which did not end in order. If it still runs there, "
            "stop one of the two: this disk does not keep computers apart.",
            RuntimeWarning,
            stacklevel=2,
        )
    about = {"pid": os.getpid(), "host": this_host(), "since": time.time(), "command": command}
    with suppress(OSError):  # a full disk: the lock holds all the same
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps(about).encode())


def _go_on_without(path: Path, reason: str) -> int | None:
    """None, after the RuntimeWarning that nothing keeps other processes from writing to the path too."""
    warnings.warn(
        f"{path} cannot be locked ({reason}), so nothing keeps a second run from writing there too.",
        RuntimeWarning,
        stacklevel=2,
    )
    return None


def _is_at(descriptor: int, file: str) -> bool:
    """Whether the open file is the one that has this path, and an ordinary one."""
    try:
        about, there = os.fstat(descriptor), os.lstat(file)
    except OSError:
        return False
    return stat.S_ISREG(about.st_mode) and os.path.samestat(about, there)


def _read(descriptor: int) -> dict[str, Any]:
    """What a lock file says; nothing where it has not been written yet, or not by us."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        about = json.loads(os.read(descriptor, _LONGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def _described(holder: dict[str, Any]) -> str:
    """A process in words, from what its lock file says."""
    if not isinstance(holder.get("pid"), int):
        return "another process"
    text = f"process {_short(holder['pid'])} on {_short(holder.get('host', 'an unknown computer'))}"
    with suppress(KeyError, TypeError, ValueError, OverflowError, OSError):
        text += f" since {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(holder['since']))}"
    command = _short(holder.get("command", ""))
    return f"{text} ({command})" if command else text


def _short(value: Any) -> str:
    """A value of a lock file, which anybody may have written, in one line."""
    with suppress(ValueError):  # a number of too many digits
        return " ".join(str(value).split())[:200]
    return "?"


def _release(file: str, pid: int) -> None:
    """Give up one hold of a lock; the last one ends the lock and removes its file, unless a fork inherited it."""
    with _among_threads:
        mine = _held.get(file)
        if mine is None or pid != os.getpid() or mine.pid != pid:
            return
        mine.count -= 1
        if mine.count:
            return
        del _held[file]
        if mine.descriptor is not None:
            if os.name == "posix":  # removed before it is unlocked, or another process's lock file would be removed
                with suppress(OSError):
                    os.unlink(file)
            with suppress(OSError):
                os.close(mine.descriptor)
            if os.name != "posix":  # where no file is removed that is open
                with suppress(OSError):
                    os.unlink(file)
