"""Writing a probability stream as a table with tabs: a line for each word, for each sentence, or for the text."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .. import output_files
from ..errors import DataError, UsageError
from ..text.corpus import Corpus
from ..text.vocabulary import UNK
from .perplexity import stream_perplexity
from .stream import CONTEXTS, Stream, require_possible
from .table_counts import possible_characters

MAGIC = "# rnnlm score: per "
QUOTING = (
    'a word that holds " is in double quotes, and each " in it is doubled; tab, CR, LF and NUL are \\t, \\r, \\n, \\0'
)
PER = ("word", "sentence", "text")
UNITS = {"nats": 1.0, "bits": math.log(2), "log10": math.log(10)}  # the size of each unit in nats
_ROWS = 10_000  # lines that are formatted at a time
_SPECIAL = {"nan": "NaN", "inf": "Inf", "-inf": "-Inf"}  # as R and pandas read them


def write_tsv(
    stream: Stream,
    path: str | Path | None = None,
    *,
    per: str = "word",
    unit: str = "bits",
    words: Corpus | None = None,
) -> None:
    """Write a stream as a table to a file, whole or not at all, or without a path to standard output.

    The first lines, `# key: value`, say what must be known to compare it. Then come the names of the columns, then:

    per word      sentence, position (both from 1), word, unknown (1 or 0), logprob, surprisal = -logprob, and where
                  the stream has them entropy, rank, and top1, top1_logprob, top2, …: the likeliest words
    per sentence  sentence, tokens, scored, unknown, logprob (the sum), perplexity
    per text      tokens, scored, unknown, sentences, logprob, perplexity, perplexity_known (without unknown words),
                  bits_per_character

    `unit` (nats, bits, log10) is the unit of log-probabilities, surprisal and entropy. `words` is the same text encoded
    with its own vocabulary, `Corpus.encode(path, tokenizer=lm.encoding.rule)`, so that the word column shows unknown
    words as they are written; without it they are `<unk>`. A token that is not scored has NaN and the rank 0. A tab in
    a token is written `\\t`, a carriage return `\\r`, a newline `\\n`, a zero byte `\\0`. A word with a quotation mark
    is in quotation marks, and those in it are doubled, as csv, pandas and R read tables by default. Raises UsageError
    for another `per` or `unit`, DataError where `words` is another text, the stream holds numbers that cannot be, or
    the file cannot be written.
    """
    check(per, unit)
    if words is not None and len(words) != len(stream):
        raise DataError(
            f"{words.name} has {len(words):,} tokens, the stream {len(stream):,}. Encode the text that was scored."
        )
    if per == "word":  # the only one that is read back
        require_possible(stream)
        _require_possible_characters(stream, words)
    rows = {"word": _words, "sentence": _sentences, "text": _text}[per](stream, UNITS[unit], words)
    blocks = (f"{block}\n" for block in _with_head(stream, per, unit, rows))
    if path is None:
        for block in blocks:
            sys.stdout.write(block)
    else:
        output_files.write_blocks(path, map(output_files.to_bytes, blocks), "the scores")


def check(per: str, unit: str) -> None:
    """Raise UsageError unless `per` is one of `PER` and `unit` one of `UNITS`."""
    if per not in PER:
        raise UsageError(f"per={per!r} is not possible. Give one of {', '.join(PER)}.")
    if unit not in UNITS:
        raise UsageError(f"unit={unit!r} is not possible. Give one of {', '.join(UNITS)}.")


def _require_possible_characters(stream: Stream, words: Corpus | None) -> None:
    """Raise DataError where a stream has another number of characters than its words, which reading would refuse."""
    is_unknown = stream.ids == stream.vocabulary.unknown_id
    shown = [] if words is None else [words.encoding.cells[i] for i in words.ids[is_unknown]]
    if words is None and is_unknown.any():
        shown = [UNK]
    least, most = possible_characters(stream.encoding, stream.ids, shown)
    if stream.characters < least or (most is not None and stream.characters > most):
        right = f"{least:,}" if least == most else f"at least {least:,}"
        raise DataError(
            f"{stream.model} on {stream.text} has characters={stream.characters}, and by its words it has {right}. "
            "Score the text again."
        )


def _with_head(stream: Stream, per: str, unit: str, rows: Iterator[str]) -> Iterator[str]:
    about = {
        "model": stream.model,
        "text": stream.text,
        "sha256": stream.sha256,
        "tokenizer": stream.tokenizer,
        "tokens": len(stream),
        "characters": stream.characters,
        **({} if stream.encoding.is_plain else {"encoding": stream.encoding.hash}),
        "vocabulary": stream.vocabulary.hash,
        "vocabulary size": len(stream.vocabulary),
        "unknown words": stream.unknown,
        "sentence ends": f"{'' if stream.ends else 'not '}scored; {stream.context}: {CONTEXTS[stream.context]}",
        "unit": unit,
        "quoting": QUOTING,
    }
    yield "\n".join([MAGIC + per, *(f"# {key}: {' '.join(str(value).split())}" for key, value in about.items())])
    yield from rows


def _words(stream: Stream, unit: float, words: Corpus | None) -> Iterator[str]:
    columns = ["sentence", "position", "word", "unknown", "logprob", "surprisal"]
    columns += ["entropy"] * (stream.entropy is not None) + ["rank"] * (stream.rank is not None)
    top = 0 if stream.top_ids is None else stream.top_ids.shape[1]
    yield "\t".join(columns + [name for k in range(1, top + 1) for name in (f"top{k}", f"top{k}_logprob")])

    words_of_model = [*_quoted(stream.encoding.cells), UNK]  # the last one is for the id -1
    shown, ids = words_of_model, stream.ids
    if words is not None:
        shown, ids = _quoted(words.encoding.cells), words.ids
    starts = _starts(stream)
    sentence = np.repeat(np.arange(1, len(starts) + 1), np.diff(starts, append=len(stream)))
    position = np.arange(len(stream)) - starts[sentence - 1] + 1
    is_unknown = stream.is_unknown.astype(int)
    for start in range(0, len(stream), _ROWS):
        rows = slice(start, start + _ROWS)
        logp = np.minimum(stream.logp[rows], 0.0) / unit  # what rounding has put above 0 is 0
        cells = [
            map(str, sentence[rows].tolist()),
            map(str, position[rows].tolist()),
            map(shown.__getitem__, ids[rows].tolist()),
            map(str, is_unknown[rows].tolist()),
            _figures(logp),
            _figures(0.0 - logp),  # not -logp, which makes -0 of 0
        ]
        if stream.entropy is not None:
            cells.append(_figures(np.maximum(stream.entropy[rows], 0.0) / unit))
        if stream.rank is not None:
            cells.append(map(str, stream.rank[rows].tolist()))
        for k in range(top):
            assert stream.top_ids is not None
            assert stream.top_logp is not None
            cells.append(map(words_of_model.__getitem__, stream.top_ids[rows, k].tolist()))
            cells.append(_figures(np.minimum(stream.top_logp[rows, k], 0.0) / unit))
        yield "\n".join(map("\t".join, zip(*cells, strict=True)))


def _quoted(cells: list[str]) -> list[str]:
    """Cells as readers of tables read them without being told: see `QUOTING`."""
    return ['"' + cell.replace('"', '""') + '"' if '"' in cell else cell for cell in cells]


def _sentences(stream: Stream, unit: float, words: Corpus | None) -> Iterator[str]:
    yield "\t".join(["sentence", "tokens", "scored", "unknown", "logprob", "perplexity"])
    starts = _starts(stream)
    tokens = np.diff(starts, append=len(stream))
    scored, unknown = (np.add.reduceat(marks.astype(int), starts) for marks in (stream.scored, stream.is_unknown))
    logp = np.add.reduceat(np.where(stream.scored, stream.logp, 0.0), starts)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a sentence without a scored word has NaN
        ppl = np.exp(-logp / scored)
    counts = (map(str, part.tolist()) for part in (np.arange(1, len(starts) + 1), tokens, scored, unknown))
    yield "\n".join(map("\t".join, zip(*counts, _figures(logp / unit), _figures(ppl), strict=True)))


def _text(stream: Stream, unit: float, words: Corpus | None) -> Iterator[str]:
    names = "tokens scored unknown sentences logprob perplexity perplexity_known bits_per_character"
    yield names.replace(" ", "\t")
    figures = stream_perplexity(stream)
    total = stream.logp.sum(where=stream.scored) / unit
    counts = map(str, (figures.tokens, figures.scored, figures.unknown, figures.sentences))
    yield "\t".join([*counts, *_figures(np.array([total, figures.ppl, figures.ppl_known, figures.bits_per_character]))])


def _starts(stream: Stream) -> np.ndarray:
    """Return the positions where sentences start; what follows the last `</s>` of the text is a sentence too."""
    starts = np.append(0, np.flatnonzero(stream.ids == stream.vocabulary.eos) + 1)
    return starts[starts < len(stream)]


def _figures(values: np.ndarray) -> list[str]:
    cells = [f"{value:.10g}" for value in values.tolist()]
    for i in np.flatnonzero(~np.isfinite(values)):
        cells[i] = _SPECIAL[cells[i]]
    return cells
