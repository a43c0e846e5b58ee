"""ARPA files, ours and those of other programs, to n-gram tables."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path

import numpy as np

from ..text.vocabulary import EOS, UNK, Vocabulary
from .arpa_lines import Lines, quoted
from .arpa_write import BOS, ZERO
from .assemble import DuplicateError, Ngrams, assemble
from .table import Table

OTHER_UNK = "<UNK>"  # as some programs write it
MILLION = 1e6


def read(path: str | Path, vocabulary: Vocabulary | None = None) -> tuple[Vocabulary, Table]:
    """The vocabulary and the float32 table of an ARPA file, plain or compressed.

    Ids follow the 1-grams, `</s>` first, or are those of `vocabulary`, which must have the same words; where only
    `vocabulary` has `<unk>`, its probability is zero. What stands
    above \\data\\ is a comment. A log10 of -99 or less is a probability or back-off weight of zero; where the weight is
    missing it is one. `<UNK>` is read as `<unk>`. N-grams may come in any order; the missing beginning of a longer one
    is inserted with what backing off gives it. N-grams with `<s>` behind or `</s>` before another word are left out, as
    no text asks for them. An ARPA file has no counts: those of a new vocabulary are P(word) in millionths, at least 1.
    Raises DataError with the line and the reason.
    """
    lines = Lines(path)
    sizes = lines.sizes()
    known, words = _words(lines, sizes[0], len(sizes), vocabulary)
    V = len(known)
    index = {word.encode(): i for i, word in enumerate(known.words)} | {BOS.encode(): V}
    if known.unk is not None:
        index.setdefault(OTHER_UNK.encode(), known.unk)
    longer: list[Ngrams] = []
    places: list[np.ndarray] = []  # the lines of these n-grams
    for k, size in enumerate(sizes[1:], 2):
        lines.expect(f"\\{k}-grams:")
        ngrams, line_numbers = _ngrams(lines, k, size, k == len(sizes), index)
        ids = ngrams.ids
        use = np.flatnonzero((ids[:, 0] != 0) & (ids[:, -1] != V) & (ids[:, 1:-1] % V != 0).all(1))
        ids[ids == V] = 0
        longer.append(Ngrams(*(column[use] for column in ngrams)))
        places.append(line_numbers[use])
    lines.expect("\\end\\")
    lines.finish()
    try:
        return known, assemble(words, longer)
    except DuplicateError as error:
        k, row = error.k, error.row
        begin, *rest = known.decode(longer[k - 2].ids[row])
        ngram = " ".join([BOS if begin == EOS else begin, *rest])
        raise lines.error(f"the {k}-gram {ngram!r} comes twice.", places[k - 2][row]) from None


def _words(lines: Lines, size: int, order: int, vocabulary: Vocabulary | None) -> tuple[Vocabulary, Ngrams]:
    """The section of the single words: the vocabulary, and the words as n-grams in order of id."""
    rows: dict[str, int] = {}
    numbers: list[int] = []  # of the lines
    parts = list(lines.section(1, size, highest=order == 1))
    for part in parts:
        for line, field in zip(part.lines.tolist(), part.words[0], strict=True):
            try:
                word = field.decode()
            except UnicodeDecodeError:
                raise lines.error(f"the word {quoted(field)} is not UTF-8. Convert the file to UTF-8.", line) from None
            if word in rows:
                raise lines.error(f"the word {word!r} comes twice.", line)
            rows[word] = len(numbers)
            numbers.append(line)
    if OTHER_UNK in rows and UNK not in rows and (vocabulary is None or OTHER_UNK not in vocabulary):
        rows = {UNK if word == OTHER_UNK else word: row for word, row in rows.items()}
    for mark, meaning in ((EOS, "end"), (BOS, "start")):
        if mark not in rows:
            raise lines.error(
                f"none of the {size} words is {mark}, the {meaning} of a sentence. Make the model with sentence marks."
            )
    start = rows.pop(BOS)
    logp, backoff = (_natural(np.concatenate(column)) for column in zip(*(part[2:] for part in parts), strict=True))
    if vocabulary is None:
        words = [EOS, *(word for word in rows if word != EOS)]
        p = np.exp(logp[[rows[word] for word in words]], dtype=np.float64)
        known = Vocabulary(words, np.maximum(1, np.round(p * MILLION)))
    else:
        known = vocabulary
        if known.unk is not None and UNK not in rows:  # a line as if the file had it
            rows[UNK] = len(numbers)
            logp, backoff = np.append(logp, logp.dtype.type(-np.inf)), np.append(backoff, backoff.dtype.type(0))
        for word in known.words:
            if word not in rows:
                raise lines.error(f"the word {word!r} of the vocabulary is not among the 1-grams up to here.")
        for word, row in rows.items():
            if word not in known:
                raise lines.error(f"the word {word!r} is not in the vocabulary.", numbers[row])
    rows_by_id = [rows[word] for word in known.words]
    weights = backoff[rows_by_id]
    weights[0] = backoff[start]  # as a context word 0 is <s>
    return known, Ngrams(np.arange(len(rows_by_id))[:, None], logp[rows_by_id], weights)


def _ngrams(lines: Lines, k: int, size: int, highest: bool, index: dict[bytes, int]) -> tuple[Ngrams, np.ndarray]:
    """The section of the n-grams of k words, in the order of the file, and the numbers of their lines."""
    numbers = [np.zeros(0, int)]
    parts = [Ngrams(np.zeros((0, k), np.int32), *np.zeros((2, 0), np.float32))]
    for part in lines.section(k, size, highest):
        columns = [np.fromiter(map(index.get, column, repeat(-1)), np.int32, len(column)) for column in part.words]
        ids = np.stack(columns, axis=1)
        for i, place in np.argwhere(ids < 0)[:1]:
            raise lines.error(f"the word {quoted(part.words[place][i])} is not among the 1-grams.", part.lines[i])
        parts.append(Ngrams(ids, _natural(part.logp), _natural(part.backoff)))
        numbers.append(part.lines)
    return Ngrams(*map(np.concatenate, zip(*parts, strict=True))), np.concatenate(numbers)


def _natural(log10: np.ndarray) -> np.ndarray:
    """The natural logarithms of log10 values as float32; -99 or less becomes -inf."""
    return np.where(log10 <= ZERO, -np.inf, log10 * np.log(10)).astype(np.float32)
