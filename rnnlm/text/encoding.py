"""The class `Encoding`: a tokenizer and a vocabulary as one value, which turns text into ids and ids into text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from .. import storage
from ..errors import DataError, UsageError
from ..own_source import Trust, file_of
from ..stored import Stored
from .pieces import text_pieces
from .places import Place
from .tokenizer import Tokenizer
from .tokenizers import tokenizer, unit_of
from .vocabulary import UNK, Vocabulary

_ESCAPES = str.maketrans(
    {"\t": "\\t", "\r": "\\r", "\n": "\\n", "\0": "\\0"}
)  # characters that a cell of a table cannot hold


@dataclass(frozen=True, eq=False)
class Encoding:
    """A tokenizer and a vocabulary: what a corpus, a model, a stream of probabilities and their files carry.

    `tokenizer`   the short text that names the rule, such as "words"; see `rnnlm.text.tokenizers.tokenizer`
    `vocabulary`  the words and their ids
    `learned`     what the rule learned from its training text, as JSON-able data; None for a rule that learns nothing
    `source`      of a user's own rule: the SHA-256 of the file that it was in; "" for others
    `folder`      where the user's file is looked for besides the working directory; it is no part of the value
    `trust`       whether the user's file may run, where `source` says which it must be; it is no part of the value

    Two encodings with the same `hash` are equal: they give the same ids to every text. A user's file is run only when
    the tokenizer itself is needed: to encode, to join, or to find places.
    """

    tokenizer: str
    vocabulary: Vocabulary
    learned: Any = None
    source: str = ""
    folder: Path = field(default=Path(), repr=False)
    trust: Trust = field(default=False, repr=False)

    @classmethod
    def of(cls, rule: Tokenizer, vocabulary: Vocabulary) -> Self:
        """Return the encoding of a tokenizer, which has learned already if it learns, and a vocabulary.

        Raises UsageError for a tokenizer that `rnnlm.text.tokenizer` did not make, since it could not be made again
        from a file, and for one whose state is missing or cannot be written as JSON.
        """
        name = type(rule).__name__
        if not rule.spec:
            raise UsageError(
                f"the tokenizer {name} has no text that it can be made from again. Make it by "
                f"rnnlm.text.tokenizer('FILE.py:{name}')."
            )
        try:
            learned = json.loads(json.dumps(rule.state()))
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"the state of the tokenizer {name} is not JSON-able data: {error}. Return numbers, strings, lists and "
                "dictionaries."
            ) from error
        if not rule.is_ready:
            raise UsageError(f"the tokenizer {name} learns, but its method state returns None. Return what it learned.")
        encoding = cls(rule.spec, vocabulary, learned, rule.source)
        vars(encoding)["rule"] = rule
        return encoding

    @cached_property
    def rule(self) -> Tokenizer:
        """The tokenizer itself, made when first used. Raises what `rnnlm.text.tokenizer` raises."""
        return tokenizer(self.tokenizer, state=self.learned, source=self.source, folder=self.folder, trust=self.trust)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Encoding) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __str__(self) -> str:
        return f"{self.size}, tokenizer {self.tokenizer}, hash {self.vocabulary.hash[:12]}"

    def with_vocabulary(self, vocabulary: Vocabulary) -> Self:
        """Return an encoding with the same tokenizer and other words."""
        other = replace(self, vocabulary=vocabulary)
        if "rule" in vars(self):  # made already, so that a user's own file need not be found again
            vars(other)["rule"] = self.rule
        return other

    def facts(self) -> dict[str, Any]:
        """Return what `rnnlm info` shows of the encoding: sizes, names and hashes."""
        facts = {"words": len(self.vocabulary), "vocabulary": self.vocabulary.hash, "tokenizer": self.tokenizer}
        return facts if self.is_plain else facts | {"encoding": self.hash}

    @property
    def unit(self) -> str:
        """What messages call one token, such as "word"; "words" is the plural."""
        return unit_of(self.tokenizer)

    @property
    def size(self) -> str:
        """The size of the vocabulary for a person, such as "10,000 words"."""
        return f"{len(self.vocabulary):,} {self.unit}s"

    @property
    def is_plain(self) -> bool:
        """Whether the tokenizer's name says all about it: it has learned nothing and is not a user's own."""
        return self.learned is None and not self.source

    @cached_property
    def hash(self) -> str:
        """The hexadecimal sha256 of the tokenizer's name, what it learned, its source, and the words in their order.

        Of a user's own tokenizer the class name and the content of its file count, but not the path of the file.
        """
        parts = [_name(self.tokenizer), self.learned, self.source, self.vocabulary.hash]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def encode(self, text: str) -> np.ndarray:
        """Return the ids of a text in memory, int32, as `Corpus.encode` gives them for a file; -1 for unknown words.

        Raises DataError for a text that the tokenizer refuses.
        """
        types, numbers = first_numbers(self.rule, text)
        return self.vocabulary.encode(types)[numbers]

    def places(self, text: str) -> list[Place]:
        """Return the place in the text of each token, in the order of the ids that `encode` returns.

        Raises DataError where a user's own tokenizer cannot say.
        """
        return self.rule.places(text)

    def prompt(self, text: str) -> list[str]:
        """Return the tokens of a text that a model continues: `</s>` between sentences or lines but not at the end."""
        return self.rule.prompt(text)

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the words of the ids; -1 becomes `<unk>`. Raises DataError for an id outside the vocabulary."""
        return self.vocabulary.decode(ids)

    def join(self, words: Iterable[str]) -> str:
        """Return words as readable text; `</s>` becomes a newline."""
        return self.rule.join(words)

    @cached_property
    def cells(self) -> list[str]:
        """The words as tables with tabs show them: a tab, CR, LF and NUL are \\t, \\r, \\n and \\0."""
        return [word.translate(_ESCAPES) for word in self.vocabulary.words]

    @cached_property
    def cell_ids(self) -> Mapping[str, int]:
        """The ids of the words as tables show them; a word that looks like the escape of another keeps its own id."""
        return dict(zip(self.cells, range(len(self.cells)), strict=True)) | self.vocabulary.index

    def to_json(self) -> dict[str, Any]:
        """Return the encoding as data that can be written as JSON; `from_json` reads it."""
        words = {"words": self.vocabulary.words, "counts": self.vocabulary.counts.tolist()}
        about: dict[str, Any] = {"tokenizer": self.tokenizer, "vocabulary": words}
        if self.learned is not None:
            about["learned"] = self.learned
        return about | ({"source": self.source} if self.source else {})

    @classmethod
    def from_json(cls, about: Mapping[str, Any], folder: Path = Path()) -> Self:
        """Return the encoding that `to_json` described. Raises KeyError or ValueError where something is missing.

        `folder` is where the file of a user's own tokenizer is looked for besides the working directory.
        """
        vocabulary = Vocabulary(about["vocabulary"]["words"], about["vocabulary"]["counts"])
        source = about.get("source", "")
        _require_source(about["tokenizer"], source)
        return cls(about["tokenizer"], vocabulary, about.get("learned"), source, folder)

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the encoding as a part of a file, header entries and arrays by name; `unpack` reads it."""
        header: dict[str, Any] = {"tokenizer": self.tokenizer}
        arrays = {
            "vocabulary.words": storage.json_array(self.vocabulary.words),
            "vocabulary.counts": np.asarray(self.vocabulary.counts, dtype=np.int64),
        }
        if self.source:
            header["tokenizer.source"] = self.source
        if self.learned is not None:
            arrays["tokenizer.learned"] = storage.json_array(self.learned)
        return header, arrays

    @classmethod
    def unpack(cls, stored: Stored) -> Self:
        """Return the encoding that `to_arrays` described. Raises DataError where something is missing.

        A user's own tokenizer is looked for in the working directory and in the folder of the file.
        """
        words = stored.json("vocabulary.words")
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise DataError(f"the array {stored.prefix}vocabulary.words must be a list of words, each a text.")
        counts = stored.array("vocabulary.counts", [np.int64], [len(words)])
        if counts.min(initial=0) < 0:
            raise DataError(f"the array {stored.prefix}vocabulary.counts holds {counts.min()}. It must hold counts.")
        vocabulary = Vocabulary(words, counts)
        state = stored.json("tokenizer.learned") if stored.has_array("tokenizer.learned") else None
        source = stored.text("tokenizer.source", "")
        _require_source(stored.text("tokenizer"), source)
        return cls(stored.text("tokenizer"), vocabulary, state, source, stored.folder, stored.trust)


def _require_source(tokenizer: str, source: str) -> None:
    """Raise DataError where a file names a user's own tokenizer without a SHA-256: any code could stand there."""
    if file_of(tokenizer) is not None and not source:
        raise DataError(f"the tokenizer {tokenizer} is named without the SHA-256 of its source, so it is not run.")


