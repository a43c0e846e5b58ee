"""Cases of the losses: the sum over rows, one of which has no target."""

from __future__ import annotations

import numpy as np

from ... import layers
from ..formulas import losses
from .case import Case, each_row, scored

K = 5
TARGET = np.array([3, -1, 0, 2, 3])
LABELS = np.array([[1, 2], [1, 1], [2, -1]])  # for CTC

ROWS = {"y": (len(TARGET), K)}

LOSSES = [
    Case(
        "CrossEntropy",
        lambda r, d: layers.CrossEntropy(),
        ROWS,
        each_row(lambda p, y, t: losses.cross_entropy(y, t), TARGET),
        run=scored(TARGET),
    ),
    Case(
        "Hinge",
        lambda r, d: layers.Hinge(),
        ROWS,
        each_row(lambda p, y, t: losses.hinge(y, t), TARGET),
        run=scored(TARGET),
    ),
    Case(
        "SquaredError",
        lambda r, d: layers.SquaredError(),
        ROWS,
        each_row(lambda p, y, t: losses.squared_error(y, np.eye(K)[t]) if t >= 0 else 0.0, TARGET),
        run=scored(TARGET),
    ),
    Case(
        "CTC",
        lambda r, d: layers.CTC(),
        {"y": (4, len(LABELS), 3)},
        lambda p, y: sum(losses.ctc(y[:, b], labels[labels >= 0]) for b, labels in enumerate(LABELS)),
        run=scored(LABELS),
    ),
]
