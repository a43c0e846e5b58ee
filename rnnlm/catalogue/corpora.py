"""The catalogue of named corpora, texts and labelled data, and getting one of them into the cache."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from ..cache_folder import cache_folder, is_writable, new_folder, temporary_cache, where_there_is_room
from ..cache_room import CORPORA
from ..errors import UsageError, unknown_name
from .data import corpora_folder, read_toml
from .entry import LABELLED, PARTS, TEXT, Entry, Fetched
from .fetch import Progress

_ABOUT = "about.json"


@cache
def _entries() -> dict[str, Entry]:
    data = read_toml(corpora_folder() / "catalogue.toml")
    return {name: Entry(name=name, **table) for name, table in data.items()}


def entries() -> dict[str, Entry]:
    """Return the catalogue: a new dictionary from names to entries."""
    return dict(_entries())


def is_name(name: str) -> bool:
    """Return whether a corpus has this name."""
    return name in _entries()


def get(
    name: str,
    *,
    cache_dir: str | Path | None = None,
    source: str | Path | None = None,
    progress: Progress | None = None,
    content: str | None = TEXT,
) -> Fetched:
    """Return the files of a named corpus, fetched, checked and unpacked into the cache on first use.

    `source` is a copy that you have: the folder of a licensed corpus, or the archive that would be fetched.
    `progress(done, total)` is called with numbers of bytes while something is fetched; total may be None.
    `content` is what the caller can use: TEXT, LABELLED, or None for both.
    A corpus is put into the cache whole or not at all. Raises UsageError for an unknown name and for a corpus of the
    other content; DataError for one that cannot be fetched, needs a licence, or is not what the catalogue describes.
    """
    if not is_name(name):
        problem = unknown_name(f"the corpus {name!r}", name, _entries())
        raise UsageError(f"{problem[:-1]}, or a file.")
    _require_content(_entries()[name], content)
    # Imported late: this loads zipfile, tarfile and subprocess, which reading a text does not need.
    from .grammar import Grammar
    from .sources import MAKERS

    entry = _entries()[name]
    recipe = asdict(entry)
    if entry.kind == "grammar":
        recipe["grammar"] = read_toml(corpora_folder() / "grammars" / f"{name}.toml")
    wanted = cache_folder(cache_dir)
    folder = Path() if wanted is None else wanted / CORPORA / name
    about = None if wanted is None else _read_about(folder)  # a cache that is there need not be writable
    if about is None or about.get("recipe") != recipe or source is not None:

        def make(cache: Path) -> tuple[Path, dict[str, Any]]:
            folder = cache / CORPORA / name
            about = None if source is not None or cache == wanted else _read_about(folder)
            if about is not None and about.get("recipe") == recipe:
                return folder, about
            with new_folder(folder) as draft:
                sha256 = MAKERS[entry.kind](entry, draft, None if source is None else Path(source), progress)
                about = {"recipe": recipe, "sha256": sha256}
                (draft / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
                shutil.rmtree(folder, ignore_errors=True)  # made by an older recipe, or from another source
            return folder, about

        folder, about = where_there_is_room(cache_dir, make)
    train, valid, test = (next(folder.glob(f"{part_name}.*"), None) for part_name in PARTS)
    assert train is not None
    perplexity = Grammar.load(name).perplexity() if entry.kind == "grammar" else None
    return Fetched(entry, train, valid, test, entry.tokenizer, about["sha256"], perplexity)


def part(source: str | Path, content: str = TEXT) -> str | Path:
    """Return the file of a part of a named corpus for NAME:PART, such as "ptb:test"; any other source unchanged.

    `content` as for `get`. Raises UsageError for a corpus that has no such part, and what `get` raises.
    """
    name, colon, part_name = str(source).rpartition(":")
    if not colon or not is_name(name) or Path(source).exists():
        return source
    file = getattr(get(name, content=content), part_name) if part_name in PARTS else None
    if file is None:
        raise UsageError(
            f"the corpus {name} has no part {part_name!r}. Parts are train, valid and test, but a corpus in one "
            "piece has only train; `rnnlm corpus get` shows them."
        )
    return file


def holds(path: str | Path) -> bool:
    """Return whether a file is a part of a named corpus: one that `get` has put into the cache."""
    return any(Path(path).is_relative_to(folder / CORPORA) for folder in _caches())


def files_of(source: str | Path, cache_dir: str | Path | None = None) -> list[Path]:
    """Return the files for which a source stands, without getting any: a path, NAME or NAME:PART.

    A named corpus stands for all of its files that are in the cache.
    """
    name = str(source).partition(":")[0]
    if not is_name(name) or Path(source).exists():
        return [Path(source)]
    folders = [folder / CORPORA / name for folder in _caches(cache_dir)]
    return [file for folder in folders for file in folder.glob("**/*") if file.is_file()]


def _caches(cache_dir: str | Path | None = None) -> list[Path]:
    """Return the folders in which corpora may have been kept: the wanted one, and the one used where it is unusable."""
    wanted = cache_folder(cache_dir)
    if wanted is not None and is_writable(wanted):
        return [wanted]
    return [folder for folder in (wanted, temporary_cache(make=False)) if folder is not None]


def _require_content(entry: Entry, content: str | None) -> None:
    if content == TEXT and entry.content != TEXT:
        raise UsageError(
            f"{entry.name} is labelled data for classifiers, not a text. Use it with `rnnlm classify`, as in "
            f"`rnnlm classify train {entry.name}`, or choose a text of `rnnlm corpus list`."
        )
    if content == LABELLED and entry.content != LABELLED:
        labelled = ", ".join(name for name, other in _entries().items() if other.content == LABELLED)
        raise UsageError(
            f"{entry.name} is a text, not labelled data for classifiers. Use it with `rnnlm train {entry.name}`, or "
            f"choose labelled data: {labelled}."
        )


def _read_about(folder: Path) -> dict[str, Any] | None:
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        return about if isinstance(about, dict) and any(folder.glob("train.*")) else None
    except (OSError, ValueError):
        return None
