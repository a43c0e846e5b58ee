"""What a text costs without a model: under equal probabilities for all words, and under the words' frequencies."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..text.corpus import Corpus

CHUNK = 1 << 20  # tokens that are looked at in one piece


class Baselines(NamedTuple):
    """Cross-entropies of a text in nats a scored token, as `Perplexity.nll` is of a model.

    `uniform`  of V equal probabilities: log V
    `unigram`  of the words' shares in the training text, P(w) = n_w / Σ n, where a count of 0 is taken as 1
    """

    uniform: float
    unigram: float


def baselines(text: Corpus) -> Baselines:
    """Return the baselines of a text by the counts in its vocabulary; nan where none of its tokens is scored."""
    counts = np.maximum(text.vocabulary.counts, 1).astype(np.float64)
    logp = np.log(counts / counts.sum())
    total, scored = 0.0, 0
    for start in range(0, len(text), CHUNK):
        ids = text.ids[start : start + CHUNK]
        ids = ids[ids >= 0]
        total, scored = total - float(logp[ids].sum()), scored + len(ids)
    return Baselines(math.log(len(counts)), total / scored) if scored else Baselines(math.nan, math.nan)
