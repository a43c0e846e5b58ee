"""The cache folder, where encoded texts and fetched corpora are kept, and how new folders are put into it.

A folder in the cache is filled under a temporary name and then renamed, so it is there whole or not at all.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

from .cache_drafts import draft
from .errors import DataError

Value = TypeVar("Value")

DRAFT, SCRATCH = ".new-", "rnnlm-"  # how the names of folders begin that a process fills, or uses and removes again


def cache_folder(cache_dir: str | Path | None = None) -> Path | None:
    """Return the cache folder that is wanted: the one given, else $RNNLM_CACHE, $XDG_CACHE_HOME/rnnlm, ~/.cache/rnnlm.

    An $XDG_CACHE_HOME that is not absolute is ignored, as its specification asks. None where no home folder is known.
    """
    if cache_dir is not None:
        return Path(cache_dir)
    try:
        if chosen := os.environ.get("RNNLM_CACHE"):
            return Path(chosen).expanduser()
        base = Path(os.environ.get("XDG_CACHE_HOME", ""))
        return (base if base.is_absolute() else Path.home() / ".cache") / "rnnlm"
    except RuntimeError:  # neither HOME nor an entry for this user in the system's list of users
        return None


def usable_cache(cache_dir: str | Path | None = None) -> Path:
    """Return the cache folder; where it cannot be written, a folder of this user's among the temporary files.

    That folder stays when the process ends, so that what is in it serves later processes too. A warning says once in a
    process that it is used, and why. Raises CacheError where no folder at all can be written.
    """
    wanted = cache_folder(cache_dir)
    problem = "no home folder is known for this user" if wanted is None else _problem(wanted)
    if wanted is not None and problem is None:
        return wanted
    instead = temporary_cache()
    name = "~/.cache/rnnlm" if wanted is None else str(wanted)
    if instead is None:
        raise CacheError(
            f"the cache folder {name} cannot be written: {problem}; nor can a folder for temporary files", nowhere=True
        )
    _say_instead(f"the cache folder {name} cannot be written: {problem}", instead)
    return instead


@cache
def warn_once(text: str) -> None:
    """Warn in one line, once in a process."""
    warnings.warn(text, RuntimeWarning, stacklevel=2)


def _say_instead(problem: str, instead: Path) -> None:
    warn_once(f"{problem}. {instead} is used instead; set RNNLM_CACHE to a folder with room.")


def temporary_cache(make: bool = True) -> Path | None:
    """Return a folder among the temporary files that only this user can write, or None where there is none.

    Its name is the same in every process of the user. A folder of that name that somebody else made is not used.
    With make=False, only one that is there already is returned.
    """
    name = f"rnnlm-{os.getuid()}" if hasattr(os, "getuid") else "rnnlm"
    places = (parent / name for parent in _parents())
    return next((place for place in places if (make or place.is_dir()) and _is_own(place)), None)


def scratch_folder(prefix: str = SCRATCH) -> tempfile.TemporaryDirectory[str]:
    """Return a new temporary folder, as `tempfile.TemporaryDirectory` does, in the first place that can be written.

    Raises DataError where there is none.
    """
    for parent in _parents():
        with suppress(OSError):
            return tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
    return tempfile.TemporaryDirectory(prefix=prefix, dir=usable_cache(), ignore_cleanup_errors=True)


def _parents() -> list[Path]:
    """Return the folders in which temporary files may be made: Python's choice, and memory where the system has it."""
    folders = [Path("/dev/shm")] if os.name == "posix" else []
    with suppress(OSError):  # there is none: TMPDIR, /tmp and the others are missing, full or not ours to write
        folders.insert(0, Path(tempfile.gettempdir()))
    return folders


def _is_own(folder: Path) -> bool:
    """Return whether the folder, made if it does not exist, is this user's alone and can be written."""
    try:
        if folder.parent.is_dir():
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)
        status = folder.lstat()
    except OSError:
        return False
    owned = not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)
    return stat.S_ISDIR(status.st_mode) and owned and _problem(folder) is None


def is_writable(folder: Path) -> bool:
    """Return whether files can be written in the folder, which is created if it does not exist."""
    return _problem(folder) is None


def _problem(folder: Path) -> str | None:
    """Return why no file can be written in the folder, which is created if it does not exist; None where one can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(1 << 12))  # on a full disk a file can often be made, but nothing written into it
        return None
    except OSError as error:
        return _reason(error)


@contextmanager
def draft_folder(parent: Path) -> Iterator[Path]:
    """Give a new folder in `parent`, to be filled and then moved by `settle`; otherwise it is removed after the block.

    Drafts that a killed process left there are removed too.
    Raises CacheError where the disk is full or the folder cannot be written.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with draft(parent, DRAFT) as folder:
            yield folder
    except OSError as error:
        raise cache_error(parent, error) from None


def settle(draft: Path, final: Path) -> None:
    """Rename a filled draft to `final`, in one step.

    Where another process made `final` meanwhile, its folder stays: folders of one name in the cache have one content.
    """
    try:
        os.replace(draft, final)
    except OSError:
        if not final.is_dir():
            raise


def where_there_is_room(cache_dir: str | Path | None, write: Callable[[Path], Value]) -> Value:
    """Return write(folder) for the cache folder; where its disk fills up meanwhile, for the one that replaces it.

    Raises CacheError where no folder can be written, and what `write` raises.
    """
    folder = usable_cache(cache_dir)
    try:
        return write(folder)
    except CacheError as error:
        instead = temporary_cache()
        if instead is None or instead == folder:
            raise CacheError(error.problem, nowhere=True) from None
        _say_instead(error.problem, instead)
        try:
            return write(instead)
        except CacheError:
            raise CacheError(f"{error.problem}; nor can {instead}", nowhere=True) from None


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Give a folder to fill; it is renamed to `final` at the end of the block, or removed if the block raises.

    Where another process made `final` meanwhile, its folder stays. Raises CacheError as `draft_folder` does.
    """
    with draft_folder(final.parent) as draft:
        yield draft
        settle(draft, final)


class CacheError(DataError):
    """A cache folder could not be written; `problem` says which one and why, `nowhere` that nothing replaces it."""

    def __init__(self, problem: str, nowhere: bool = False) -> None:
        super().__init__(f"{problem}. Set RNNLM_CACHE to a folder with room.")
        self.problem, self.nowhere = problem, nowhere


def cache_error(folder: Path, error: OSError) -> CacheError:
    """Return the error for a cache folder that cannot be written, with the system's reason and what to do."""
    return CacheError(f"the cache folder {folder} cannot be written: {_reason(error)}")


def _reason(error: OSError) -> str:
    return "the disk is full" if error.errno in FULL else (error.strerror or str(error))


FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # the numbers of errors of a full disk
