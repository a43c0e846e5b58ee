"""The feed-forward network as a classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import UsageError
from ..layers import Activation, Affine, Dropout, Flatten, Layer
from ..layers.initializers import for_activation
from .classifier import Classifier


class FeedForward(Classifier):
    """h_0 = x, h_k = f(h_{k-1} W_k + b_k), outputs = h_n W + b: the multilayer perceptron.

    `layers` are the sizes of the hidden layers, in order; none at all is a linear classifier. `dropout` acts on each
    hidden layer's way up. The other keywords are those of `Classifier`.
    D. Rumelhart, G. Hinton & R. Williams, "Learning representations by back-propagating errors", Nature 323, 1986.
    """

    kind = "feedforward"

    def __init__(
        self,
        shape: Sequence[int],
        labels: Sequence[str],
        *,
        layers: Sequence[int] = (100, 100),
        activation: str = "relu",
        dropout: float = 0.0,
        loss: str = "cross-entropy",
        standardize: str = "mean",
        seed: int = 1,
        dtype: str = "float32",
    ) -> None:
        for size in layers:
            if size < 1:
                raise UsageError(f"a layer of {size} units is not possible. Give sizes >= 1, such as 100,100.")
        Dropout(dropout)  # a UsageError where that is no rate, also without a hidden layer
        super().__init__(
            shape,
            labels,
            {
                "layers": list(layers),
                "activation": activation,
                "dropout": dropout,
                "loss": loss,
                "standardize": standardize,
                "seed": seed,
                "dtype": dtype,
            },
        )

    @property
    def units_per_input(self) -> int:
        each = 3 if self.config["dropout"] else 2  # the map, the activation, dropout
        return each * sum(self.config["layers"]) + len(self.labels)

    def _layers(self, rng: np.random.Generator) -> list[Layer]:
        c, size = self.config, int(np.prod(self.shape))
        network: list[Layer] = [Flatten()]
        for number, units in enumerate(c["layers"]):
            init = for_activation(c["activation"])
            network += [Affine(size, units, rng=rng, init=init, dtype=c["dtype"]), Activation(c["activation"])]
            if c["dropout"]:
                network.append(Dropout(c["dropout"], number))
            size = units
        return [*network, Affine(size, len(self.labels), rng=rng, dtype=c["dtype"])]
