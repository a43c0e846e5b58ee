"""Cases of the output layers: the sum of -log P over tokens, one of which has no target."""

from __future__ import annotations

from functools import partial

import numpy as np

from ... import outputs
from ..formulas import recurrent as ref
from .case import Case, each_row, scored

H, V = 6, 9
FIRST_WORDS = (0, 1, 4, 20, 70)  # of the classes, as far as a vocabulary goes; one class has a single word
TARGET = np.array([5, -1, 0, 2, 5, 8, 1])

TOKENS = {"h": (len(TARGET), H)}


def class_starts(words: int) -> list[int]:
    """Return the first word of each class, and the number of words."""
    return [*(first for first in FIRST_WORDS if first < words), words]


def full(words: int, hidden: int, rng: np.random.Generator, dtype: str) -> outputs.Softmax:
    """Return a full softmax."""
    return outputs.Softmax(words, hidden, rng=rng, dtype=dtype)


def classes(words: int, hidden: int, rng: np.random.Generator, dtype: str) -> outputs.ClassSoftmax:
    """Return a softmax over classes and over the words of a class."""
    return outputs.ClassSoftmax(outputs.ClassMap(np.array(class_starts(words))), hidden, rng=rng, dtype=dtype)


MAKERS = {"Softmax": full, "ClassSoftmax": classes}  # of every output layer; distributions are checked for more words

OUTPUTS = [
    Case(
        "Softmax",
        partial(full, V, H),
        TOKENS,
        each_row(lambda p, h, t: ref.softmax_nll(h, t, **p), TARGET),
        run=scored(TARGET),
    ),
    Case(
        "ClassSoftmax",
        partial(classes, V, H),
        TOKENS,
        each_row(lambda p, h, t: ref.class_softmax_nll(h, t, **p, start=class_starts(V)), TARGET),
        run=scored(TARGET),
    ),
]
