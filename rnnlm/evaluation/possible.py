"""A log-probability that is none ends the work: no figure is made of it."""

from __future__ import annotations

import numpy as np

from ..errors import NotANumber
from ..text.corpus import Corpus

COMPUTED_ABOVE_ZERO = 1e-4  # nats: how far above 0 the rounding of float32 may put a log-probability


def possible(logp: np.ndarray, y: np.ndarray, places: np.ndarray, corpus: Corpus, model: str) -> np.ndarray:
    """Return log P of the targets y (T, B), or of every word (T, B, V), with what rounding put above 0 at 0.

    `places` (T, B) are the numbers of the tokens in the text, -1 for none; -inf, a probability of 0, is possible.
    Raises NotANumber, naming the first token with NaN or a probability above 1, its word and the `model`.
    """
    largest = logp.max(-1) if logp.ndim > y.ndim else logp  # NaN where one is NaN
    wrong = (places >= 0) & (y >= 0) & ~(largest <= COMPUTED_ABOVE_ZERO)
    if wrong.any():
        first = places[wrong].min()
        at = places == first
        raise NotANumber(
            f"{model} gives token {first + 1} of {corpus.name}, {corpus.vocabulary.words[y[at][0]]!r}, the "
            f"log-probability {largest[at][0]:g}, which is none: its numbers overflow or are damaged. Train it again "
            "with a smaller learning rate, or with dtype=float64."
        )
    return np.minimum(logp, 0.0, out=logp)
