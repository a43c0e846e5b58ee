"""Mikolov's RNNLM."""

from __future__ import annotations

from typing import Any

from ..text.encoding import Encoding
from ..text.vocabulary import Vocabulary
from .recurrent import RecurrentLM


class MikolovLM(RecurrentLM):
    """Elman's network with logistic units and P(w | h) = P(class(w) | h) · P(w | class(w), h).

    `classes` None makes √V of them, as everywhere, but at least 2: the full softmax (0) is an explicit wish here.
    Unlike the original program it has biases, and its state starts from zero. T. Mikolov, S. Kombrink, L. Burget, J.
    Černocký, S. Khudanpur, "Extensions of recurrent neural network language model", ICASSP 2011.
    """

    kind = "rnnlm"

    def __init__(self, encoding: Encoding | Vocabulary, *, activation: str = "logistic", **config: Any) -> None:
        super().__init__(encoding, activation=activation, **config)

    def _class_map(self, classes: int | None, class_by: str):
        if classes is None:
            classes = max(2, round(len(self.vocabulary) ** 0.5))
        return super()._class_map(classes, class_by)
