"""Probability streams of other programs: a file with a probability per token can be used like a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import recognise
from ..errors import DataError
from ..text.corpus import Corpus
from ..text.files import Head
from ..text.vocabulary import UNK
from .layouts import OURS, READERS, Token, layout
from .lines import bad_line
from .stream import LEFT_OUT, NOT_KNOWN, Stream, require_same, unknown_rule
from .stream_files import read_stream


def is_external(file: str | Path | Head) -> bool:
    """Return whether a file holds a probability per token, of `rnnlm score` or another program, and not a model."""
    try:
        return layout(file) is not None
    except DataError:  # reading the file as a model raises the error
        return False


def external(path: str | Path, corpus: Corpus) -> Stream:
    """Return the probability stream in a file, for a text in the ids of the model that it is to be compared with.

    The file may come from `rnnlm score` (binary, or a table per word) or have one of the layouts of
    `rnnlm.evaluation.layouts`. Its words must be those of the text, token by token. A token has a probability only
    where file and corpus agree whether its word is known, since P(`<unk>`) of one is not P(word) of the other. Unknown
    words of P = 0 are not scored; where the file scores none of the unknown words of the text, they are "left out".
    Raises DataError that names the file, the line and the reason.
    """
    layout_name = layout(path)
    if layout_name is None:
        start = Head.of(path).start[: recognise.SIZE]
        is_text = recognise.not_a("text", str(path), start) is None
        raise DataError(
            (None if is_text else recognise.not_a("file of scores", str(path), start))
            or f"{path} holds no probability per token in a layout that is known: a file of `rnnlm score`, "
            "-lm-prob or -test -debug 2 of Mikolov's rnnlm, ngram -ppl -debug 2 of SRILM, query -v word of KenLM."
        )
    if layout_name == OURS:
        stream = read_stream(path, corpus.encoding)
        text = replace(
            stream,
            model=f"the text {corpus.name}",
            ids=np.asarray(corpus.ids),
            text=corpus.name,
            sha256=corpus.sha256,
            encoding=corpus.encoding,
        )
        require_same([replace(stream, model=str(path)), text])
        return replace(stream, model=str(path))
    ids = np.asarray(corpus.ids)
    logp = np.full(len(ids), np.nan)
    n = 0
    for n, token in enumerate(READERS[layout_name](path), start=1):
        if n > len(ids):
            raise bad_line(path, token.line, f"this is token {n:,}, and {corpus.name} has {len(ids):,}.")
        logp[n - 1] = _logp(path, token, corpus, n - 1)
    if n < len(ids):
        raise DataError(f"{path} ends after {n:,} tokens, and {corpus.name} has {len(ids):,}. Score the whole text.")
    is_unknown = ids == corpus.vocabulary.unknown_id
    none_scored = is_unknown.any() and np.isnan(logp[is_unknown]).all()
    return Stream(
        ids=ids,
        logp=logp,
        model=str(path),
        text=corpus.name,
        sha256=corpus.sha256,
        encoding=corpus.encoding,
        unknown=LEFT_OUT if none_scored else unknown_rule(corpus.vocabulary),
        characters=corpus.characters,
        context=NOT_KNOWN,
    )


def _logp(path: str | Path, token: Token, corpus: Corpus, place: int) -> float:
    """Return log P of the token at a place of the text, nan where the word is known to only one of file and text."""
    vocabulary, id = corpus.vocabulary, int(corpus.ids[place])
    is_unknown = id == vocabulary.unknown_id
    if token.word is not None:
        same = token.word == UNK or token.word not in vocabulary if is_unknown else token.word == vocabulary.words[id]
        if not same:
            word_of_text = "an unknown word" if is_unknown else repr(vocabulary.words[id])
            reason = f"token {place + 1:,} is {token.word!r}, and {corpus.name} has {word_of_text} there."
            if id == vocabulary.eos and (place == 0 or corpus.ids[place - 1] == vocabulary.eos):
                reason += (
                    " That line of the text is empty, and SRILM leaves empty lines out: take them out of the text."
                )
            raise bad_line(path, token.line, reason)
    if id < 0 or token.unknown not in (None, is_unknown):
        return np.nan
    return np.nan if is_unknown and token.logp == -np.inf else token.logp
