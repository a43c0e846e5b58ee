"""A causal convolution network as a language model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UsageError
from ..ops.reference.elementwise import ACTIVATIONS
from ..recurrent import CausalConvolution, Recurrent, Stack
from ..recurrent.causal_convolution import GATED
from ..text.vocabulary import Vocabulary
from .feedforward_lm import check_embedding
from .recurrent import RecurrentLM


class ConvolutionLM(RecurrentLM):
    """`layers` causal convolutions of `kernel` steps on top of each other, P(next word) = softmax of the last one.

    The next word is predicted from the last 1 + layers · (kernel - 1) words. The units are gated and linear by default
    (Dauphin et al. 2017), or of an `activation`; `residual` adds each layer's input to what comes out of it, where the
    sizes allow. `embedding` is the size of the rows of the input table (None: as many as hidden units). Raises
    UsageError for a kernel or an embedding below 1.
    """

    kind = "convolution"

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        layers: int = 2,
        kernel: int = 3,
        activation: str = GATED,
        embedding: int | None = None,
        residual: bool = True,
        **config: Any,
    ) -> None:
        if kernel < 1:
            raise UsageError(f"kernel={kernel} is too small. Give kernel >= 1.")
        check_embedding(embedding)
        super().__init__(
            vocabulary,
            layers=layers,
            activation=activation,
            kernel=kernel,
            embedding=embedding,
            residual=residual,
            **config,
        )

    @property
    def embedding_size(self) -> int:
        return self.config["embedding"] or self.config["hidden"]

    @property
    def look_back(self) -> int:
        return self.config["layers"] * (self.config["kernel"] - 1)

    def _check_activation(self, name: str) -> None:
        known = (GATED, *ACTIVATIONS)
        if name not in known:
            raise UsageError(f"activation {name!r} is not known. Give one of {', '.join(known)}.")

    def _recurrent(self, rng: np.random.Generator) -> Recurrent:
        c = self.config
        H = c["hidden"]
        layers = [
            CausalConvolution(
                inputs,
                H,
                kernel=c["kernel"],
                rng=rng,
                activation=c["activation"],
                residual=c["residual"] and inputs == H,
                dtype=c["dtype"],
            )
            for inputs in (self.embedding_size, *[H] * (c["layers"] - 1))
        ]
        return Stack(layers, dropout=c["dropout"])
