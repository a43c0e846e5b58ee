"""The convolution network as a classifier of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..layers import Layer
from ..options import option
from .blocks import FORMS, Builder
from .classifier import Classifier, ClassifierOptions

BLOCKS = ("conv 20 5", "pool 2", "norm", "conv 50 5", "pool 2", "norm", "affine 100")


class ConvNet(Classifier):
    """Convolutions, pooling, normalization and affine layers in the order of `blocks`, for images (N, h, w, C).

    `rnnlm.models.blocks` says which blocks there are; a last affine layer with a unit for each label is put on top of
    them. The other keywords are those of `Classifier`. Y. LeCun et al., "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86, 1998; A. Krizhevsky, I. Sutskever & G. Hinton, "ImageNet classification
    with deep convolutional neural networks", NIPS 2012.
    """

    kind = "convnet"

    @dataclass(frozen=True, kw_only=True)
    class Options(ClassifierOptions):
        """The options of every classifier, and the blocks."""

        blocks: Sequence[str] = option(
            BLOCKS,
            f'Its blocks with commas between them, such as "conv 20 5, pool 2, norm, affine 100": '
            f"{', '.join(FORMS.values())}.",
            metavar="BLOCKS",
        )

    @property
    def units_per_input(self) -> int:
        """See `Classifier.units_per_input`; counted when the layers are built."""
        return self._units

    def _layers(self, rng: np.random.Generator) -> list[Layer]:
        o = self.options
        builder = Builder(self.shape, o.activation, rng, o.dtype)
        for block in o.blocks:
            builder.block(block)
        builder.affine(len(self.labels), activated=False)
        self._units = builder.units
        return builder.layers