def as_encoding(value: Encoding | Vocabulary) -> Encoding:
    """Return an encoding unchanged, and for a vocabulary the encoding that it makes with the tokenizer `words`."""
    return value if isinstance(value, Encoding) else Encoding("words", value)


def first_numbers(rule: Tokenizer, text: str) -> tuple[list[str], np.ndarray]:
    """Return the distinct tokens of a text by first appearance, and the index in that list of each token, int32."""
    encoder = rule.encoder("the text")
    blocks = [text.encode("utf-8", "surrogatepass")] if text else []
    pieces = text_pieces(blocks, "the text", rule.cut) if rule.cut else blocks
    numbers = np.concatenate([*(encoder.feed(piece) for piece in pieces), encoder.finish()])
    return encoder.types(), numbers


class Difference(NamedTuple):
    """The first difference of two encodings: what differs, its value in either, and what to do about it."""

    what: str
    one: str
    other: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what}, {self.one} against {self.other}. {self.advice}"


def difference(one: Encoding, other: Encoding) -> Difference | None:
    """Return the first difference of two encodings, None where they give the same ids to every text."""
    if one.hash == other.hash:
        return None
    first, second = one.vocabulary, other.vocabulary
    if first.hash != second.hash:
        if set(first.words) ^ set(second.words) == {UNK}:
            one_has, other_has = (f"the word {UNK}" if v.unk is not None else "none" for v in (first, second))
            advice = "Train both with the same `max_vocab` and `min_count`, or give the n-gram model as an ARPA file."
            return Difference(f"their words are the same but for {UNK}", one_has, other_has, advice)
        place = next((i for i, (v, w) in enumerate(zip(first.words, second.words, strict=False)) if v != w), None)
        if place is None:
            sizes = (f"{len(first):,} words", f"{len(second):,} words")
            return Difference("their vocabularies differ in size", *sizes, "Train both on the same text.")
        words = (repr(first.words[place]), repr(second.words[place]))
        return Difference(f"word {place} of their vocabularies differs", *words, "Train both on the same text.")
    if _name(one.tokenizer) != _name(other.tokenizer):
        rules = (one.tokenizer, other.tokenizer)
        return Difference("their texts were cut by different rules", *rules, "Give both the same tokens.")
    if one.source != other.source:
        sources = (f"sha256 {one.source[:12]}", f"sha256 {other.source[:12]}")
        return Difference(f"the source of {one.tokenizer} differs", *sources, "Train both with the same file.")
    digests = [hashlib.sha256(json.dumps(e.learned, sort_keys=True).encode()).hexdigest()[:12] for e in (one, other)]
    what = f"the tokenizer {one.tokenizer} has learned different data"
    return Difference(what, f"sha256 {digests[0]}", f"sha256 {digests[1]}", "Train both on the same text.")


def require_same(one: Encoding, other: Encoding, beginning: str) -> None:
    """Raise DataError where two encodings are not equal; its message is `beginning` and their first difference."""
    first_difference = difference(one, other)
    if first_difference is not None:
        raise DataError(f"{beginning}: {first_difference}")


def _name(spec: str) -> str:
    """Return the name of a tokenizer, of a user's own without the path of its file."""
    return spec if file_of(spec) is None else f"own:{spec.rpartition(':')[2]}"
