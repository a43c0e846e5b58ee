"""A text as ids: what every model reads."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from .. import catalogue
from ..cache_folder import cache_error, cache_folder, is_writable, new_folder
from .encode import CHARACTERS, IDS, Encoded, encode, read_description
from .files import read_blocks, source_name
from .parts import characters_before, count, cut_points
from .tokenizers import tokenizer as find_tokenizer
from .vocabulary import UNK, Vocabulary

_FORMAT = "2"  # part of every key in the cache: raise it when a tokenizer or the files change


class Corpus:
    """The tokens of a text in order, each sentence ended by `</s>`.

    `ids`         (n,) int32, memory-mapped when it comes from the cache; -1 for a word that the vocabulary lacks
    `vocabulary`  the words behind the ids
    `tokenizer`   name of the rule that made the tokens
    `name`        what messages call the text
    `sha256`      of the bytes of the whole text as they were read (unpacked); parts of a text share it

    A corpus is a stretch `start:stop` of a whole text; `split` gives others of the same text, without copying.
    """

    def __init__(
        self,
        ids: np.ndarray,
        vocabulary: Vocabulary,
        tokenizer: str = "words",
        name: str = "text",
        sha256: str = "",
        *,
        sentence_characters: np.ndarray | None = None,
        start: int = 0,
        stop: int | None = None,
    ) -> None:
        self.vocabulary, self.tokenizer, self.name, self.sha256 = vocabulary, tokenizer, name, sha256
        self._whole, self._sentence_characters = ids, sentence_characters
        self._start, self._stop = start, len(ids) if stop is None else stop
        self.ids = ids[self._start : self._stop]

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Corpus({self.name!r}, {len(self):,} tokens, {len(self.vocabulary):,} words, {self.tokenizer!r})"

    @cached_property
    def sentences(self) -> int:
        """How many sentence ends the text has."""
        return count(self.ids, self.vocabulary.eos)

    @cached_property
    def unknown(self) -> int:
        """How many tokens are `<unk>`, or -1 where the vocabulary has no `<unk>`."""
        return count(self.ids, self.vocabulary.unknown_id)

    @cached_property
    def characters(self) -> int:
        """How many characters the text has, the unit of bits per character.

        `words`: the letters of the words as written, also of unknown ones, one blank between two words, one newline a
        line. `prose`: the characters of the raw sentences with single blanks, one newline a sentence. `chars`: the
        characters, `bytes`: the bytes. A part cut inside a sentence has its share of that sentence. A corpus that was
        made from ids alone counts the letters of `<unk>` for a word it does not know.
        """
        find_tokenizer(self.tokenizer)
        if self.tokenizer in ("chars", "bytes"):
            return len(self)
        if self._sentence_characters is None:
            return self._spelled()
        at_stop, at_start = (
            characters_before(self._whole, self._sentence_characters, place) for place in (self._stop, self._start)
        )
        return at_stop - at_start

    def _spelled(self) -> int:
        lengths = np.array([*(len(word) + 1 for word in self.vocabulary.words), len(UNK) + 1])  # -1 takes the last
        lengths[self.vocabulary.eos] = 0  # the blank behind a line's last word is its newline …
        ends = self.ids == self.vocabulary.eos
        empty = np.count_nonzero(ends[1:] & ends[:-1]) + int(ends[:1].sum())  # … but an empty line has no word
        return int(lengths[self.ids].sum()) + int(empty)

    def split(self, fractions: Sequence[float]) -> list[Corpus]:
        """Return the text in parts of these shares of its tokens, views of the same ids, cut at sentence ends.

        Cuts and errors are those of `rnnlm.text.parts.cut_points`. The vocabulary stays that of the whole text; for a
        held-out part whose words were not seen, use `encode_split`.
        """
        points = cut_points(self.ids, fractions, self.name)
        return [self._part(a + self._start, b + self._start) for a, b in pairwise(points)]

    def _part(self, start: int, stop: int) -> Corpus:
        return Corpus(
            self._whole,
            self.vocabulary,
            self.tokenizer,
            self.name,
            self.sha256,
            sentence_characters=self._sentence_characters,
            start=start,
            stop=stop,
        )

    @classmethod
    def encode(
        cls,
        source: str | Path,
        *,
        vocabulary: Vocabulary | None = None,
        tokenizer: str = "words",
        max_vocab: int | None = None,
        min_count: int = 1,
        cache_dir: str | Path | None = None,
    ) -> Corpus:
        """Read a text, plain or compressed, "-" for standard input, or NAME:PART of the catalogue; return its ids.

        Without a `vocabulary` one is made from the text (`max_vocab` and `min_count` as in `Vocabulary.from_counts`).
        The ids are kept in the cache (`rnnlm.cache_folder`) under the file's path, size and time of change,
        the tokenizer and the vocabulary; a cache that cannot be written is replaced by a temporary folder.
        Raises DataError for a text that cannot be used, UsageError for a senseless keyword.
        """
        return cls.encode_split(
            source,
            [1.0],
            vocabulary=vocabulary,
            tokenizer=tokenizer,
            max_vocab=max_vocab,
            min_count=min_count,
            cache_dir=cache_dir,
        )[0]

    @classmethod
    def encode_split(
        cls,
        source: str | Path,
        fractions: Sequence[float],
        *,
        vocabulary: Vocabulary | None = None,
        tokenizer: str = "words",
        max_vocab: int | None = None,
        min_count: int = 1,
        cache_dir: str | Path | None = None,
    ) -> list[Corpus]:
        """Read a text as `encode` does and return it in parts: shares of its tokens, cut at the nearest sentence end.

        Without a `vocabulary` it is made from the first part alone, so that the others are as unknown as any new text.
        """
        rule, name = find_tokenizer(tokenizer), source_name(source)
        source = catalogue.part(source)

        def write(folder: Path) -> Encoded:
            return encode(read_blocks(source), name, folder, rule, vocabulary, fractions, max_vocab, min_count)

        path, cache = Path(source), cache_folder(cache_dir)
        keeps = is_writable(cache)
        if not keeps or str(source) == "-" or not path.is_file():  # a pipe cannot be known again
            place = cache if keeps else None
            scratch = tempfile.TemporaryDirectory(prefix="rnnlm-", dir=place, ignore_cleanup_errors=True)
            try:
                done = write(Path(scratch.name))
            except BaseException as error:
                scratch.cleanup()  # now: whoever holds the error holds this frame, and with it the folder
                if isinstance(error, OSError):
                    raise cache_error(Path(scratch.name).parent, error) from None
                raise
            parts = cls._open(Path(scratch.name), done, tokenizer, name)
            weakref.finalize(parts[0]._whole, scratch.cleanup)
            return parts
        choice = vocabulary.hash if vocabulary else f"own {max_vocab} {min_count}"
        state = path.stat()
        key = [_FORMAT, str(path.resolve()), state.st_size, state.st_mtime_ns, tokenizer, choice]
        key += map(float, fractions)
        folder = cache / "encoded" / hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
        known = read_description(folder, vocabulary)
        if known is None:
            shutil.rmtree(folder, ignore_errors=True)  # damaged, or not there
            with new_folder(folder) as draft:
                known = write(draft)
        return cls._open(folder, known, tokenizer, name)

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        vocabulary: Vocabulary | None = None,
        tokenizer: str = "words",
        max_vocab: int | None = None,
        min_count: int = 1,
        name: str = "text",
    ) -> Corpus:
        """Return the ids of a text that is in memory; keywords and errors as for `encode`, without a cache."""
        rule = find_tokenizer(tokenizer)
        blocks = [text.encode("utf-8", "surrogatepass")] if text else []
        with tempfile.TemporaryDirectory(prefix="rnnlm-") as scratch:
            done = encode(blocks, name, Path(scratch), rule, vocabulary, (1.0,), max_vocab, min_count)
            return cls._open(Path(scratch), done, tokenizer, name, in_memory=True)[0]

    @classmethod
    def _open(cls, folder: Path, done: Encoded, tokenizer: str, name: str, in_memory: bool = False) -> list[Corpus]:
        """Return the parts of an encoded text."""

        def read(file: Path) -> np.ndarray:
            if in_memory or not file.stat().st_size:  # nothing cannot be mapped
                return np.fromfile(file, dtype=np.int32)
            return np.memmap(file, dtype=np.int32, mode="r")

        ids = read(folder / IDS)
        characters = read(folder / CHARACTERS) if (folder / CHARACTERS).exists() else None
        corpora = []
        for part in done.parts:
            corpus = cls(
                ids,
                done.vocabulary,
                tokenizer,
                name,
                done.sha256,
                sentence_characters=characters,
                start=part.start,
                stop=part.stop,
            )
            # Counted while encoding; otherwise the first question would read the whole text again.
            corpus.sentences, corpus.unknown = part.sentences, part.unknown
            corpora.append(corpus)
        return corpora
