"""Where compiled kernels are kept between runs: in Numba's own cache, else in ours, else nowhere; each of them works.

Numba keeps them in the folder that NUMBA_CACHE_DIR names, else beside this package, else in the user's cache folder;
where it can write to none of these, decorating a function is an error, and so is a call where the disk is full.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numba

from ...cache_folder import CacheError, usable_cache, warn_once
from ...cache_room import KERNELS


class KernelCache:
    """Numba's cache of one function, in which a failure costs time and is no error.

    A file that cannot be read or is damaged counts as missing: the kernel is compiled and written again.
    """

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def load_overload(self, *arguments: Any) -> Any:
        """Return the compiled code for a signature, or None."""
        try:
            return self._cache.load_overload(*arguments)
        except Exception:
            return None

    def save_overload(self, *arguments: Any) -> None:
        """Keep compiled code, where that is possible."""
        try:
            self._cache.save_overload(*arguments)
        except Exception as error:
            say_not_kept(error)


_said = False


def say_not_kept(error: Exception) -> None:
    """Warn once in a process that kernels cannot be kept on the disk, and why."""
    global _said
    if not _said:
        _said = True
        reason = getattr(error, "problem", None) or getattr(error, "strerror", None) or repr(error)
        warn_once(
            f"compiled kernels cannot be kept: {' '.join(reason.split())}. Every process compiles them again, which "
            "takes some 20 seconds; set NUMBA_CACHE_DIR to a folder with room."
        )


def kept(body: Any, compile_: Callable[[bool], Any]) -> Any:
    """Return compile_(True) for a function that Numba can keep on the disk, compile_(False) where nothing can be kept.

    What it returns never fails because of the disk.
    """
    with _in_our_folder():
        compiled = compile_(_can_keep())
    if isinstance(getattr(compiled, "_cache", None), numba.core.caching.Cache):
        compiled._cache = KernelCache(compiled._cache)
    return compiled


@functools.cache
def _our_folder() -> str | None:
    """Return where to keep kernels where Numba finds no folder itself; "" where it does, None where there is none."""
    if _numba_finds_a_folder():
        return ""
    if getattr(numba.config, "CACHE_LOCATOR_CLASSES", ""):  # a setting that may be what is wrong
        from .environment import leave_out

        leave_out("NUMBA_CACHE_LOCATOR_CLASSES", "with it, Numba can keep no kernels")
        numba.config.CACHE_LOCATOR_CLASSES = ""
        if _numba_finds_a_folder():
            return ""
    try:
        return str(usable_cache().absolute() / KERNELS)
    except (CacheError, OSError) as error:
        say_not_kept(error)
        return None


def _numba_finds_a_folder() -> bool:
    try:
        numba.njit(cache=True)(_nothing)
    except Exception:  # a RuntimeError, or where no home folder is known another one
        return False
    return True


def _can_keep() -> bool:
    return _our_folder() is not None


@contextmanager
def _in_our_folder() -> Iterator[None]:
    """A context in which Numba chooses our folder, where it needs one; the user's own functions are not meant."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _our_folder() or before
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


def _nothing() -> None:
    """A function that is never called: the folder in which it would be kept is that of all kernels."""


def folder() -> Path | None:
    """Return the folder in which all kernels are kept; None where they are not."""
    if not _can_keep():
        return None
    with _in_our_folder():
        path = numba.njit(cache=True)(_nothing).stats.cache_path
    return None if path is None else Path(path)


def drop_stale(sources: Path) -> None:
    """Remove kernels from the disk that were compiled before any file in the folder `sources` was changed.

    Numba itself looks at the file of the kernel only, not at those of the functions that the kernel calls.
    """
    newest = max(file.stat().st_mtime for file in sources.glob("*.py"))
    for index in (folder() or sources / KERNELS).glob("*.nbi"):
        with suppress(OSError):  # another process was here first, or has it open
            if index.stat().st_mtime < newest:
                index.unlink()
