"""The perplexity of a text, with everything that must be known to compare it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, NotANumber
from ..text.corpus import Corpus
from .possible import COMPUTED_ABOVE_ZERO
from .predictor import Predictor
from .score import as_corpus, context_of, scored_windows
from .stream import CARRIED, Stream


@dataclass(frozen=True)
class Perplexity:
    """How well a model predicts a text.

    `name`        what messages call the text
    `tokens`      the number of all its tokens, `</s>` included
    `scored`      of those that have a probability; an unknown word has none where the vocabulary lacks `<unk>`
    `unknown`     of the words that are not in the vocabulary or are written `<unk>`
    `sentences`   of the sentence ends
    `characters`  of the characters; a sentence end counts as one
    `nll`         the cross-entropy: the mean of -log P over the scored tokens, nats
    `nll_known`   the same over the scored tokens that are not `<unk>`
    `unit`        what a token is called: "word", "character", "byte", or "token" for a user's own tokenizer
    `context`     what a probability depends on besides its sentence, as in `Stream`
    """

    name: str
    tokens: int
    scored: int
    unknown: int
    sentences: int
    characters: int
    nll: float
    nll_known: float
    context: str = CARRIED
    unit: str = "word"

    def __repr__(self) -> str:
        unscored = self.tokens - self.scored
        return (
            f"Perplexity({self.ppl:.2f} on {self.name!r}, {self.tokens:,} tokens, {self.unknown:,} unknown, "
            f"{unscored:,} not scored)"
        )

    @property
    def ppl(self) -> float:
        """The perplexity, exp(nll); inf where a scored token has the probability 0."""
        return _exp(self.nll)

    @property
    def ppl_known(self) -> float:
        """The perplexity over the tokens that are not `<unk>`; nan where there are none."""
        return _exp(self.nll_known)

    @property
    def bits_per_token(self) -> float:
        """The cross-entropy in bits a token, nll / log 2."""
        return self.nll / math.log(2)

    @property
    def bits_per_character(self) -> float:
        """The bits of all tokens over the number of characters, which can be compared between tokenizers.

        It is nan where some tokens have no probability.
        """
        if self.scored < self.tokens:
            return math.nan
        return self.nll * self.scored / math.log(2) / self.characters

    def as_dict(self) -> dict[str, Any]:
        """Return every figure by name, as data that can be written as JSON."""
        derived = ("ppl", "ppl_known", "bits_per_token", "bits_per_character")
        return asdict(self) | {name: getattr(self, name) for name in derived}


def perplexity(
    model: Predictor,
    text: Corpus | str | Path,
    *,
    streams: int = 1,
    independent: bool | None = None,
    progress: bool | None = None,
) -> Perplexity:
    """Return the perplexity of a text: exp of the mean −log P over every token, none dropped.

    `text` is a path or a Corpus that was encoded with the model's own encoding. One stream reads it from beginning to
    end; more streams are faster, and each starts from the empty state.

    With `independent` every sentence is scored as a text of its own, bit for bit with one stream, so neither the order
    of the sentences nor what stands before one matters; with more streams so many whole sentences are read side by
    side. False carries the state over sentence ends, also of a network that was trained with independent sentences.
    None does as in training: the state is carried over sentence ends, but cleared there for such a network. As a member
    of a mixture and below a cache such a network clears its state whatever `independent` says.

    `progress` shows a bar; None does so in a notebook and at an interactive prompt, where it takes more than a moment.

    Raises DataError where the corpus has another encoding, or no token of the text has a probability.
    """
    corpus = as_corpus(model, text)
    tally = _Tally(model.vocabulary.unknown_id)
    for y, logp in scored_windows(model, corpus, streams, independent, progress):
        tally.add(y, logp, y >= 0)
    counts = (len(corpus), corpus.unknown, corpus.sentences, corpus.characters)
    return tally.result(corpus.name, *counts, context_of(model, independent), model.encoding.unit)


def stream_perplexity(stream: Stream) -> Perplexity:
    """Return the perplexity of a text from its probability stream. Raises DataError where no token is scored."""
    tally = _Tally(stream.vocabulary.unknown_id)
    tally.add(stream.ids, stream.logp, stream.scored)
    ends = int(np.count_nonzero(stream.ids == stream.vocabulary.eos))
    counts = (len(stream), int(stream.is_unknown.sum()), ends, stream.characters)
    return tally.result(stream.text, *counts, stream.context, stream.encoding.unit)


class _Tally:
    """Adds up the sums that a perplexity is made of."""

    def __init__(self, unknown: int) -> None:
        self.unknown = unknown
        self.total = self.total_known = 0.0
        self.scored = self.scored_known = 0

    def add(self, ids: np.ndarray, logp: np.ndarray, scored: np.ndarray) -> None:
        is_known = scored & (ids != self.unknown)
        self.total -= logp.sum(where=scored)
        self.total_known -= logp.sum(where=is_known)
        self.scored += int(scored.sum())
        self.scored_known += int(is_known.sum())

    def result(
        self, name: str, tokens: int, unknown: int, sentences: int, characters: int, context: str, unit: str
    ) -> Perplexity:
        if not self.scored:
            raise DataError(f"no token of {name} is in the model's vocabulary, so there is nothing to score.")
        return Perplexity(
            name=name,
            tokens=tokens,
            scored=self.scored,
            unknown=unknown,
            sentences=sentences,
            characters=characters,
            nll=_mean(self.total, self.scored, name),
            nll_known=_mean(self.total_known, self.scored_known, name) if self.scored_known else math.nan,
            context=context,
            unit=unit,
        )


def _mean(total: float, scored: int, name: str) -> float:
    """Return a cross-entropy; rounding may put it below 0, and nothing else may."""
    mean = float(total / scored)
    if not mean >= -COMPUTED_ABOVE_ZERO:
        raise NotANumber(f"the cross-entropy of {name} is {mean:g} nats, which is none. Score the text again.")
    return max(mean, 0.0)


def _exp(nll: float) -> float:
    return math.inf if nll > 700 else math.exp(nll)
