"""Elman's network as a language model."""

from __future__ import annotations

from .recurrent import RecurrentLM


class ElmanLM(RecurrentLM):
    """h_t = f(E[w_t] + h_{t-1} W + b), P(next word) = softmax(h_t U + c), with tanh units by default.

    The output layer is the full or the class-factorized softmax; keywords, shapes and errors are those of
    `RecurrentLM`.

    J. Elman, "Finding structure in time", Cognitive Science 14, 1990.
    """

    kind = "elman"
