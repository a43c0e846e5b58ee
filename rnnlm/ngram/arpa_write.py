"""N-gram tables to ARPA files, the format that all n-gram programs read."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..errors import DataError, UsageError
from ..output_files import write_blocks
from ..text.vocabulary import EOS, Vocabulary
from .assemble import spell
from .table import Table

BOS = "<s>"  # the start of a sentence: word 0 as well, at the beginning of an n-gram
ZERO = -99.0  # the log10 of a probability or back-off weight of zero, by the format's custom
LINES = 1 << 14  # written at a time
LEVEL = 4  # of compression: the file is a twentieth larger than at the usual 6, in two thirds of the time


def write(path: str | Path, table: Table, vocabulary: Vocabulary) -> None:
    """Write a table as an ARPA file, compressed where the path ends in .gz; the same table gives the same bytes.

    A line is log10 P(last word | words before), tab, the words, tab, log10 of the back-off weight; the highest order
    has no weights. float32 numbers have 9 digits, so what is read back is what was written, bit for bit. Raises
    DataError where a word cannot be written because blanks separate words, UsageError for another kind of compression.
    """
    check_path(path)
    bad = next((word for word in vocabulary.words if word == BOS or re.search(r"[ \t-\r]", word) or not word), None)
    if bad is not None:
        reason = "there it is the start of a sentence" if bad == BOS else "there blanks separate words"
        raise DataError(f"the word {bad!r} cannot be in an ARPA file: {reason}. Save this model as a .rnnlm file.")
    blocks = (text.encode() for text in _text(table, vocabulary))
    write_blocks(path, _packed(blocks) if Path(path).suffix == ".gz" else blocks, "the ARPA file")


def check_path(path: str | Path) -> None:
    """Check how a file would be compressed; UsageError for the kinds that are only read."""
    if Path(path).suffix in (".bz2", ".xz"):
        raise UsageError(f"{path} would be compressed as {Path(path).suffix}. ARPA files are written plain or as .gz.")


def _packed(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks compressed with gzip, without a time, so that the same table gives the same bytes."""
    packer = zlib.compressobj(LEVEL, wbits=31)  # 31: gzip, whose header then has no time
    for block in blocks:
        yield packer.compress(block)
    yield packer.flush()


def _text(table: Table, vocabulary: Vocabulary) -> Iterator[str]:
    """The lines of the file, some thousand at a time."""
    sizes = np.diff(table.levels)
    sizes[0] += 1  # <s>, which is not a word of ours
    yield "\\data\\\n" + "".join(f"ngram {k}={size}\n" for k, size in enumerate(sizes, 1))
    words = np.array(vocabulary.words, dtype=object)
    begins = words.copy()
    begins[0] = BOS
    number = "%.9g" if table.logp.dtype == np.float32 else "%.17g"
    for k in range(1, table.order + 1):
        last = f"{number}\t%s\n"
        line = f"{number}\t%s\t{number}\n" if k < table.order else last
        level = table.level(k)
        yield f"\n\\{k}-grams:\n"
        if k == 1:  # word 0: as <s> it has a back-off weight, as </s> a probability
            yield line % (ZERO, BOS, *_log10(table.backoff[:1])) + last % (*_logp(table.logp[:1]), EOS)
        for begin in range(max(level.start, 1), level.stop, LINES):
            nodes = np.arange(begin, min(begin + LINES, level.stop))
            ids = spell(table, nodes, k)
            spelled = words[ids]
            spelled[:, 0] = begins[ids[:, 0]]
            columns: list[Iterable[object]] = [_logp(table.logp[nodes]), map(" ".join, spelled.tolist())]
            if k < table.order:
                columns.append(_log10(table.backoff[nodes]))
            yield "".join(map(line.__mod__, zip(*columns, strict=True)))
    yield "\n\\end\\\n"


def _logp(values: np.ndarray) -> list[float]:
    """Log-probabilities as the file holds them; one that rounding put above 0 is 0, since readers refuse it."""
    return _log10(np.minimum(values, 0))


def _log10(values: np.ndarray) -> list[float]:
    """Natural logarithms as log10, -99 or more."""
    return np.maximum(values.astype(np.float64) / np.log(10), ZERO).tolist()
