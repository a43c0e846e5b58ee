"""The convolution network as a classifier of images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..layers import Layer
from .blocks import Builder
from .classifier import Classifier

BLOCKS = ("conv 20 5", "pool 2", "norm", "conv 50 5", "pool 2", "norm", "affine 100")


class ConvNet(Classifier):
    """Convolutions, pooling, normalization and affine layers, as the list `blocks` has them, for images (N, h, w, C).

    `rnnlm.models.blocks` says which blocks there are; a last affine layer with a unit for each label is put on top of
    them. The other keywords are those of `Classifier`. Y. LeCun et al., "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86, 1998; A. Krizhevsky, I. Sutskever & G. Hinton, "ImageNet classification
    with deep convolutional neural networks", NIPS 2012.
    """

    kind = "convnet"

    def __init__(
        self,
        shape: Sequence[int],
        labels: Sequence[str],
        *,
        blocks: Sequence[str] = BLOCKS,
        activation: str = "relu",
        loss: str = "cross-entropy",
        standardize: str = "mean",
        seed: int = 1,
        dtype: str = "float32",
    ) -> None:
        super().__init__(
            shape,
            labels,
            {
                "blocks": list(blocks),
                "activation": activation,
                "loss": loss,
                "standardize": standardize,
                "seed": seed,
                "dtype": dtype,
            },
        )

    @property
    def units_per_input(self) -> int:
        return self._units

    def _layers(self, rng: np.random.Generator) -> list[Layer]:
        c = self.config
        builder = Builder(self.shape, c["activation"], rng, c["dtype"])
        for block in c["blocks"]:
            builder.block(block)
        builder.affine(len(self.labels), activated=False)
        self._units = builder.units
        return builder.layers
