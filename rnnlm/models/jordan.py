"""Jordan's network as a language model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..options import declared, listed, option
from ..outputs import Readout
from ..recurrent import Jordan, Recurrent
from .recurrent import RecurrentLM


class JordanLM(RecurrentLM):
    """h_t = f(E[w_t] + z_{t-1} U + b), where z_{t-1} is the output distribution of the step before.

    `feedback`: "distribution" feeds P itself back through a matrix of its own, P(word) with the full softmax and
    P(class) with the class-factorized one; "embedding" (full softmax only) feeds the expected embedding Σ_w P(w) E_w.
    `layers` > 1 puts further hidden layers between the first and the output. Raises UsageError for an output layer
    without a softmax to feed back, and for the feedback "embedding" with classes.

    M. Jordan, "Serial order: a parallel distributed processing approach", ICS report 8604, UC San Diego, 1986.
    """

    kind = "jordan"

    @dataclass(frozen=True, kw_only=True)
    class Options(RecurrentLM.Options):
        """The options of every recurrent network, and what is fed back."""

        feedback: str = option(
            "distribution", "What is fed back: distribution or embedding.", choices=("distribution", "embedding")
        )

    def _recurrent(self, rng: np.random.Generator) -> Recurrent:
        o, output = self.options, self.output
        if not isinstance(output, Readout):
            asked = [f"`{name}`" for name, d in declared(type(output).Options).items() if getattr(o, name) != d.default]
            raise UsageError(
                f"the model {self.kind} feeds a softmax back, and the output layer {output.description} has none. "
                f"{f'Leave out {listed(asked)}' if asked else 'Give `classes`, 0 for the full softmax'}."
            )
        tied, n = o.feedback == "embedding", len(output.readout()[0].value)
        if tied and n != len(self.vocabulary):
            raise UsageError(
                f"feedback='embedding' needs P of every word, and this model has {n} {output.fed_back}es. "
                "Give classes=0 for the full softmax, or feedback='distribution' for P(class)."
            )
        return Jordan(
            o.hidden,
            rng=rng,
            readout=output.readout(),
            feedback=self.embedding.params["W"] if tied else None,
            layers=o.layers,
            activation=o.activation,
            dropout=o.dropout,
            dtype=o.dtype,
        )
