"""How large the cache is, and making room in it: encoded texts that were not used for the longest time go first.

What other processes have open stays readable to them on POSIX systems, where removing a file takes away its name only;
on Windows a file in use cannot be removed, and is left. Only what this package has put there is touched, by its names:
$RNNLM_CACHE may be a folder that holds other things too.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .cache_folder import DRAFT, SCRATCH, CacheError, draft_folder, warn_once

ENCODED, TEXTS, CORPORA, KERNELS = "encoded", "texts", "corpora", "kernels"  # the folders of the cache
SIZE = "RNNLM_CACHE_SIZE"  # the environment variable
USUAL_SIZE = 10 * 10**9  # bytes of encoded texts
MOST_NOTES = 1000  # files in `texts` above which those about files that are gone are removed
DAY = 24 * 3600  # seconds after which a folder that nobody writes to any more is of a process that was killed
_KEY = re.compile("[0-9a-f]{32}")  # the names of encoded texts, and of notes about files
_KERNEL = re.compile(r".*\.nb[ic](\.tmp\..*)?")
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def size_limit() -> float:
    """Return how many bytes of encoded texts are kept: $RNNLM_CACHE_SIZE, such as 500M or 20G, else 10 GB."""
    text = os.environ.get(SIZE, "").strip()
    if not text:
        return USUAL_SIZE
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text, re.IGNORECASE | re.ASCII)
    if match:
        return float(match[1]) * _UNITS[match[2].upper()]
    if text.lower() in ("none", "inf"):
        return math.inf
    warn_once(f"{SIZE}={text!r} is ignored: give a size such as 500M or 20G, or none for no limit.")
    return USUAL_SIZE


def mark_used(folder: Path) -> None:
    """Note that an encoded text is used now; in a cache that can only be read, nothing happens."""
    with suppress(OSError):
        os.utime(folder)


def make_room(cache: Path, keep: Path) -> None:
    """Remove encoded texts, the longest unused first, until those that are left fit into `size_limit`; never `keep`.

    What processes left that were killed goes too. Nothing here is an error: what cannot be removed stays.
    """
    _remove_drafts(cache)
    entries = []
    for folder in _folders(cache / ENCODED):
        with suppress(OSError):
            entries.append((folder.stat().st_mtime, size_of(folder), folder))
    total, limit = sum(size for _, size, _ in entries), size_limit()
    for _, size, folder in sorted(entries):
        if total <= limit:
            break
        if folder != keep and _remove(folder):
            total -= size
    if len(_notes(cache)) > MOST_NOTES:
        _remove_notes_of_missing_files(cache)


def clear(cache: Path, corpora: bool = False) -> int:
    """Remove encoded texts, compiled kernels and, if asked for, fetched corpora; return how many bytes that were."""
    before = sum(sizes(cache).values())
    _remove_drafts(cache)
    folders = [*_folders(cache / ENCODED), *(_corpora(cache) if corpora else ())]
    for folder in folders:
        _remove(folder)
    for file in [*_notes(cache), *_kernels(cache)]:
        with suppress(OSError):
            file.unlink()
    for folder in [*(cache / KERNELS).glob("*"), *(cache / name for name in (ENCODED, TEXTS, CORPORA, KERNELS))]:
        with suppress(OSError):  # not empty, or not there
            folder.rmdir()
    return before - sum(sizes(cache).values())


def sizes(cache: Path) -> dict[str, int]:
    """Return how many bytes the encoded texts, the fetched corpora and the compiled kernels in the cache take."""
    return {
        "encoded texts": sum(map(size_of, [*_folders(cache / ENCODED), *_notes(cache)])),
        "corpora": sum(map(size_of, _corpora(cache))),
        "kernels": sum(map(size_of, _kernels(cache))),
    }


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of the files of a folder; 0 for one that has just gone."""
    size = 0
    with suppress(OSError):
        if not path.is_dir():
            return path.stat().st_size
        for file in path.iterdir():
            size += size_of(file)
    return size


def _entries(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from folder.iterdir()


def _folders(parent: Path) -> list[Path]:
    return [folder for folder in _entries(parent) if _KEY.fullmatch(folder.name) and folder.is_dir()]


def _notes(cache: Path) -> list[Path]:
    return [file for file in _entries(cache / TEXTS) if _KEY.fullmatch(file.stem) and file.suffix == ".json"]


def _corpora(cache: Path) -> list[Path]:
    return [folder for folder in _entries(cache / CORPORA) if (folder / "about.json").is_file()]


def _kernels(cache: Path) -> list[Path]:
    return [file for folder in _entries(cache / KERNELS) for file in _entries(folder) if _KERNEL.fullmatch(file.name)]


def _remove(folder: Path) -> bool:
    """Take a folder out of the cache in one step, and then remove it; return whether it is gone."""
    try:
        with draft_folder(folder.parent) as removed:
            os.replace(folder, removed / folder.name)
    except (CacheError, OSError):
        return not folder.exists()
    return True


def _remove_drafts(cache: Path) -> None:
    """Remove the folders of processes that were killed: nothing in them was written for a day."""
    for parent, prefix in ((cache / ENCODED, DRAFT), (cache / CORPORA, DRAFT), (cache, SCRATCH)):
        for folder in _entries(parent):
            if folder.name.startswith(prefix) and folder.is_dir() and time.time() - _last_written(folder) > DAY:
                shutil.rmtree(folder, ignore_errors=True)


def _last_written(folder: Path) -> float:
    """Return when something in the folder was written last; now where that is not known."""
    try:
        return max(path.stat().st_mtime for path in [folder, *folder.rglob("*")])
    except OSError:
        return time.time()


def _remove_notes_of_missing_files(cache: Path) -> None:
    for note in _notes(cache):
        with suppress(OSError, ValueError, KeyError, TypeError):
            path = json.loads(note.read_text(encoding="utf-8").partition("\n")[0])["path"]
            if not os.path.lexists(path):
                note.unlink()
