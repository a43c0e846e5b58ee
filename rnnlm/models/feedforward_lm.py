"""Bengio's feed-forward network as a language model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UsageError
from ..recurrent import FeedForward, Recurrent
from ..text.encoding import Encoding
from ..text.vocabulary import Vocabulary
from .recurrent import RecurrentLM


class FeedForwardLM(RecurrentLM):
    """h_t = f([E[w_{t-n+2}] … E[w_t]] W + b), P(next word) = softmax of h_t, tanh units: a neural n-gram model.

    `order` n: the next word and the n - 1 before it. `embedding` is the size of the rows of the input table (None: as
    many as hidden units). `direct` connects these inputs to the output too: the softmax's weights on them stand beside
    those on h. `layers` > 1 puts further hidden layers between the first and the output. Raises UsageError for an
    order below 2 or an embedding below 1.

    Y. Bengio, R. Ducharme, P. Vincent & C. Jauvin, "A neural probabilistic language model", JMLR 3, 2003.
    """

    kind = "bengio"

    def __init__(
        self,
        encoding: Encoding | Vocabulary,
        *,
        order: int = 5,
        embedding: int | None = None,
        direct: bool = False,
        **config: Any,
    ) -> None:
        if order < 2:
            raise UsageError(f"order={order} is too small. Give order >= 2: the next word and at least one before it.")
        check_embedding(embedding)
        super().__init__(encoding, order=order, embedding=embedding, direct=direct, **config)

    @property
    def embedding_size(self) -> int:
        return self.config["embedding"] or self.config["hidden"]

    @property
    def output_size(self) -> int:
        c = self.config
        return c["hidden"] + (self.look_back + 1) * self.embedding_size * c["direct"]

    @property
    def look_back(self) -> int:
        return self.config["order"] - 2

    def _recurrent(self, rng: np.random.Generator) -> Recurrent:
        c = self.config
        return FeedForward(
            self.embedding_size,
            c["hidden"],
            window=c["order"] - 1,
            rng=rng,
            layers=c["layers"],
            direct=c["direct"],
            activation=c["activation"],
            dropout=c["dropout"],
            dtype=c["dtype"],
        )


def check_embedding(size: int | None) -> None:
    """UsageError for an embedding size that is none."""
    if size is not None and size < 1:
        raise UsageError(
            f"embedding={size} is too small. Give embedding >= 1, or leave it out: as many as hidden units."
        )
