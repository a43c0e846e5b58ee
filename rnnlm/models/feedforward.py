"""The feed-forward network as a classifier."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..layers import Activation, Affine, Dropout, Flatten, Layer
from ..layers.initializers import for_activation
from ..options import option
from .classifier import Classifier, ClassifierOptions


class FeedForward(Classifier):
    """h_0 = x, h_k = f(h_{k-1} W_k + b_k), outputs = h_n W + b: the multilayer perceptron.

    `layers` are the sizes of the hidden layers, in order; none at all is a linear classifier. `dropout` is
    applied to the output of each hidden layer. The other keywords are those of `Classifier`.
    D. Rumelhart, G. Hinton & R. Williams, "Learning representations by back-propagating errors", Nature 323, 1986.
    """

    kind = "feedforward"

    @dataclass(frozen=True, kw_only=True)
    class Options(ClassifierOptions):
        """The options of every classifier, and those of the hidden layers."""

        layers: Sequence[int] = option((100, 100), "Hidden units of each layer, as in 100,100.", metavar="SIZES")
        dropout: float = option(0.0, "On each layer.", group="Regularisation", metavar="P", least=0, below=1)

        def __post_init__(self) -> None:
            for size in self.layers:
                if size < 1:
                    raise UsageError(f"a layer of {size} units is not possible. Give sizes >= 1, such as 100,100.")

    @property
    def units_per_input(self) -> int:
        """See `Classifier.units_per_input`."""
        each = 3 if self.options.dropout else 2  # the map, the activation, dropout
        return each * sum(self.options.layers) + len(self.labels)

    def _layers(self, rng: np.random.Generator) -> list[Layer]:
        o, size = self.options, math.prod(self.shape)
        network: list[Layer] = [Flatten()]
        for number, units in enumerate(o.layers):
            init = for_activation(o.activation)
            network += [Affine(size, units, rng=rng, init=init, dtype=o.dtype), Activation(o.activation)]
            if o.dropout:
                network.append(Dropout(o.dropout, number))
            size = units
        return [*network, Affine(size, len(self.labels), rng=rng, dtype=o.dtype)]
