"""Scoring a text with a model: its probability stream, and the windows that it is computed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import DataError, NotANumber, UsageError
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.threads import one_thread
from ..progress_bar import progress_bar
from ..text.corpus import Corpus
from ..text.encoding import Encoding, difference
from ..text.sentences import PlacedWindow, sentence_windows
from ..text.vocabulary import Vocabulary
from ..text.windows import check_streams, windows
from .possible import possible
from .predictor import Predictor, State
from .stream import AS_TRAINED, CARRIED, INDEPENDENT, Stream, unknown_rule

STEPS = 1000  # steps in a window of one stream: enough that several tokens share a word class
LEAST = 100_000  # output units in a window at least, so that Python's work for each window is a small share
CELLS = 8_000_000  # output units in a window at most, so that a full softmax stays under 100 MB


class _Scored(NamedTuple):
    """A window of a text: the places of its tokens (T, B), -1 for none, the targets (T, B), and what was computed."""

    places: np.ndarray
    y: np.ndarray
    logp: np.ndarray


def scored_windows(
    model: Predictor,
    corpus: Corpus,
    streams: int = 1,
    independent: bool | None = None,
    progress: bool | None = False,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (y, logp), both (T, B), for each window of the text: the targets (-1: none) and log P of each, nats.

    `streams`, `independent` and `progress` are as for `perplexity`.
    """
    for _, y, logp in _scored(model, corpus, streams, independent, progress):
        yield y, logp


def score(
    model: Predictor,
    text: Corpus | str | Path,
    *,
    streams: int = 1,
    independent: bool | None = None,
    distribution: bool = False,
    top: int = 0,
    name: str = "",
    progress: bool | None = None,
) -> Stream:
    """Return the log-probability of each token of a text, in order, with all that must be known to compare them.

    `text`, `streams` and `independent` are as for `perplexity`. With `distribution` the stream also has the entropy of
    each prediction, H = -Σ_w P(w) log P(w) in nats, and the rank of the token in it (1 + the number of likelier words);
    with `top` = k it has the k likeliest words too. Both compute P of every word at every token, V numbers each. `name`
    is what messages call the model. `progress` is as for `perplexity`. Raises DataError as `perplexity` does,
    UsageError for a negative `top`.
    """
    if top < 0:
        raise UsageError(f"top={top} is not possible. Give the number of likeliest words, 0 for none.")
    corpus = as_corpus(model, text)
    figures: dict[str, np.ndarray] = {}
    if distribution or top:
        parts = _distributions(model, corpus, streams, independent, progress, min(top, len(model.vocabulary)))
    else:
        scored = _scored(model, corpus, streams, independent, progress)
        parts = ((places, {"logp": logp}) for places, _, logp in scored)
    for places, part in _naming(parts, name):
        is_token = places >= 0
        for column, values in part.items():
            if column not in figures:
                figures[column] = np.empty((len(corpus), *values.shape[2:]), values.dtype)
            figures[column][places[is_token]] = values[is_token]
    ids = np.asarray(corpus.ids)
    figures["logp"][ids < 0] = np.nan
    return Stream(
        ids=ids,
        model=name or model.kind,
        text=corpus.name,
        sha256=corpus.sha256,
        encoding=model.encoding,
        unknown=unknown_rule(model.vocabulary),
        characters=corpus.characters,
        context=context_of(model, independent),
        logp=figures["logp"],
        entropy=figures.get("entropy"),
        rank=figures.get("rank"),
        top_ids=figures.get("top_ids"),
        top_logp=figures.get("top_logp"),
    )


def context_of(model: Predictor, independent: bool | None) -> str:
    """Return what a token's probability depends on, as `Stream.context` says it, for a model and `independent`."""
    if independent is None and model.config.get("independent"):
        return AS_TRAINED
    return INDEPENDENT if independent else CARRIED


