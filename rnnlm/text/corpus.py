"""The class `Corpus`: a text as ids, which every model reads."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from .. import catalogue
from ..errors import TextWarning, UsageError, enough_memory
from . import hints, id_cache
from .encode import CHARACTERS, IDS, Encoded, Part, encode
from .encoding import Encoding, as_encoding
from .files import read_blocks, source_name
from .kept_text import Text, parts_of
from .memory_folder import Folder, MemoryFolder, ids_in
from .parts import characters_before, count, cut_points
from .tokenizer import Tokenizer
from .tokenizers import tokenizer as find_tokenizer
from .vocabulary import EOS, Vocabulary


class Corpus:
    """The tokens of a text in order, each sentence ended by `</s>`.

    `ids`         (n,) int32, memory-mapped when it comes from the cache; -1 for a word that the vocabulary lacks
    `encoding`    how the text became ids: its tokenizer and `vocabulary`; a vocabulary alone means tokenizer `words`
    `name`        what messages call the text
    `sha256`      of the bytes of the whole text as they were read (unpacked); parts of a text share it
    `whole`       the ids of the whole text

    A corpus is the part `start:stop` of a whole text; `split` returns parts of the same text, without copying.
    `sentence_characters` holds how many characters each sentence of the whole text has, where that is known.
    """

    def __init__(
        self,
        ids: np.ndarray,
        encoding: Encoding | Vocabulary,
        *,
        name: str = "text",
        sha256: str = "",
        sentence_characters: np.ndarray | None = None,
        start: int = 0,
        stop: int | None = None,
    ) -> None:
        self.encoding, self.name, self.sha256 = as_encoding(encoding), name, sha256
        self.whole, self._sentence_characters = ids, sentence_characters
        self._start, self._stop = start, len(ids) if stop is None else stop
        self.ids = ids[self._start : self._stop]

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Corpus({self.name!r}, {len(self):,} tokens, {self.encoding.size}, {self.tokenizer!r})"

    @property
    def vocabulary(self) -> Vocabulary:
        """The words behind the ids."""
        return self.encoding.vocabulary

    @property
    def tokenizer(self) -> str:
        """The name of the tokenizer that made the tokens, such as "words"."""
        return self.encoding.tokenizer

    @cached_property
    def sentences(self) -> int:
        """The number of sentence ends in the text."""
        return count(self.ids, self.vocabulary.eos)

    @cached_property
    def unknown(self) -> int:
        """The number of unknown tokens: those with the id of `<unk>`, or -1 where the vocabulary has no `<unk>`."""
        return count(self.ids, self.vocabulary.unknown_id)

    @property
    def left_out(self) -> int:
        """The number of tokens without a probability: the unknown ones where the vocabulary has no `<unk>`, else 0."""
        return self.unknown if self.vocabulary.unk is None else 0

    @cached_property
    def characters(self) -> int:
        """The number of characters of the text, by which bits per character divides.

        What counts depends on the tokenizer. `words`: the letters of the words as written, also of unknown ones, one
        blank between two words, one newline a line. `prose`: the characters of the raw sentences with single blanks,
        one newline a sentence. `chars`: the characters. `bytes`: the bytes. A user's own: the characters of the lines
        with single blanks, one newline a line. A part that is cut inside a sentence has its share of that sentence. A
        corpus that was made from ids alone counts the letters of `<unk>` for an unknown word.
        """
        if self._sentence_characters is None:
            return self.encoding.rule.characters(self.ids, self.vocabulary)
        at_stop, at_start = (
            characters_before(self.whole, self._sentence_characters, place) for place in (self._stop, self._start)
        )
        return at_stop - at_start

    def split(self, fractions: Sequence[float]) -> list[Corpus]:
        """Return the text in parts, which are views of the same ids: shares of its tokens, cut at sentence ends.

        Cuts and errors are those of `rnnlm.text.parts.cut_points`. The vocabulary stays that of the whole text; for a
        held-out part whose words were not seen, use `encode_split`.
        """
        points = cut_points(self.ids, fractions, self.name)
        return [self._part(a + self._start, b + self._start) for a, b in pairwise(points)]

    def _part(self, start: int, stop: int) -> Corpus:
        return Corpus(
            self.whole,
            self.encoding,
            name=self.name,
            sha256=self.sha256,
            sentence_characters=self._sentence_characters,
            start=start,
            stop=stop,
        )

    @classmethod
    def encode(
        cls,
        source: str | Path,
        *,
        encoding: Encoding | None = None,
        vocabulary: Vocabulary | None = None,
        tokenizer: str | Tokenizer = "words",
        max_vocab: int | None = None,
        min_count: int = 1,
        cache_dir: str | Path | None = None,
    ) -> Corpus:
        """Read a text, plain or compressed, "-" for standard input, or NAME:PART of the catalogue; return its ids.

        `encoding` is that of a model or of another text. Without it one is made of `tokenizer` (a text such as
        "words", see `rnnlm.text.tokenizer`, or a Tokenizer) and `vocabulary`; a missing vocabulary is made from the
        text, with `max_vocab` and `min_count` as in `Vocabulary.from_counts`. The ids are kept in the cache
        (`rnnlm.cache_folder`) by the content of the text and the encoding, see `rnnlm.text.id_cache`; a cache that
        cannot be written is replaced by a temporary folder, with a warning. A text that is probably not what it is
        taken for gives a TextWarning (`rnnlm.text.hints`). Raises DataError for a text that cannot be used, UsageError
        for keywords that contradict each other or are out of range.
        """
        return cls.encode_split(
            source,
            [1.0],
            encoding=encoding,
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
        encoding: Encoding | None = None,
        vocabulary: Vocabulary | None = None,
        tokenizer: str | Tokenizer = "words",
        max_vocab: int | None = None,
        min_count: int = 1,
        cache_dir: str | Path | None = None,
    ) -> list[Corpus]:
        """Read a text as `encode` does and return it in parts: shares of its tokens, cut at the nearest sentence end.

        `fractions` are the shares, which add up to 1; the other keywords and the errors are those of `encode`. Where no
        vocabulary is given, it is made from the first part alone, so that held-out parts have unknown words as any new
        text has. A tokenizer that learns does so from the first part alone; its parts are shares of the bytes, not of
        the tokens.
        """
        request = _request(encoding, vocabulary, tokenizer, fractions, max_vocab, min_count)
        name, named, source = source_name(source), source, catalogue.part(source)

        def write(folder: Folder) -> Encoded:
            return _encode(read_blocks(source), name, folder, request)

        say = source == named and not catalogue.holds(source)  # how a named corpus is read is known
        advice = "Its different words and its longest line must fit: try tokenizer=chars, or more memory."
        with enough_memory(f"reading {name}", advice):
            return parts_of(
                Text(source, request, write),
                lambda folder, encoded: cls._open(folder, encoded, name, say),
                cache_dir,
            )

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        encoding: Encoding | None = None,
        vocabulary: Vocabulary | None = None,
        tokenizer: str | Tokenizer = "words",
        max_vocab: int | None = None,
        min_count: int = 1,
        name: str = "text",
    ) -> Corpus:
        """Return the ids of a text that is in memory; keywords and errors as for `encode`, without a cache."""
        request = _request(encoding, vocabulary, tokenizer, (1.0,), max_vocab, min_count)
        blocks = [text.encode("utf-8", "surrogatepass")] if text else []
        folder = MemoryFolder()
        return cls._open(folder, _encode(blocks, name, folder, request), name)[0]

    @classmethod
    def _open(cls, folder: Folder, encoded: Encoded, name: str, say: bool = True) -> list[Corpus]:
        """Return the parts of the encoded text in a folder; with `say`, its hints become warnings."""
        for hint in [*encoded.hints, *_unknown_words(encoded.parts)] if say else []:
            warnings.warn(hint.about(name), TextWarning, stacklevel=3)
        ids = ids_in(folder / IDS)
        characters = ids_in(folder / CHARACTERS) if (folder / CHARACTERS).exists() else None
        corpora = []
        for part in encoded.parts:
            corpus = cls(
                ids,
                encoded.encoding,
                name=name,
                sha256=encoded.sha256,
                sentence_characters=characters,
                start=part.start,
                stop=part.stop,
            )
            # They were counted while encoding; otherwise the first use of either would read the whole text again.
            corpus.sentences, corpus.unknown = part.sentences, part.unknown
            corpora.append(corpus)
        return corpora


def _request(
    encoding: Encoding | None,
    vocabulary: Vocabulary | None,
    tokenizer: str | Tokenizer,
    fractions: Sequence[float],
    max_vocab: int | None,
    min_count: int,
) -> id_cache.Request:
    """Return what the keywords of `Corpus.encode` ask for. Raises UsageError where two of them contradict."""
    if encoding is not None and (vocabulary is not None or tokenizer != "words"):
        raise UsageError("an encoding has a tokenizer and a vocabulary. Give the encoding alone, or these without it.")
    if encoding is not None:
        rule = encoding.rule
    else:
        rule = find_tokenizer(tokenizer) if isinstance(tokenizer, str) else tokenizer
        if vocabulary is not None and not rule.is_ready:
            raise UsageError(
                f"the tokenizer {rule.spec} learns from a text, and a vocabulary alone does not say what it learned. "
                "Give the encoding that both belong to."
            )
        if rule.is_ready:  # made now, so that an unusable tokenizer is refused before the work
            made = Encoding.of(rule, vocabulary or Vocabulary([EOS], [0]))
            encoding = None if vocabulary is None else made
    return id_cache.Request(rule, encoding, fractions, max_vocab, min_count)


def _unknown_words(parts: Sequence[Part]) -> list[hints.Hint]:
    """The hint on a whole text none of whose words is known; that depends on the vocabulary and not on the text."""
    part = parts[0]
    hint = hints.of_unknown_words(part.stop - part.start, part.sentences, part.unknown)
    return [hint] if hint is not None and len(parts) == 1 else []


def _encode(blocks: Iterable[bytes], name: str, folder: Folder, request: id_cache.Request) -> Encoded:
    encoding = request.encoding
    vocabulary = None if encoding is None else encoding.vocabulary
    limits = (request.max_vocab, request.min_count)
    encoded = encode(blocks, name, folder, request.tokenizer, vocabulary, request.fractions, *limits)
    return encoded if encoding is None else replace(encoded, encoding=encoding)
