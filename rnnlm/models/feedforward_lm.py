"""Bengio's feed-forward network as a language model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..options import option
from ..recurrent import FeedForward, Recurrent
from .recurrent import EmbeddingOptions, RecurrentLM


class FeedForwardLM(RecurrentLM):
    """h_t = f([E[w_{t-n+2}] … E[w_t]] W + b), P(next word) = softmax of h_t, tanh units: a neural n-gram model.

    `order` n: the next word and the n - 1 before it. `embedding` is the size of the rows of the input table (None: as
    many as hidden units). `direct` connects these inputs to the output too: the softmax's weights on them stand beside
    those on h. `layers` > 1 puts further hidden layers between the first and the output. Raises UsageError for an
    order below 2 or an embedding below 1.

    Y. Bengio, R. Ducharme, P. Vincent & C. Jauvin, "A neural probabilistic language model", JMLR 3, 2003.
    """

    kind = "bengio"
    label = "feed-forward"
    feeds_itself = False

    @dataclass(frozen=True, kw_only=True)
    class Options(EmbeddingOptions, RecurrentLM.Options):
        """The options of every network, and those of the inputs."""

        order: int = option(5, "Predict from the last N - 1 words.", metavar="N", least=2)
        direct: bool = option(False, "Connect the inputs to the output too.")

    @property
    def embedding_size(self) -> int:
        """The size E of a row of the input table: `embedding`, or the hidden units."""
        return self.options.embedding or self.options.hidden

    @property
    def output_size(self) -> int:
        """The size of the output layer's input: H, and with `direct` also the order - 1 rows of size E."""
        o = self.options
        return o.hidden + (self.look_back + 1) * self.embedding_size * o.direct

    @property
    def look_back(self) -> int:
        """order - 2: how many words before the newest one the model sees."""
        return self.options.order - 2

    def _recurrent(self, rng: np.random.Generator) -> Recurrent:
        o = self.options
        return FeedForward(
            self.embedding_size,
            o.hidden,
            window=o.order - 1,
            rng=rng,
            layers=o.layers,
            direct=o.direct,
            activation=o.activation,
            dropout=o.dropout,
            dtype=o.dtype,
        )
