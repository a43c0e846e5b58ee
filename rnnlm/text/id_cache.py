"""Ids of texts that were read before, kept by the content of the text and not by its name.

    CACHE/encoded/KEY/       what `encode` wrote; KEY is the hash of the text's bytes and of all that makes ids of them
    CACHE/texts/PATH.json    the hash of the bytes of the file at a path, and the state in which the file was then

A text is known again without being read where its path leads to the same file, by device and inode, with the same size
and the same times of writing and of change. The time of change is set by the system, so a program that puts the old
time of writing back (`cp -p`, `tar`, `rsync -t`, `touch`) does not hide a new content. A file may be written twice
within one tick of the file system's clock; so, as git does, a file that was young when it was read is read again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..cache_folder import draft_folder, settle
from .encode import Encoded, read_description
from .encoding import Encoding
from .tokenizer import Tokenizer

_FORMAT = 3  # part of every key: raise it when a tokenizer or the files change
YOUNG = 2_000_000_000  # nanoseconds: no file system has a coarser clock


@dataclass(frozen=True)
class Request:
    """All that makes ids of a text's bytes.

    The tokenizer; the encoding, where it is given and no vocabulary is made; the shares of the parts; and the limits
    of a vocabulary that is made.
    """

    tokenizer: Tokenizer
    encoding: Encoding | None
    fractions: Sequence[float]
    max_vocab: int | None
    min_count: int

    def key(self, sha256: str) -> str:
        """The name of the folder for a text whose bytes have this hash."""
        rule = self.tokenizer
        choice = self.encoding.vocabulary.hash if self.encoding else f"own {self.max_vocab} {self.min_count}"
        parts = [_FORMAT, sha256, rule.spec, rule.state(), rule.running, choice, *map(float, self.fractions)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def cached(cache: Path, source: str | Path, request: Request, write: Callable[[Path], Encoded]) -> tuple[Path, Encoded]:
    """Return the folder in the cache that holds the ids of a file, and what is in it; `write` makes it in a draft.

    The text is read at most once. A text that changes while it is read is encoded as it was read, and not known again.
    Raises DataError where the cache cannot be written, and what `write` raises.
    """
    found = lookup(cache, source, request)
    if found is not None:
        return found
    path = Path(source).resolve()
    before, now = _State.of(path), time.time_ns()
    with draft_folder(cache / "encoded") as draft:
        done = write(draft)
        folder = cache / "encoded" / request.key(done.sha256)
        if read_description(folder, done.encoding) is None:
            shutil.rmtree(folder, ignore_errors=True)  # damaged, or not there
            settle(draft, folder)
    if before is not None and Path(source).resolve() == path and _State.of(path) == before:
        _note(cache, path, before, now, done.sha256)
    return folder, done


def lookup(cache: Path, source: str | Path, request: Request) -> tuple[Path, Encoded] | None:
    """Return what `cached` returns where the text need not be read, else None."""
    sha256 = _known_hash(cache, Path(source).resolve())
    if sha256 is None:
        return None
    folder = cache / "encoded" / request.key(sha256)
    known = read_description(folder, request.encoding)
    if known is None:
        return None
    if request.encoding is None and request.tokenizer.is_ready:  # no need to make it again, or to find its file
        known = replace(known, encoding=Encoding.of(request.tokenizer, known.encoding.vocabulary))
    return folder, known


@dataclass(frozen=True)
class _State:
    """What changes when a path leads to another file, or the file to another content."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, path: Path) -> _State | None:
        try:
            found = os.stat(path)
        except OSError:
            return None
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)


def _entry(cache: Path, path: Path) -> Path:
    return cache / "texts" / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"


def _known_hash(cache: Path, path: Path) -> str | None:
    """The hash of the bytes of the file at a path, where its state shows that it is the one that was read."""
    state = _State.of(path)
    try:
        about: dict[str, Any] = json.loads(_entry(cache, path).read_text(encoding="utf-8"))
        if state is None or about["path"] != str(path) or _State(**about["state"]) != state:
            return None
        is_young = max(state.mtime_ns, state.ctime_ns) > about["read_ns"] - YOUNG
        return None if is_young else str(about["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(cache: Path, path: Path, state: _State, read_ns: int, sha256: str) -> None:
    """Keep the hash of a file's bytes beside its state; where that cannot be written, the file is read again."""
    entry = _entry(cache, path)
    about = {"path": str(path), "state": asdict(state), "read_ns": read_ns, "sha256": sha256}
    draft = entry.with_name(f".{entry.name}.{os.getpid()}-{time.time_ns()}")
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(about), encoding="utf-8")
        os.replace(draft, entry)
    except OSError:
        with suppress(OSError):  # where there is no folder, there is no draft
            draft.unlink(missing_ok=True)
