"""Encoding a text of any size into a file of int32 ids, while reading the text only once.

First the tokens are numbered in order of first appearance, and the numbers are written to the file. The vocabulary,
which is sorted by count, is known only after that, and the file is renumbered through a table with one entry for each
distinct token, which is many times faster than reading the text. So a compressed text is unpacked once, and standard
input can be encoded too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import DataError
from . import checked_json, hints, marks
from .checked_json import crc32_of
from .encoding import Encoding
from .hints import Hint
from .learning import Spooled
from .memory_folder import Folder, MemoryFile, ids_in
from .parts import check_fractions, cut_points
from .pieces import text_pieces
from .tokenizer import Tokenizer
from .vocabulary import Vocabulary

IDS, CHARACTERS, ABOUT = "ids.int32", "characters.int32", "about.json"
_CHUNK = 1 << 20  # tokens renumbered at a time


@dataclass(frozen=True)
class Part:
    """The tokens start:stop of a text, with their counts; the parts of a text follow each other without a gap."""

    start: int
    stop: int
    sentences: int
    unknown: int


@dataclass(frozen=True)
class Encoded:
    """What `encode` knows about a text besides its ids.

    `sha256`    of the bytes of the text as they were read
    `parts`     the parts of the text, with their counts
    `encoding`  the tokenizer and the vocabulary that made the ids
    `hints`     what a person should know about the text
    """

    sha256: str
    parts: list[Part]
    encoding: Encoding
    hints: list[Hint]


def encode(
    blocks: Iterable[bytes],
    name: str,
    folder: Folder,
    tokenizer: Tokenizer,
    vocabulary: Vocabulary | None = None,
    fractions: Sequence[float] = (1.0,),
    max_vocab: int | None = None,
    min_count: int = 1,
) -> Encoded:
    """Write the ids, the characters of each sentence and a description into `folder`, and return the description.

    The memory that this takes does not depend on the size of the text. `blocks` are the bytes of the text, `name` is
    what messages call it. `fractions` are shares of the tokens; without a `vocabulary`, one is made from the first part
    alone. `max_vocab` and `min_count` are those of `Vocabulary.from_counts`. Of a tokenizer that has still to learn, a
    copy learns from the first part. The parts of a tokenizer that learns are shares of the bytes, each encoded as a
    text of its own, so that where the text is cut does not depend on what was learned. Raises DataError for a text
    without tokens or with bytes that the tokenizer cannot read.
    """
    check_fractions(fractions)
    digest = hashlib.sha256()
    ids_file = folder / IDS
    blocks = _hashed(blocks, digest)
    head = next(blocks, b"")
    blocks = chain([head] if head else [], blocks)
    pieces = text_pieces(blocks, name, tokenizer.cut) if tokenizer.cut else blocks
    if tokenizer.learns:
        with Spooled(pieces, folder, fractions, name) as spooled:
            if not tokenizer.is_ready:
                tokenizer = deepcopy(tokenizer)
                tokenizer.learn(spooled.lines(0))
            cut = tokenizer.cut
            parts_of_text: list[Iterable[bytes]] = []
            for number in range(len(fractions)):
                part = spooled.blocks(number)
                parts_of_text.append(text_pieces(part, name, cut) if cut else part)
            types, points = _write_first_numbers(parts_of_text, name, folder, tokenizer)
    else:
        types, _ = _write_first_numbers([pieces], name, folder, tokenizer)
        if len(types) == 1 and len(fractions) > 1:  # sentence ends alone can be scored, but no model is made of them
            raise DataError(
                f"{name} has no word besides the sentence end, so there is nothing to predict. Give another text."
            )
        ids = ids_in(ids_file)
        points = cut_points(ids, fractions, name)
        del ids  # a mapping keeps pages in memory, and some systems forbid writing to a mapped file
    if vocabulary is None:
        counts = _counts(ids_file, points[1], len(types))
        # A type that first appears in a held-out part has count 0 here and is unknown.
        seen = {word: int(n) for word, n in zip(types, counts, strict=True) if n}
        vocabulary = Vocabulary.from_counts(seen, max_vocab, min_count)
    odd = _odd_words(ids_file, types) if tokenizer.by_blanks else {}
    parts, blank = _renumber(ids_file, points, vocabulary.encode(types), vocabulary)
    said = _hints(head, tokenizer, odd, blank) if tokenizer.by_blanks else []
    encoded = Encoded(digest.hexdigest(), parts, Encoding.of(tokenizer, vocabulary), said)
    _describe(encoded, folder)
    return encoded


def read_description(folder: Path, encoding: Encoding | None) -> Encoded | None:
    """Return what `encode` wrote into the folder, or None where that is missing or damaged.

    `encoding` is that of the request, where it has one; then the one in the folder is not read.
    """
    try:
        about = checked_json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        parts = [Part(**part) for part in about["parts"]]
        # Reading them now costs little, since whoever asks for them reads them all; a kernel relies on them.
        if any(crc32_of(folder / name) != crc for name, crc in about["crc32"].items()):
            return None
        said = [Hint(*hint) for hint in about["hints"]]
        return Encoded(about["sha256"], parts, encoding or Encoding.from_json(about["encoding"]), said)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _describe(encoded: Encoded, folder: Folder) -> None:
    about: dict[str, Any] = {
        "sha256": encoded.sha256,
        "crc32": {name: crc32_of(folder / name) for name in (IDS, CHARACTERS)},
        "parts": [asdict(part) for part in encoded.parts],
        "hints": encoded.hints,
        "encoding": encoded.encoding.to_json(),
    }
    (folder / ABOUT).write_text(checked_json.dumps(about), encoding="utf-8")


def _hashed(blocks: Iterable[bytes], digest) -> Iterator[bytes]:
    for block in blocks:
        digest.update(block)
        yield block


def _write_first_numbers(
    parts: Sequence[Iterable[bytes]], name: str, folder: Folder, tokenizer: Tokenizer
) -> tuple[list[str], list[int]]:
    """Write ids in order of first appearance, and the characters of each sentence.

    Returns the distinct tokens in that order, and the positions in the ids where the parts begin and the last one ends.
    """
    encoder = tokenizer.encoder(name)
    empty, points = True, [0]
    with (folder / IDS).open("wb") as out, (folder / CHARACTERS).open("wb") as lengths:

        def write(ids: np.ndarray) -> int:
            out.write(ids.tobytes())
            for sentences in encoder.characters or ():
                lengths.write(sentences.tobytes())
            if encoder.characters:
                encoder.characters.clear()
            return len(ids)

        for part in parts:
            tokens = 0
            for piece in part:
                empty = False
                tokens += write(encoder.feed(piece))
            tokens += write(encoder.finish())
            points.append(points[-1] + tokens)
    if not points[-1]:
        what = "is empty" if empty else "holds no words"
        raise DataError(f"{name} {what}; a language model needs a text with at least one word.")
    if any(start == stop for start, stop in pairwise(points)):
        raise DataError(f"a part of {name} holds no words. Give a longer text, or held-out texts of their own.")
    if encoder.characters is None:
        (folder / CHARACTERS).unlink()
    return encoder.types(), points


def _odd_words(ids_file: Path | MemoryFile, types: Sequence[str]) -> dict[str, int]:
    """The words like any that are marks in other programs, with their counts in the whole text."""
    odd = [number for number, word in enumerate(types) if word in marks.ODD]
    if not odd:
        return {}
    counts = _counts(ids_file, ids_file.stat().st_size // 4, len(types))
    return {types[number]: int(counts[number]) for number in odd}


def _hints(head: bytes, tokenizer: Tokenizer, odd: dict[str, int], blank: int) -> list[Hint]:
    """What a person should know about a text with these odd words and so many blank lines."""
    if (hint := hints.of_beginning(head, tokenizer.spec)) is not None:
        return [hint]  # others would only follow from what it says
    return [hint for hint in (marks.of_words(odd), hints.of_blank_lines(blank)) if hint is not None]


def _counts(ids_file: Path | MemoryFile, stop: int, n_types: int) -> np.ndarray:
    counts = np.zeros(n_types, dtype=np.int64)
    with ids_file.open("rb") as file:
        for start in range(0, stop, _CHUNK):
            counts += np.bincount(_read(file, min(_CHUNK, stop - start)), minlength=n_types)
    return counts


def _read(file: IO[bytes], count: int) -> np.ndarray:
    """Return the next ids of a file, as many as `count` or those that are left."""
    return np.frombuffer(file.read(4 * count), np.int32)


def _renumber(
    ids_file: Path | MemoryFile, points: list[int], table: np.ndarray, vocabulary: Vocabulary
) -> tuple[list[Part], int]:
    """Replace every id in the file by its entry in the table.

    Returns the parts with their counts, and the number of sentences without words.
    """
    parts, blank, after_end = [], 0, True
    with ids_file.open("r+b") as file:
        for start, stop in pairwise(points):
            sentences = unknown = 0
            for low in range(start, stop, _CHUNK):
                file.seek(4 * low)
                ids = table[_read(file, min(_CHUNK, stop - low))]
                file.seek(4 * low)
                file.write(ids.tobytes())
                ends = ids == vocabulary.eos
                sentences += int(np.count_nonzero(ends))
                blank += int(np.count_nonzero(ends[1:] & ends[:-1])) + int(after_end and ends[0])
                after_end = bool(ends[-1])
                unknown += int(np.count_nonzero(ids == vocabulary.unknown_id))
            parts.append(Part(start, stop, sentences, unknown))
    return parts, blank
