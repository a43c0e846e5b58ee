"""Mikolov's RNNLM as a language model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .recurrent import RecurrentLM


class MikolovLM(RecurrentLM):
    """Elman's network with logistic units and P(w | h) = P(class(w) | h) · P(w | class(w), h).

    `classes` None makes √V of them, as everywhere, but at least 2; the full softmax must be asked for by 0.
    Unlike the original program it has biases, and its state starts from zero. T. Mikolov, S. Kombrink, L. Burget, J.
    Černocký, S. Khudanpur, "Extensions of recurrent neural network language model", ICASSP 2011.
    """

    kind = "rnnlm"
    label = "Mikolov's"

    @dataclass(frozen=True, kw_only=True)
    class Options(RecurrentLM.Options):
        """The options of every recurrent network; the units are logistic by default."""

        activation: str = "logistic"

    def _usual_output(self) -> dict[str, Any]:
        return {"classes": max(2, round(len(self.vocabulary) ** 0.5))}
