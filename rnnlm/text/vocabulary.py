"""The words a model knows, and their numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from ..errors import DataError, UsageError

EOS = "</s>"  # the end of a sentence, and the history before the first word
UNK = "<unk>"  # the one word that stands for all the words that were cut


class Vocabulary:
    """A numbered list of words with their counts: `</s>` is number 0, the others are sorted by falling count.

    Word classes rely on this order (a class is a contiguous range of ids), so it is fixed here and nowhere else.

    `words`   list of V strings
    `counts`  (V,) int64, occurrences in the training text
    `index`   word -> id
    `eos`     0, always
    `unk`     id of `<unk>`, or None where the vocabulary has none: unknown words are then -1, neither read nor scored

    Raises DataError where the lengths disagree, a word comes twice, or `</s>` is not the first word.
    """

    eos = 0

    def __init__(self, words: Sequence[str], counts: Sequence[int] | np.ndarray) -> None:
        self.words = list(words)
        self.counts = np.asarray(counts, dtype=np.int64)
        if self.counts.shape != (len(self.words),):
            raise DataError(
                f"a vocabulary needs a count for each word: {len(self.words)} words, counts {self.counts.shape}."
            )
        if not self.words or self.words[0] != EOS:
            first = repr(self.words[0]) if self.words else "none"
            raise DataError(f"the first word of a vocabulary must be {EOS}, found {first}. Use Vocabulary.from_counts.")
        self.index = dict(zip(self.words, range(len(self.words)), strict=True))
        if len(self.index) != len(self.words):
            twice = next(word for i, word in enumerate(self.words) if self.index[word] != i)
            raise DataError(f"the word {twice!r} comes twice in the vocabulary; each word may come once.")
        self.unk = self.index.get(UNK)

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], max_vocab: int | None = None, min_count: int = 1) -> Vocabulary:
        """Sort words by falling count, ties in the mapping's order, and cut the rare ones.

        `max_vocab` bounds the number of words, `</s>` and `<unk>` included; `min_count` is the least count of a word
        that is kept. The counts of the words that are cut are added to that of `<unk>`; where none is cut, the
        vocabulary has `<unk>` only if the text has it.
        Raises UsageError for `max_vocab` < 2 or `min_count` < 1.
        """
        if max_vocab is not None and max_vocab < 2:
            raise UsageError(f"max_vocab={max_vocab}, but {EOS} and {UNK} need two places. Give max_vocab >= 2.")
        if min_count < 1:
            raise UsageError(f"min_count={min_count} keeps every word, as 1 does. Give min_count >= 1.")
        ordinary = [(word, int(n)) for word, n in counts.items() if word not in (EOS, UNK)]
        ordinary.sort(key=lambda pair: -pair[1])  # a stable sort: ties stay in order of first appearance
        limit = len(ordinary)
        if max_vocab is not None and len(ordinary) + 1 + (UNK in counts) > max_vocab:
            limit = max_vocab - 2
        kept = [pair for pair in ordinary[:limit] if pair[1] >= min_count]
        cut = sum(n for _, n in ordinary[len(kept) :])
        unknown = int(counts.get(UNK, 0)) + cut
        if UNK in counts or len(kept) < len(ordinary):
            # Among words of its count <unk> comes last if the text does not have it, else where the text has it first.
            rank = {word: i for i, word in enumerate(counts)}
            kept.append((UNK, unknown))
            kept.sort(key=lambda pair: (-pair[1], rank.get(pair[0], len(rank))))
        words = [EOS, *(word for word, _ in kept)]
        return cls(words, [int(counts.get(EOS, 0)), *(n for _, n in kept)])

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    def __repr__(self) -> str:
        return f"Vocabulary(size {len(self):,}{'' if self.unk is None else ', with ' + UNK})"

    @cached_property
    def hash(self) -> str:
        """The hexadecimal sha256 of the words in their order: models with equal hashes share their words."""
        return hashlib.sha256("\n".join(self.words).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def unknown_id(self) -> int:
        """The id that an unknown word gets: that of `<unk>`, or -1 where there is none."""
        return -1 if self.unk is None else self.unk

    def encode(self, tokens: Iterable[str]) -> np.ndarray:
        """Return the ids of the tokens, int32; an unknown word is `<unk>`, or -1 where the vocabulary has none."""
        unknown = self.unknown_id
        return np.array([self.index.get(token, unknown) for token in tokens], dtype=np.int32)

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Return the words of the ids; -1 becomes `<unk>`. Raises DataError for an id outside the vocabulary."""
        numbers = [int(i) for i in ids]
        outside = next((i for i in numbers if not -1 <= i < len(self.words)), None)
        if outside is not None:
            raise DataError(f"word id {outside} is outside the vocabulary; ids run from 0 to {len(self) - 1}.")
        return [UNK if i < 0 else self.words[i] for i in numbers]
