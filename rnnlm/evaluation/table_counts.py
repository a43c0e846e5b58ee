"""How many characters a text can have, by the words that a table of its scores shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..text.encoding import Encoding
from ..text.vocabulary import UNK


def possible_characters(encoding: Encoding, ids: np.ndarray, unknown: Sequence[str]) -> tuple[int, int | None]:
    """Return how many characters a text of these tokens has at least, and at most: None where the tokens do not say.

    `ids` (n,) are the tokens; `unknown` the cells of those without a word of their own, in which `<unk>` stands for any
    word. What counts as a character says `Corpus.characters`.
    """
    n, vocabulary = len(ids), encoding.vocabulary
    if encoding.tokenizer in ("chars", "bytes"):
        return n, n
    is_end = ids == vocabulary.eos
    ends = np.flatnonzero(is_end)
    if encoding.tokenizer != "words":  # a tokenizer may make several tokens of a character
        return len(ends), None
    # A part of a text of very long sentences may begin or end inside one, and has a share of its characters.
    is_whole = len(ends) > 0 and 3 * (ends[0] + 1) <= n and ends[-1] == n - 1
    if not is_whole or any(word == UNK or "\\" in word for word in unknown):
        return n, None  # every word has a letter, and a blank or a newline behind it
    empty = int(np.count_nonzero(is_end[1:] & is_end[:-1])) + int(is_end[0])
    lengths = np.array([len(word) + 1 for word in vocabulary.words])
    lengths[vocabulary.eos] = 0  # a line without words has its newline, and the others' is behind their last word
    known = ids[(ids >= 0) & (ids != vocabulary.unknown_id)]
    spelled = int(lengths[known].sum()) + sum(len(word) + 1 for word in unknown) + empty
    return spelled, spelled
