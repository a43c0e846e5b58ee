"""Where the ids of a text are kept: in the cache, in a temporary folder, or where nothing can be written, in memory."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from ..cache_folder import (
    SCRATCH,
    CacheError,
    cache_error,
    cache_folder,
    usable_cache,
    warn_once,
    where_there_is_room,
)
from . import id_cache
from .encode import Encoded
from .memory_folder import Folder, MemoryFolder


class Text(NamedTuple):
    """A text that is to be encoded.

    `source`   its path, or "-" for standard input
    `request`  everything besides its bytes that the ids depend on
    `write`    folder -> what `encode` writes into it
    """

    source: str | Path
    request: id_cache.Request
    write: Callable[[Folder], Encoded]


class Part(Protocol):
    """A part of a text, which holds the ids of the whole: they may be mapped from a file."""

    whole: np.ndarray


AnyPart = TypeVar("AnyPart", bound=Part)
Opener = Callable[[Folder, Encoded], list[AnyPart]]  # makes the parts of a text from what stands in a folder


def parts_of(text: Text, open_parts: Opener[AnyPart], cache_dir: str | Path | None) -> list[AnyPart]:
    """Return the parts of a text, encoded where that has not been done before.

    A text in a file goes into the cache. A pipe cannot be recognised later, so its folder is a temporary one. Raises
    CacheError where the disk fills up meanwhile, and what `text.write` raises.
    """
    try:
        if str(text.source) != "-" and Path(text.source).is_file():
            return _cached(text, open_parts, cache_dir)
        return _uncached(text, open_parts, usable_cache(cache_dir))
    except CacheError as error:
        if not error.nowhere:
            raise
        warn_once(f"{error.problem}. Texts are kept in memory; set RNNLM_CACHE to a folder with room.")
        memory = MemoryFolder()
        return open_parts(memory, text.write(memory))


def _uncached(text: Text, open_parts: Opener[AnyPart], parent: Path) -> list[AnyPart]:
    """Return the parts of a text in a folder of their own, which is removed with them."""
    scratch = tempfile.TemporaryDirectory(prefix=SCRATCH, dir=parent, ignore_cleanup_errors=True)
    try:
        encoded = text.write(Path(scratch.name))
    except BaseException as error:
        scratch.cleanup()  # at once: the error keeps this frame alive, and with it the folder
        if isinstance(error, OSError):
            raise cache_error(parent, error) from None
        raise
    parts = open_parts(Path(scratch.name), encoded)
    weakref.finalize(parts[0].whole, scratch.cleanup)
    return parts


def _cached(text: Text, open_parts: Opener[AnyPart], cache_dir: str | Path | None) -> list[AnyPart]:
    """Return the parts of a text in a file, from the cache, where they are put if they are not there."""
    wanted = cache_folder(cache_dir)
    if wanted is not None and (known := id_cache.lookup(wanted, text.source, text.request)):  # it need not be writable
        with suppress(FileNotFoundError):  # another process made room in the cache just now
            return open_parts(*known)

    def put(cache: Path) -> list[AnyPart]:
        return open_parts(*id_cache.cached(cache, text.source, text.request, text.write))

    try:
        return where_there_is_room(cache_dir, put)
    except FileNotFoundError:  # as above
        return where_there_is_room(cache_dir, put)