def distribution_windows(
    model: Predictor, corpus: Corpus, streams: int = 1, independent: bool | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (y (T, B), logp (T, B, V)) for each window of the text: the targets, and log P of every word, nats.

    `streams` and `independent` are as for `perplexity`.
    """
    for _, y, logp in _every_word(model, corpus, streams, independent, False):
        yield y, logp


def _naming(parts: Iterator[Any], name: str) -> Iterator[Any]:
    """Yield the parts; the message of an error about their numbers begins with the name of the model, if it has one."""
    try:
        yield from parts
    except NotANumber as error:
        raise NotANumber(f"{name}: {error}" if name else str(error)) from error


def _distributions(
    model: Predictor, corpus: Corpus, streams: int, independent: bool | None, progress: bool | None, top: int
) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    for places, y, logp in _every_word(model, corpus, streams, independent, progress):
        target = np.take_along_axis(logp, np.maximum(y, 0)[..., None], axis=-1)
        p = np.exp(logp)
        values = {
            "logp": np.where(y < 0, 0.0, target[..., 0]),
            "entropy": -np.sum(p * np.where(p > 0, logp, 0.0), axis=-1),
            "rank": np.where(y < 0, 0, 1 + np.count_nonzero(logp > target, axis=-1)).astype(np.int32),
        }
        if top:
            values["top_ids"], values["top_logp"] = _likeliest(logp, top)
        yield places, values


def _likeliest(logp: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids of the `top` likeliest words, likeliest first, and their log P; ties: the lower id first."""
    remaining = np.maximum(logp, np.finfo(np.float64).min)  # -inf is kept for the words already taken
    ids = np.empty((*logp.shape[:-1], top), np.int32)
    for place in range(top):  # taking the maximum k times is far cheaper than sorting all words, for small k
        best = remaining.argmax(-1)[..., None]
        ids[..., place] = best[..., 0]
        np.put_along_axis(remaining, best, -np.inf, axis=-1)
    return ids, np.take_along_axis(logp, ids, axis=-1)


def as_corpus(model: Predictor, text: Corpus | str | Path) -> Corpus:
    """Return a text as a corpus in the ids of the model. Raises DataError for a corpus of another encoding."""
    if not isinstance(text, Corpus):
        return Corpus.encode(text, encoding=model.encoding)
    if first_difference := difference(model.encoding, text.encoding):
        raise DataError(
            f"the model and {text.name} do not have the same encoding: {first_difference._replace(advice='')}"
            "Encode the text with the model's own (encoding=lm.encoding)."
        )
    return text


def in_ids_of(encoding: Encoding | Vocabulary, corpus: Corpus) -> Corpus:
    """Return the same text, cut into the same tokens, in the ids of another vocabulary.

    Words that the other vocabulary lacks become unknown. So a text that is encoded once with a vocabulary of its own
    can be scored by any model, while its words are shown as they are written.
    """
    if isinstance(encoding, Vocabulary):
        encoding = replace(corpus.encoding, vocabulary=encoding)
    ids = encoding.vocabulary.encode(corpus.vocabulary.words)[corpus.ids]
    converted = Corpus(ids, encoding, name=corpus.name, sha256=corpus.sha256)
    converted.characters = corpus.characters  # those of the words as written
    return converted


def _scored(
    model: Predictor, corpus: Corpus, streams: int, independent: bool | None, progress: bool | None
) -> Iterator[_Scored]:
    return _windows(model, corpus, streams, independent, progress, model.units_per_token, model.score)


def _every_word(
    model: Predictor, corpus: Corpus, streams: int, independent: bool | None, progress: bool | None
) -> Iterator[_Scored]:
    def ask(x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None) -> tuple[Array, State]:
        return model.distributions(x, state, keep)

    return _windows(model, corpus, streams, independent, progress, len(model.vocabulary), ask)


def _windows(
    model: Predictor,
    corpus: Corpus,
    streams: int,
    independent: bool | None,
    progress: bool | None,
    units: int,
    ask: Callable[[np.ndarray, np.ndarray, State, np.ndarray | None], tuple[Array, State]],
) -> Iterator[_Scored]:
    """Yield what `ask` returns for each window of the text; a token takes at most `units` output units.

    A window of several sentences with their states cleared has the last digits of another matrix product than each of
    them alone, so with `independent` every sentence has windows of its own.
    """
    steps = max(1, min(max(STEPS, LEAST // units), CELLS // units) // max(streams, 1))
    check_streams(len(corpus), streams, steps)
    name = f"the model ({model.kind})"
    if independent:
        parts = sentence_windows(corpus.ids, streams, steps)
    else:
        clear = independent is None and bool(model.config.get("independent"))
        parts = _stream_windows(corpus.ids, streams, steps, clear)
    bar_of = progress_bar(progress, total=len(corpus), unit=model.encoding.unit, description="scoring")
    state: State = ()
    with one_thread(), bar_of as bar:
        for x, y, places, is_first, keep in parts:
            if is_first:
                state = model.start(x.shape[1])
            value, state = ask(x, y, state, keep)
            yield _Scored(places, y, possible(_on_host(value), y, places, corpus, name))
            if bar is not None:
                bar.update(int(np.count_nonzero(places >= 0)))


def _stream_windows(ids: np.ndarray, streams: int, steps: int, clear: bool) -> Iterator[PlacedWindow]:
    """Yield the windows of `windows`, with the places of their targets in the text; `clear` states at sentence ends."""
    numbers = np.arange(len(ids), dtype=np.int32)
    parts = zip(windows(ids, streams, steps, independent=clear), windows(numbers, streams, steps), strict=True)
    for number, ((x, y, keep), (_, places, _)) in enumerate(parts):
        yield PlacedWindow(x, y, places, number == 0, keep)


def _on_host(logp: Array) -> np.ndarray:
    return ops_for(logp).to_host(logp).astype(np.float64)
