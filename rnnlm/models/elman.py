"""Elman's network as a language model."""

from __future__ import annotations

from .recurrent import RecurrentLM


class ElmanLM(RecurrentLM):
    """h_t = f(E[w_t] + h_{t-1} W + b), P(next word) = softmax of h_t, tanh units by default: Elman 1990."""

    kind = "elman"
