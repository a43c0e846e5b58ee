"""Cases of the output layers: the sum of -log P over tokens, one of which has no target."""

from __future__ import annotations

import numpy as np

from ... import outputs
from ..formulas import recurrent as ref
from .case import Case, each_row, scored

H, V = 6, 9
START = [0, 1, 4, V]  # the first word of each class, one of which has a single word, and V
TARGET = np.array([5, -1, 0, 2, 5, 8, 1])

TOKENS = {"h": (len(TARGET), H)}

OUTPUTS = [
    Case(
        "Softmax",
        lambda r, d: outputs.Softmax(V, H, rng=r, dtype=d),
        TOKENS,
        each_row(lambda p, h, t: ref.softmax_nll(h, t, **p), TARGET),
        run=scored(TARGET),
    ),
    Case(
        "ClassSoftmax",
        lambda r, d: outputs.ClassSoftmax(outputs.ClassMap(np.array(START)), H, rng=r, dtype=d),
        TOKENS,
        each_row(lambda p, h, t: ref.class_softmax_nll(h, t, **p, start=START), TARGET),
        run=scored(TARGET),
    ),
]
