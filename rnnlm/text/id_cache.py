"""The cache of encoded texts, which is keyed by the content of a text and not by its path.

    CACHE/encoded/KEY/       what `encode` wrote; KEY is the hash of all that the ids depend on, as the text's bytes
    CACHE/texts/PATH.json    the hash of the bytes of the file at a path, and the state of that file when it was read

All of them hold or have a checksum. What does not match it is made again, and never believed.

A text is recognised without being read where its path leads to the same file (device and inode) with the same size,
modification time and change time. The change time is set by the system, so a program that restores the modification
time (`cp -p`, `tar`, `rsync -t`, `touch`) does not hide a new content. A file may be written twice within one tick of
the file system's clock; so, as git does, a file that was modified just before it was read is read again.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .. import cache_room
from ..cache_folder import draft_folder, settle
from ..errors import DataError
from . import checked_json
from .encode import Encoded, read_description
from .encoding import Encoding
from .tokenizer import Tokenizer

_FORMAT = 6  # a part of every key: increase it when a tokenizer or the format of the files changes
YOUNG = 2_000_000_000  # nanoseconds; no file system has a coarser clock


@dataclass(frozen=True)
class Request:
    """Everything besides the bytes of a text that its ids depend on.

    `tokenizer`               the rule that makes the tokens
    `encoding`                the one that is given, or None where a vocabulary is made from the text
    `fractions`               the shares of the parts
    `max_vocab`, `min_count`  the limits of a vocabulary that is made; see `Vocabulary.from_counts`
    """

    tokenizer: Tokenizer
    encoding: Encoding | None
    fractions: Sequence[float]
    max_vocab: int | None
    min_count: int

    def key(self, sha256: str) -> str:
        """Return the name of the folder in the cache for a text whose bytes have this sha256."""
        rule = self.tokenizer
        choice = self.encoding.vocabulary.hash if self.encoding else f"own {self.max_vocab} {self.min_count}"
        parts = [_FORMAT, sha256, rule.spec, rule.state(), rule.source, choice, *map(float, self.fractions)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def cached(cache: Path, source: str | Path, request: Request, write: Callable[[Path], Encoded]) -> tuple[Path, Encoded]:
    """Return the folder in the cache that holds the ids of a file, and its description.

    Where there is none yet, `write` encodes the text into a draft of the folder. The text is read at most once. A text
    that changes while it is read is encoded as it was read, and its path is not remembered.
    Raises DataError where the cache cannot be written, and what `write` raises.
    """
    entry = lookup(cache, source, request)
    if entry is not None:
        return entry
    path = Path(source).resolve()
    before, now = _State.of(path), time.time_ns()
    with draft_folder(cache / "encoded") as draft:
        encoded = write(draft)
        folder = cache / "encoded" / request.key(encoded.sha256)
        settle(draft, folder)
        if read_description(folder, encoded.encoding) is None:  # it was there, and it is damaged
            with draft_folder(cache / "encoded") as damaged:
                with suppress(FileNotFoundError):  # another process has moved it already
                    os.replace(folder, damaged / "damaged")  # what other processes have open stays readable
                settle(draft, folder)
    if before is not None and Path(source).resolve() == path and _State.of(path) == before:
        _note(cache, path, before, now, encoded.sha256)
    cache_room.make_room(cache, keep=folder)
    return folder, encoded


def lookup(cache: Path, source: str | Path, request: Request) -> tuple[Path, Encoded] | None:
    """Return what `cached` returns if that is possible without reading the text, else None."""
    sha256 = _known_hash(cache, Path(source).resolve())
    if sha256 is None:
        return None
    folder = cache / "encoded" / request.key(sha256)
    encoded = read_description(folder, request.encoding)
    if encoded is None:
        return None
    cache_room.mark_used(folder)
    if encoded.encoding.source and encoded.encoding.source == request.tokenizer.source:  # it has run already
        encoded = replace(encoded, encoding=replace(encoded.encoding, trust=True))
    if request.encoding is None and request.tokenizer.is_ready:  # saves making the tokenizer again, or finding its file
        encoded = replace(encoded, encoding=Encoding.of(request.tokenizer, encoded.encoding.vocabulary))
    return folder, encoded


@dataclass(frozen=True)
class _State:
    """Properties of a file of which one changes when the path leads to another file, or when the file is written."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, path: Path) -> _State | None:
        try:
            status = os.stat(path)
        except OSError:
            return None
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)


def _entry(cache: Path, path: Path) -> Path:
    return cache / "texts" / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"


def _known_hash(cache: Path, path: Path) -> str | None:
    """Return the noted hash of the file at a path, or None where its state does not prove that it is unchanged."""
    state = _State.of(path)
    try:
        about: dict[str, Any] = checked_json.loads(_entry(cache, path).read_text(encoding="utf-8"))
        if state is None or about["path"] != str(path) or _State(**about["state"]) != state:
            return None
        is_young = max(state.mtime_ns, state.ctime_ns) > about["read_ns"] - YOUNG
        return None if is_young else str(about["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(cache: Path, path: Path, state: _State, read_ns: int, sha256: str) -> None:
    """Note the hash of a file's bytes and its state; where that fails, the file will just be read again."""
    entry = _entry(cache, path)
    about = {"path": str(path), "state": asdict(state), "read_ns": read_ns, "sha256": sha256}
    with suppress(DataError), draft_folder(entry.parent) as draft:
        (draft / entry.name).write_text(checked_json.dumps(about), encoding="utf-8")
        os.replace(draft / entry.name, entry)
