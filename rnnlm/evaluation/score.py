"""Scoring a text with a model: its probability stream, and the windows that it is computed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import DataError, UsageError
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.threads import one_thread
from ..text.corpus import Corpus
from ..text.encoding import Encoding, difference
from ..text.vocabulary import Vocabulary
from ..text.windows import in_order, windows
from .predictor import Predictor, State
from .stream import Stream, unknown_rule

STEPS = 1000  # steps in a window of one stream: enough that several tokens share a word class
LEAST = 100_000  # output units in a window at least, so that Python's work for each window is a small share
CELLS = 8_000_000  # output units in a window at most, so that a full softmax stays under 100 MB


def scored_windows(
    model: Predictor, corpus: Corpus, streams: int = 1, independent: bool | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (y, logp), both (T, B), for each window of the text: the targets (-1: none) and log P of each, nats.

    `streams` and `independent` are as for `perplexity`.
    """
    return _windows(model, corpus, streams, independent, model.units_per_token, model.score)


def score(
    model: Predictor,
    text: Corpus | str | Path,
    *,
    streams: int = 1,
    independent: bool | None = None,
    distribution: bool = False,
    top: int = 0,
    name: str = "",
) -> Stream:
    """Return the log-probability of each token of a text, in order, with all that must be known to compare them.

    `text`, `streams` and `independent` are as for `perplexity`. With `distribution` the stream also has the entropy of
    each prediction, H = -Σ_w P(w) log P(w) in nats, and the rank of the token in it (1 + the number of likelier words);
    with `top` = k it has the k likeliest words too. Both compute P of every word at every token, V numbers each. `name`
    is what messages call the model. Raises DataError as `perplexity` does, UsageError for a negative `top`.
    """
    if top < 0:
        raise UsageError(f"top={top} is not possible. Give the number of likeliest words, 0 for none.")
    corpus = as_corpus(model, text)
    columns: dict[str, list[np.ndarray]] = {}
    if distribution or top:
        parts = _distributions(model, corpus, streams, independent, min(top, len(model.vocabulary)))
    else:
        parts = ({"logp": logp} for _, logp in scored_windows(model, corpus, streams, independent))
    for part in parts:
        for column, values in part.items():
            columns.setdefault(column, []).append(values)
    figures = {column: in_order(values, len(corpus)) for column, values in columns.items()}
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
        logp=figures["logp"],
        entropy=figures.get("entropy"),
        rank=figures.get("rank"),
        top_ids=figures.get("top_ids"),
        top_logp=figures.get("top_logp"),
    )


def distribution_windows(
    model: Predictor, corpus: Corpus, streams: int = 1, independent: bool | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (y (T, B), logp (T, B, V)) for each window of the text: the targets, and log P of every word, nats.

    `streams` and `independent` are as for `perplexity`.
    """

    def ask(x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None) -> tuple[Array, State]:
        return model.distributions(x, state, keep)

    return _windows(model, corpus, streams, independent, len(model.vocabulary), ask)


def _distributions(
    model: Predictor, corpus: Corpus, streams: int, independent: bool | None, top: int
) -> Iterator[dict[str, np.ndarray]]:
    for y, logp in distribution_windows(model, corpus, streams, independent):
        target = np.take_along_axis(logp, np.maximum(y, 0)[..., None], axis=-1)
        p = np.exp(logp)
        values = {
            "logp": np.where(y < 0, 0.0, target[..., 0]),
            "entropy": -np.sum(p * np.where(p > 0, logp, 0.0), axis=-1),
            "rank": np.where(y < 0, 0, 1 + np.count_nonzero(logp > target, axis=-1)).astype(np.int32),
        }
        if top:
            values["top_ids"], values["top_logp"] = _likeliest(logp, top)
        yield values


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


def _windows(
    model: Predictor,
    corpus: Corpus,
    streams: int,
    independent: bool | None,
    units: int,
    ask: Callable[[np.ndarray, np.ndarray, State, np.ndarray | None], tuple[Array, State]],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (y, what `ask` returns for it) for each window of the text; a token takes at most `units` output units."""
    steps = max(1, min(max(STEPS, LEAST // units), CELLS // units) // max(streams, 1))
    if independent is None:
        independent = bool(model.config.get("independent", False))
    state = model.start(streams)
    parts = windows(corpus.ids, streams, steps, independent=independent)
    with one_thread():
        for x, y, keep in parts:
            logp, state = ask(x, y, state, keep)
            yield y, ops_for(logp).to_host(logp).astype(np.float64)
