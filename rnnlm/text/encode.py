"""A text of any size becomes a file of int32 word ids, in one reading of the text.

Ids are given in order of first appearance while the text streams by, and written down. Only then is the vocabulary
known (its order is by count), and the file of ids is renumbered through a table of one entry a type, many times faster
than the text was read. So a compressed text is unpacked once, and standard input can be encoded too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..errors import DataError
from .parts import check_fractions, cut_points
from .pieces import text_pieces
from .tokenizers import Tokenizer
from .vocabulary import Vocabulary

IDS, CHARACTERS, ABOUT = "ids.int32", "characters.int32", "about.json"
_CHUNK = 1 << 20  # tokens renumbered at a time


@dataclass(frozen=True)
class Part:
    """A stretch of tokens with its counts; the parts of a text follow each other without a gap."""

    start: int
    stop: int
    sentences: int
    unknown: int


@dataclass(frozen=True)
class Encoded:
    """What `encode` wrote beside the ids."""

    sha256: str
    parts: list[Part]
    vocabulary: Vocabulary


def encode(
    blocks: Iterable[bytes],
    name: str,
    folder: Path,
    tokenizer: Tokenizer,
    vocabulary: Vocabulary | None = None,
    fractions: Sequence[float] = (1.0,),
    max_vocab: int | None = None,
    min_count: int = 1,
) -> Encoded:
    """Write ids, characters a sentence and a description into `folder`, in memory that the text's size does not change.

    `fractions` are shares of the tokens; without a `vocabulary`, one is made from the first part alone. `max_vocab` and
    `min_count` are those of `Vocabulary.from_counts`. Raises DataError for a text without tokens or with bytes that the
    tokenizer cannot read.
    """
    check_fractions(fractions)
    digest = hashlib.sha256()
    ids_file = folder / IDS
    types = _write_first_numbers(_hashed(blocks, digest), name, folder, tokenizer)
    ids = np.memmap(ids_file, dtype=np.int32, mode="r")
    points = cut_points(ids, fractions, name)
    del ids  # a mapping would keep its pages in memory, and some systems forbid writing beside it
    if vocabulary is None:
        counts = _counts(ids_file, points[1], len(types))
        # A type that first appears in a held-out part has count 0 here and is unknown.
        seen = {word: int(n) for word, n in zip(types, counts, strict=True) if n}
        vocabulary = Vocabulary.from_counts(seen, max_vocab, min_count)
    parts = _renumber(ids_file, points, vocabulary.encode(types), vocabulary)
    done = Encoded(digest.hexdigest(), parts, vocabulary)
    _describe(done, folder)
    return done


def read_description(folder: Path, vocabulary: Vocabulary | None) -> Encoded | None:
    """Return what `encode` wrote into the folder, or None where that is missing or damaged."""
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        parts = [Part(**part) for part in about["parts"]]
        if (folder / IDS).stat().st_size != 4 * parts[-1].stop:
            return None
        characters = folder / CHARACTERS
        if (characters.stat().st_size if characters.exists() else None) != about["character_bytes"]:
            return None
        return Encoded(about["sha256"], parts, vocabulary or Vocabulary(about["words"], about["counts"]))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _describe(done: Encoded, folder: Path) -> None:
    characters = folder / CHARACTERS
    about = {
        "sha256": done.sha256,
        "character_bytes": characters.stat().st_size if characters.exists() else None,
        "parts": [asdict(part) for part in done.parts],
        "words": done.vocabulary.words,
        "counts": done.vocabulary.counts.tolist(),
    }
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")


def _hashed(blocks: Iterable[bytes], digest) -> Iterator[bytes]:
    for block in blocks:
        digest.update(block)
        yield block


def _write_first_numbers(blocks: Iterable[bytes], name: str, folder: Path, tokenizer: Tokenizer) -> list[str]:
    """Write ids in order of first appearance, and the characters of each sentence; return the types in that order."""
    encoder = tokenizer.encoder(name)
    pieces = text_pieces(blocks, name, tokenizer.cut) if tokenizer.cut else blocks
    empty, tokens = True, 0
    with (folder / IDS).open("wb") as out, (folder / CHARACTERS).open("wb") as lengths:

        def write(ids: np.ndarray) -> int:
            out.write(ids.tobytes())
            for sentences in encoder.characters or ():
                lengths.write(sentences.tobytes())
            if encoder.characters:
                encoder.characters.clear()
            return len(ids)

        for piece in pieces:
            empty = False
            tokens += write(encoder.feed(piece))
        tokens += write(encoder.finish())
    if not tokens:
        what = "is empty" if empty else "holds no words"
        raise DataError(f"{name} {what}; a language model needs a text with at least one word.")
    if encoder.characters is None:
        (folder / CHARACTERS).unlink()
    return encoder.types()


def _counts(ids_file: Path, stop: int, n_types: int) -> np.ndarray:
    counts = np.zeros(n_types, dtype=np.int64)
    with ids_file.open("rb") as file:
        for start in range(0, stop, _CHUNK):
            counts += np.bincount(np.fromfile(file, np.int32, min(_CHUNK, stop - start)), minlength=n_types)
    return counts


def _renumber(ids_file: Path, points: list[int], table: np.ndarray, vocabulary: Vocabulary) -> list[Part]:
    """Replace every id in the file by its entry in the table; return the parts with their counts."""
    parts = []
    with ids_file.open("r+b") as file:
        for start, stop in pairwise(points):
            sentences = unknown = 0
            for low in range(start, stop, _CHUNK):
                file.seek(4 * low)
                ids = table[np.fromfile(file, np.int32, min(_CHUNK, stop - low))]
                file.seek(4 * low)
                file.write(ids.tobytes())
                sentences += int(np.count_nonzero(ids == vocabulary.eos))
                unknown += int(np.count_nonzero(ids == vocabulary.unknown_id))
            parts.append(Part(start, stop, sentences, unknown))
    return parts
