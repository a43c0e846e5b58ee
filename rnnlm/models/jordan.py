"""Jordan's network as a language model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UsageError
from ..recurrent import Jordan, Recurrent
from ..text.encoding import Encoding
from ..text.vocabulary import Vocabulary
from .recurrent import RecurrentLM

FEEDBACKS = ("distribution", "embedding")


class JordanLM(RecurrentLM):
    """h_t = f(E[w_t] + z_{t-1} U + b), where z is the output distribution of the step before: Jordan 1986.

    `feedback`: "distribution" feeds P itself back through a matrix of its own, P(word) with the full softmax and
    P(class) with the class-factorized one; "embedding" (full softmax only) feeds the expected embedding Σ_w P(w) E_w.
    `layers` > 1 puts further hidden layers between the first and the output.
    """

    kind = "jordan"

    def __init__(self, encoding: Encoding | Vocabulary, *, feedback: str = "distribution", **config: Any) -> None:
        if feedback not in FEEDBACKS:
            raise UsageError(f"feedback={feedback!r} is not known. Give one of {', '.join(FEEDBACKS)}.")
        super().__init__(encoding, feedback=feedback, **config)

    def _recurrent(self, rng: np.random.Generator) -> Recurrent:
        c = self.config
        tied = c["feedback"] == "embedding"
        if tied and self.class_map is not None:
            raise UsageError(
                f"feedback='embedding' needs P of every word, and this model has {len(self.class_map)} word classes. "
                "Give classes=0 for the full softmax, or feedback='distribution' for P(class)."
            )
        return Jordan(
            c["hidden"],
            rng=rng,
            readout=self.output.readout(),
            feedback=self.embedding.params["W"] if tied else None,
            layers=c["layers"],
            activation=c["activation"],
            dropout=c["dropout"],
            dtype=c["dtype"],
        )
