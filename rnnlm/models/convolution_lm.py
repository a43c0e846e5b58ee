"""A causal convolution network as a language model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ops.reference.elementwise import ACTIVATIONS
from ..options import option
from ..recurrent import CausalConvolution, Recurrent, Stack
from ..recurrent.causal_convolution import GATED
from .recurrent import EmbeddingOptions, RecurrentLM


class ConvolutionLM(RecurrentLM):
    """`layers` causal convolutions of `kernel` steps on top of each other, P(next word) = softmax of the last one.

    The next word is predicted from the last 1 + layers · (kernel - 1) words. The units are gated and linear by default
    (Dauphin et al. 2017), or of an `activation`; `residual` adds each layer's input to what comes out of it, where the
    sizes allow. `embedding` is the size of the rows of the input table (None: as many as hidden units). Raises
    UsageError for a kernel or an embedding below 1.
    """

    kind = "convolution"
    feeds_itself = False

    @dataclass(frozen=True, kw_only=True)
    class Options(EmbeddingOptions, RecurrentLM.Options):
        """The options of every network, and those of the convolutions."""

        layers: int = 2
        activation: str = option(GATED, "What the hidden units compute.", choices=(GATED, *ACTIVATIONS))
        kernel: int = option(3, "Steps that each layer sees.", metavar="K", least=1)
        residual: bool = option(True, "Add each layer's input to what comes out of it, where the sizes allow.")

    @property
    def embedding_size(self) -> int:
        """The size E of a row of the input table: `embedding`, or the hidden units."""
        return self.options.embedding or self.options.hidden

    @property
    def look_back(self) -> int:
        """layers · (kernel - 1): how many words before the newest one the last layer sees."""
        return self.options.layers * (self.options.kernel - 1)

    def _recurrent(self, rng: np.random.Generator) -> Recurrent:
        o = self.options
        layers = [
            CausalConvolution(
                inputs,
                o.hidden,
                kernel=o.kernel,
                rng=rng,
                activation=o.activation,
                residual=o.residual and inputs == o.hidden,
                dtype=o.dtype,
            )
            for inputs in (o.hidden if layer else self.embedding_size for layer in range(o.layers))
        ]
        return Stack(layers, dropout=o.dropout)
