"""Perplexity, with everything that must be known to compare it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..text.corpus import Corpus
from .predictor import Predictor
from .score import as_corpus, scored_windows
from .stream import Stream


@dataclass(frozen=True)
class Perplexity:
    """How well a model predicts a text. `nll` is the mean cross-entropy in nats over all scored tokens, `</s>`
    included.

    `tokens` all tokens of the text; `scored` those that have a probability (an unknown word has none where the
    vocabulary lacks `<unk>`); `unknown` the words not in the vocabulary or written `<unk>`; `nll_known` the mean
    over the scored tokens that are not `<unk>`; `characters` of the text, a sentence end counting one.
    """

    name: str
    tokens: int
    scored: int
    unknown: int
    sentences: int
    characters: int
    nll: float
    nll_known: float

    @property
    def ppl(self) -> float:
        """exp(nll): the perplexity."""
        return _exp(self.nll)

    @property
    def ppl_known(self) -> float:
        """The perplexity over the words that are not unknown."""
        return _exp(self.nll_known)

    @property
    def bits_per_token(self) -> float:
        return self.nll / math.log(2)

    @property
    def bits_per_character(self) -> float:
        """All bits over all characters, comparable between tokenizers; nan where some words have no probability."""
        if self.scored < self.tokens:
            return math.nan
        return self.nll * self.scored / math.log(2) / self.characters

    def as_dict(self) -> dict[str, Any]:
        """Every figure by name, for machines."""
        derived = ("ppl", "ppl_known", "bits_per_token", "bits_per_character")
        return asdict(self) | {name: getattr(self, name) for name in derived}


def perplexity(
    model: Predictor, text: Corpus | str | Path, *, streams: int = 1, independent: bool | None = None
) -> Perplexity:
    """The perplexity of a text: exp of the mean −log P over every token, none dropped.

    `text` is a path or a Corpus that was encoded with the model's own vocabulary. One stream reads it from beginning
    to end, the state carried across sentences; more streams are faster and start from the empty state that many times.
    `independent` clears the state at sentence ends; None does as in training. Raises DataError when the corpus has
    another vocabulary, or no token of the text has a probability.
    """
    corpus = as_corpus(model, text)
    tally = _Tally(model.vocabulary.unknown_id)
    for y, logp in scored_windows(model, corpus, streams, independent):
        tally.add(y, logp, y >= 0)
    return tally.result(corpus.name, len(corpus), corpus.unknown, corpus.sentences, corpus.characters)


def stream_perplexity(stream: Stream) -> Perplexity:
    """The perplexity of a text from its probability stream. DataError when no token of it has a probability."""
    tally = _Tally(stream.vocabulary.unknown_id)
    tally.add(stream.ids, stream.logp, stream.scored)
    ends = int(np.count_nonzero(stream.ids == stream.vocabulary.eos))
    return tally.result(stream.text, len(stream), int(stream.is_unknown.sum()), ends, stream.characters)


class _Tally:
    """The sums of which a perplexity is made."""

    def __init__(self, unknown: int) -> None:
        self.unknown = unknown
        self.total = self.known = 0.0
        self.scored = self.scored_known = 0

    def add(self, ids: np.ndarray, logp: np.ndarray, scored: np.ndarray) -> None:
        is_known = scored & (ids != self.unknown)
        self.total -= logp.sum(where=scored)
        self.known -= logp.sum(where=is_known)
        self.scored += int(scored.sum())
        self.scored_known += int(is_known.sum())

    def result(self, name: str, tokens: int, unknown: int, sentences: int, characters: int) -> Perplexity:
        if not self.scored:
            raise DataError(f"no token of {name} is in the model's vocabulary, so there is nothing to score.")
        return Perplexity(
            name=name,
            tokens=tokens,
            scored=self.scored,
            unknown=unknown,
            sentences=sentences,
            characters=characters,
            nll=float(self.total / self.scored),
            nll_known=float(self.known / self.scored_known) if self.scored_known else math.nan,
        )


def _exp(nll: float) -> float:
    return math.inf if nll > 700 else math.exp(nll)
