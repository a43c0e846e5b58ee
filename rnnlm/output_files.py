"""Writing files that others rely on: a reader sees the old file or the whole new one.

A file is written under a temporary name in its folder, flushed to the disk and renamed. The temporary name says for
which file it stands and which process writes it, and the process holds a lock on it: so what a killed process left
behind is known, and nothing else is ever removed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import socket
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .errors import DataError
from .file_locks import try_lock

_ENDING = ".tmp"
_YOUNG = 60.0  # seconds in which a temporary file without a lock may be one that is just being made
_NAME_BYTES = 90  # of a file's name that are part of hidden names beside it: those fit where names have 143 bytes


def write_bytes(path: str | Path, content: bytes, what: str) -> None:
    """Write bytes to a file, which is replaced whole or not at all; messages call them `what`.

    Raises DataError that names the path and the system's reason.
    """
    write_blocks(path, [content], what)


def to_bytes(text: str) -> bytes:
    """Return a text as UTF-8; what UTF-8 cannot hold, such as a file name's odd byte, as \\udcff, as JSON writes it."""
    return text.encode("utf-8", "backslashreplace")


def write_blocks(path: str | Path, blocks: Iterable[bytes | memoryview], what: str) -> None:
    """Write bytes that come in blocks as `write_bytes` does, so that they need not be in memory together.

    Temporary files of exactly this path whose processes are dead are removed.
    """
    with _temporary(path, what) as (file, final):
        file.writelines(blocks)
        file.flush()
        os.fsync(file.fileno())
        file.close()  # before it is renamed: Windows renames no open file, and network disks report errors here
        os.replace(file.name, final)
        with suppress(OSError):  # what was to be written is
            _remove_left_over(final)


def require_writable(path: str | Path, what: str) -> None:
    """Raise DataError where `what` could not be written to the path: now, and not after hours of training.

    Temporary files of exactly this path whose processes are dead are removed.
    """
    with _temporary(path, what) as (_, final):
        _remove_left_over(final)


def hidden_name(final: Path) -> str:
    """Return a name that starts with a point and stands for exactly this file: its own name, or its start and a hash.

    It has at most 103 bytes, whatever the name has.
    """
    name = final.name
    if len(os.fsencode(name)) <= _NAME_BYTES:
        return f".{name}"
    start = name
    while len(os.fsencode(start)) > _NAME_BYTES - 1:  # whole characters: not every file system takes a part of one
        start = start[:-1]
    return f".{start}~{hashlib.sha256(os.fsencode(name)).hexdigest()[:12]}"


def this_host() -> str:
    """Return the name of this computer, by which several that share a disk are told apart."""
    return socket.gethostname() or "localhost"


def is_alive(pid: int) -> bool:
    """Return whether a process of this computer has the number `pid`; True where that cannot be known."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextmanager
def _temporary(path: str | Path, what: str) -> Iterator[tuple[BinaryIO, Path]]:
    """Give a new temporary file, and the path to rename it to, links resolved.

    The file is closed and removed at the end unless it was renamed.
    """
    path = Path(path)
    try:
        final = _final(path, what)
        file = _create(final)
        try:
            yield file, final
        finally:
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                os.unlink(file.name)
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "Give")
        raise DataError(
            f"{what} could not be written to {path}: {error.strerror or error}. "
            f"A file that was there before is untouched. {advice} another place with `output`."
        ) from error


_ADVICE = {
    errno.ENOSPC: "Free some space, or give",
    getattr(errno, "EDQUOT", errno.ENOSPC): "Free some space, or give",
    errno.EFBIG: "Raise the limit of the size of files (ulimit -f), or give",
}


def _final(path: Path, what: str) -> Path:
    """The path without links. DataError where no file can be written there."""
    final = path.resolve()
    try:
        mode = final.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = stat.S_IFREG  # what it will be
    if stat.S_ISDIR(mode):
        raise DataError(f"{what} cannot be written to {path}: it is a folder. Give the path of a file as `output`.")
    if not stat.S_ISREG(mode):  # renaming a file to /dev/null would replace the device
        raise DataError(f"{what} cannot be written to {path}: it is not an ordinary file. Give another `output`.")
    if not final.parent.is_dir():
        raise DataError(
            f"{what} cannot be written to {path}: the folder {path.parent} does not exist. "
            "Make it, or give another `output`."
        )
    return final


def _mark(final: Path) -> str:
    """How the names of temporary files begin that stand for exactly this file: before the process's own part."""
    return f"{hidden_name(final)}.{hashlib.sha256(os.fsencode(final.name)).hexdigest()[:12]}-{_host_mark()}-"


def _host_mark() -> str:
    return hashlib.sha256(this_host().encode(errors="surrogateescape")).hexdigest()[:6]


def _create(final: Path) -> BinaryIO:
    """A new file beside `final`, open and locked. It has the mode that any new file has."""
    while True:
        temporary = f"{final.parent / _mark(final)}{os.getpid()}-{secrets.token_hex(4)}{_ENDING}"
        try:
            file = open(temporary, "xb")  # noqa: SIM115  the caller closes it
        except FileExistsError:
            continue
        if os.name == "posix":  # elsewhere a file that is open cannot be removed, which does as well
            try_lock(file.fileno())
        return file


def _remove_left_over(final: Path) -> None:
    """Remove temporary files that stand for exactly this file, and whose processes are dead."""
    mark = _mark(final)
    shared = mark[: -len(_host_mark()) - 1]  # what the names of all computers have in common
    with os.scandir(final.parent) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(shared) and entry.name.endswith(_ENDING)]
    for name in names:
        host, _, rest = name[len(shared) : -len(_ENDING)].partition("-")
        pid, _, random = rest.partition("-")
        if len(host) == 6 and pid.isdecimal() and len(random) == 8:
            with suppress(OSError):  # another process was faster, or may what we may not: no reason to fail
                _remove_if_dead(final.parent / name, int(pid) if host == _host_mark() else None)


def _remove_if_dead(left_over: Path, pid: int | None) -> None:
    """Remove a temporary file unless its process may be alive; `pid` is None for that of another computer.

    A lock that we get tells that no process holds it any more, also where the number of the process is in use again. A
    process makes its file and then locks it, which takes no minute.
    """
    about = os.lstat(left_over)
    is_old = time.time() - about.st_mtime > _YOUNG
    if not stat.S_ISREG(about.st_mode):
        return
    if os.name != "posix":
        if is_old:
            os.unlink(left_over)  # fails while a process has it open
        return
    descriptor = os.open(left_over, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        is_ours = try_lock(descriptor)
        is_dead = pid is not None and not is_alive(pid)
        if is_ours is not False and (is_dead or (is_ours and is_old)):
            os.unlink(left_over)
    finally:
        os.close(descriptor)
