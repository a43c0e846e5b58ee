"""Perplexity, with everything that must be known to compare it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from ..ops import ops_for
from ..ops.threads import one_thread
from ..text.corpus import Corpus
from ..text.windows import windows

if TYPE_CHECKING:
    from ..models.language_model import LanguageModel

STEPS = 1000  # a window of the single stream: long enough that a class's tokens come together
CELLS = 8_000_000  # output units in a window at most, so that a full softmax stays under 100 MB


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
    model: LanguageModel, text: Corpus | str | Path, *, streams: int = 1, independent: bool | None = None
) -> Perplexity:
    """The perplexity of a text: exp of the mean −log P over every token, none dropped.

    `text` is a path or a Corpus that was encoded with the model's own vocabulary. One stream reads it from beginning
    to end, the state carried across sentences; more streams are faster and start from the empty state that many times.
    `independent` clears the state at sentence ends; None does as in training. Raises DataError when the corpus has
    another vocabulary, or no token of the text has a probability.
    """
    corpus = as_corpus(model, text)
    if independent is None:
        independent = bool(model.config.get("independent", False))
    unk = model.vocabulary.unk
    total = known = 0.0
    scored = scored_known = 0
    steps = max(1, min(STEPS, CELLS // model.units_per_token) // max(streams, 1))
    parts = windows(corpus.ids, streams, steps, independent=independent)  # a UsageError for too many or few streams
    state = model.start(streams)
    with one_thread():
        for x, y, keep in parts:
            logp, state = model.score(x, y, state, keep)
            host = ops_for(logp).to_host(logp).astype(np.float64)
            is_known = (y >= 0) & (y != (-1 if unk is None else unk))
            total -= host.sum()
            known -= host[is_known].sum()
            scored += int((y >= 0).sum())
            scored_known += int(is_known.sum())
    if not scored:
        raise DataError(f"no token of {corpus.name} is in the model's vocabulary, so there is nothing to score.")
    return Perplexity(
        name=corpus.name,
        tokens=len(corpus),
        scored=scored,
        unknown=corpus.unknown,
        sentences=corpus.sentences,
        characters=corpus.characters,
        nll=float(total / scored),
        nll_known=float(known / scored_known) if scored_known else math.nan,
    )


def as_corpus(model: LanguageModel, text: Corpus | str | Path) -> Corpus:
    """The text in the model's own ids; DataError for a corpus of another vocabulary."""
    if not isinstance(text, Corpus):
        return Corpus.encode(text, vocabulary=model.vocabulary, tokenizer=model.tokenizer)
    if text.vocabulary.hash != model.vocabulary.hash:
        raise DataError(
            f"the model holds {len(model.vocabulary):,} words, {text.name} was encoded with "
            f"{len(text.vocabulary):,} others. "
            "Encode it with the model's own vocabulary (lm.vocabulary)."
        )
    return text


def _exp(nll: float) -> float:
    return math.inf if nll > 700 else math.exp(nll)
