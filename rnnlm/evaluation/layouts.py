"""The layouts in which other programs write a probability per token.

`lm-prob`  what Mikolov's `rnnlm -lm-prob` reads: a line a token, every `</s>` too; P comes first, the rest is not read
`rnnlm`    `rnnlm -test -debug 2` of Mikolov: index, P and word between tabs, below a head; an unknown word is -1, OOV
`srilm`    `ngram -ppl -debug 2`: lines `p( word | before ...) = [3gram] P [ log10 P ]`, a block a sentence
`kenlm`    `query -v word`: a line a sentence, of cells `word=id length log10 P` and `Total: … OOV: …`

Probabilities have the digits that the programs print: six or seven, and `rnnlm` writes 0 below 5e-11.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from .. import storage
from ..ngram.arpa_lines import is_arpa
from ..text.files import Head
from ..text.lines import lines_of
from ..text.vocabulary import EOS, UNK
from .lines import bad_line, numbered_lines
from .lines import number as parse_number
from .stream import ABOVE_ZERO
from .stream_tsv import MAGIC

OURS = "rnnlm score"
_SRILM = re.compile(r"\tp\( (\S+) \| .*\t= (.*)\[ (\S+) \]")
_KENLM = re.compile(r"(\S+)=([0-9]+) [0-9]+ (\S+)$")
_INDEX = re.compile(r"[ -]*[0-9]+")
_KENLM_SUMMARY = re.compile(r"(Perplexity (in|ex)cluding OOVs|OOVs|Tokens):\t")


class Token(NamedTuple):
    """What a file says about one token.

    `line`     the number of its line, from 1
    `word`     the word, None where the layout does not name it
    `logp`     log P in nats, nan where the token has none
    `unknown`  whether the word is unknown to the program that wrote the file, None where the layout does not say
    """

    line: int
    word: str | None
    logp: float
    unknown: bool | None


def layout(file: str | Path | Head) -> str | None:
    """Return the name of a file's layout, recognised by its first lines, None for any other file.

    It is `OURS` for files of `rnnlm score`, else a key of `READERS`. Raises DataError where the file cannot be read.
    """
    head = Head.of(file)
    kind = storage.kind(head.path, head.start)
    if kind is not None:
        return OURS if kind == "stream" else None
    lines = lines_of(head.start[: 1 << 16].decode("utf-8", "replace"))[:50]
    if lines[0].startswith(MAGIC):
        return OURS
    if is_arpa(head):
        return None
    if any(map(_is_rnnlm_head, lines)):
        return "rnnlm"
    if any(line.startswith("\tp( ") for line in lines):
        return "srilm"
    if _KENLM.match(lines[0].partition("\t")[0]):
        return "kenlm"
    # Half of the lines may be bad, so that reading the file names the first of them.
    return "lm-prob" if 2 * sum(map(_is_number, lines)) > len(lines) else None


def _lm_prob(path: str | Path) -> Iterator[Token]:
    for number, line in numbered_lines(path):
        first = line.split(maxsplit=1)
        yield Token(number, None, _nats(path, number, first[0] if first else ""), None)


def _rnnlm(path: str | Path) -> Iterator[Token]:
    lines = numbered_lines(path)
    for _, line in lines:  # settings, up to the head of the table
        if _is_rnnlm_head(line):
            break
    for number, line in lines:
        if not line or line.startswith("test log probability:"):
            return
        if not line.strip("-"):
            continue
        cells = [cell for cell in line.split("\t") if cell]  # with -lm-prob, P of the other model is a fourth
        if len(cells) not in (3, 4) or not _INDEX.fullmatch(cells[0]):
            raise bad_line(path, number, f"{line[:60]!r} is not index, probability and word between tabs.")
        if cells[0].strip() == "-1":
            yield Token(number, None, math.nan, True)
        else:
            yield Token(number, cells[-1], _nats(path, number, cells[1]), cells[-1] == UNK)


def _srilm(path: str | Path) -> Iterator[Token]:
    inside = False  # between the first word of a sentence and its end; other lines hold the sentence itself or sums
    for number, line in numbered_lines(path):
        if match := _SRILM.match(line):
            word, how, log10 = match.groups()
            logp = _nats(path, number, log10, is_log10=True)
            if "[OOV]" in how and logp == -math.inf:
                yield Token(number, None, math.nan, True)
            else:
                yield Token(number, None if word == UNK else word, logp, word == UNK)
            inside = word != EOS
        elif inside or line.startswith("\t"):
            raise bad_line(path, number, f"{line[:60]!r} is not `p( word | … ) = [Ngram] P [ log10 P ]`, up to {EOS}.")


def _kenlm(path: str | Path) -> Iterator[Token]:
    for number, line in numbered_lines(path):
        if _KENLM_SUMMARY.match(line):
            return
        *cells, total = line.split("\t")
        if not total.startswith("Total: "):
            raise bad_line(path, number, f"it ends in {total[-60:]!r}, not in `Total: … OOV: …`.")
        for cell in cells:
            match = _KENLM.match(cell)
            if not match:
                raise bad_line(path, number, f"{cell[:60]!r} is not `word=id length log10 P`.")
            word, index, log10 = match.groups()
            yield Token(number, word, _nats(path, number, log10, is_log10=True), index == "0" or word == UNK)


READERS: dict[str, Callable[[str | Path], Iterator[Token]]] = {
    "lm-prob": _lm_prob,
    "rnnlm": _rnnlm,
    "srilm": _srilm,
    "kenlm": _kenlm,
}


def _nats(path: str | Path, number: int, text: str, is_log10: bool = False) -> float:
    try:
        value = parse_number(text)
        logp = value * math.log(10) if is_log10 else math.log(value) if value else -math.inf
    except ValueError:
        logp = math.nan
    if not logp <= ABOVE_ZERO:
        kind = "the log10 of a probability, 0 at most" if is_log10 else "a probability, from 0 to 1"
        raise bad_line(path, number, f"{text[:60]!r} is not {kind}.")
    return logp


def _is_rnnlm_head(line: str) -> bool:
    return line.split()[:2] == ["Index", "P(NET)"]


def _is_number(line: str) -> bool:
    try:
        float(line.split(maxsplit=1)[0])
    except (ValueError, IndexError):
        return False
    return True
