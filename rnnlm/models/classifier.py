"""The classifiers' common base: an input becomes a number for each class, and the largest is the answer."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ..errors import DataError, NotANumber, UsageError
from ..layers import Layer, Param, Sequential, Standardize, WeightsOfFile
from ..layers.losses import CrossEntropy, Hinge, Loss, SquaredError
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.device import CPU, device_of, require_same
from ..ops.reference.elementwise import ACTIVATIONS
from ..options import as_dict, make, option
from ..stored import Stored
from .model import Header, Network, set_params

LOSSES: dict[str, type[Loss]] = {"cross-entropy": CrossEntropy, "hinge": Hinge, "squared": SquaredError}
BATCH = 256  # inputs at a time by default: their activations must fit into memory


@dataclass(frozen=True, kw_only=True)
class ClassifierOptions:
    """The options that every classifier has."""

    activation: str = option("relu", "What the hidden units compute.", choices=tuple(ACTIVATIONS), common=True)
    loss: str = option("cross-entropy", "What training makes small.", choices=tuple(LOSSES))
    standardize: str = option(
        "mean",
        "Subtract the training inputs' mean (mean), divide each number by its deviation too (each), or none.",
        group="Data",
        metavar="NAME",
    )
    seed: int = option(1, "Same seed, same model.", group="Training", metavar="N", least=0, common=True)
    dtype: str = option("float32", "float32 or float64.", choices=("float32", "float64"))


class Classifier(Network):
    """Inputs (N, *shape) -> standardized -> `network` -> outputs (N, K), one for each of the `labels`.

    A subclass writes `_layers`, the network as a list, and declares its keywords in `Options`. Dropout and batch
    statistics are those of training only while it trains. `structure` is what a model file says, whose weights are put
    in afterwards; `rng` draws the weights instead of a generator with the `seed`. Raises UsageError for a value out of
    range, DataError for fewer than two labels or the same label twice.
    """

    Options: ClassVar[Any] = ClassifierOptions

    def __init__(
        self,
        shape: Sequence[int],
        labels: Sequence[str],
        *,
        structure: Stored | None = None,
        rng: np.random.Generator | None = None,
        **keywords: Any,
    ) -> None:
        self.options = o = make(self.Options, keywords)
        self.config = as_dict(o)
        self.shape, self.labels = tuple(shape), tuple(labels)
        self.log: list[dict[str, Any]] = []
        _check(self.shape, self.labels)
        if structure is not None:
            rng = WeightsOfFile(structure)
        elif rng is None:
            rng = np.random.default_rng(o.seed)
        self.standardize = Standardize(self.shape, o.standardize, dtype=o.dtype, rng=rng)
        self.network = Sequential(self._layers(rng))
        self.loss = LOSSES[o.loss]()
        self.params: dict[str, Param] = {
            f"{part}.{name}": param
            for part, layer in (("standardize", self.standardize), ("network", self.network))
            for name, param in layer.params.items()
        }

    @abstractmethod
    def _layers(self, rng: np.random.Generator) -> list[Layer]:
        """The network's layers, from an input of `shape` to len(labels) numbers."""

    @property
    @abstractmethod
    def units_per_input(self) -> int:
        """How many numbers an input becomes on its way through the layers, those of convolved patches included."""

    def facts(self) -> dict[str, Any]:
        """See `Model.facts`: the shape of an input, the labels, and how many weights the network has."""
        weights = sum(param.value.size for param in self.network.params.values())
        return {"inputs": "×".join(map(str, self.shape)), "labels": list(self.labels), "weights": weights}

    def summary(self) -> list[tuple[str, str]]:
        """See `Model.summary`: the same as `facts`, a line each."""
        facts = self.facts()
        return [("inputs", facts["inputs"]), ("labels", ", ".join(self.labels)), ("weights", f"{facts['weights']:,}")]

    def pack(self) -> tuple[Header, dict[str, Array]]:
        """See `Model.pack`: the shape and the labels go into the header, the parameters are the arrays."""
        arrays = {name: param.value for name, param in self.params.items()}
        return {"shape": list(self.shape), "labels": list(self.labels)}, arrays

    @classmethod
    def unpack(cls, stored: Stored) -> Self:
        """The classifier that `pack` took apart. DataError where something is missing or not what it must be."""
        config = stored.options("config", cls.Options)
        model = cls(stored.integers("shape", 1), stored.texts("labels"), structure=stored, **config)
        set_params(model.params, stored)
        return model

    def forward(self, x: Array, y: np.ndarray, *, train: tuple[int, int] | None = None) -> tuple[Array, Array, Any]:
        """Inputs (N, …) and class ids y (N,) -> the loss of each (N,), the outputs (N, K), the tape for `backward`."""
        standardized, _ = self.standardize.forward(self._inputs(x))
        outputs, tape = self.network.forward(standardized, train=train)  # (N, K)
        loss, loss_tape = self.loss.forward(outputs, y)
        return loss, outputs, (tape, loss_tape)

    def backward(self, tape: Any, scale: float) -> None:
        """Add the gradient of scale · Σ loss to every parameter."""
        network_tape, loss_tape = tape
        self.network.backward(self.loss.backward(loss_tape, scale), network_tape)

    def outputs(self, x: Array, batch: int = BATCH) -> np.ndarray:
        """The output layer's numbers (N, K) for inputs (N, …), before any softmax, `batch` inputs at a time.

        UsageError for batch < 1 and for inputs of another shape, NotANumber for an output that is not finite.
        """
        if batch < 1:
            raise UsageError(f"batch={batch} is too small. Give batch >= 1.")
        rows = [np.empty((0, len(self.labels)), self.config["dtype"])]
        for first in range(0, len(x), batch):
            standardized, _ = self.standardize.forward(self._inputs(x[first : first + batch]))
            outputs, _ = self.network.forward(standardized)
            rows.append(ops_for(outputs).to_host(outputs))
            for wrong in np.flatnonzero(~np.isfinite(rows[-1]).all(1))[:1]:
                raise NotANumber(
                    f"the output for example {first + wrong + 1} is not a finite number: the input is too large, or "
                    "the network has diverged. Check the data, or train again with a smaller learning rate."
                )
        return np.concatenate(rows)

    def probabilities(self, x: Array, batch: int = BATCH) -> np.ndarray:
        """P(class | input) (N, K): the softmax of the outputs.

        Only cross-entropy trains them to be probabilities; raises UsageError for another loss.
        """
        if self.config["loss"] != "cross-entropy":
            raise UsageError(
                f"a network trained with the loss {self.config['loss']} has no probabilities. Take its outputs, or "
                "train with the loss cross-entropy."
            )
        outputs = self.outputs(x, batch)
        return np.exp(ops_for(outputs).log_softmax(outputs))

    def predict(self, x: Array, batch: int = BATCH) -> np.ndarray:
        """The class of each input: ids (N,) into `labels`."""
        return self.outputs(x, batch).argmax(1)

    def _inputs(self, x: Array) -> Array:
        """The inputs on the device of the weights and in their precision; those of the host are moved there.

        UsageError for inputs of another shape than the network's, and for arrays of a GPU that does not hold the
        weights.
        """
        if x.shape[1:] != self.shape:
            raise UsageError(
                f"inputs of the shape {x.shape[1:]} do not fit, this network takes {self.shape}. Give (N, "
                f"{', '.join(map(str, self.shape))}) numbers."
            )
        weights = next(iter(self.network.params.values())).value
        if device_of(x) != CPU:
            require_same("input", [x], weights)
        return ops_for(weights).asarray(x, weights.dtype)


def _check(shape: tuple[int, ...], labels: tuple[str, ...]) -> None:
    """UsageError or DataError for a shape or labels that no network can be made for, before anything is allocated."""
    if not shape or min(shape) < 1:
        raise UsageError(f"shape={shape} is no shape of an input. Give sizes >= 1.")
    if len(labels) < 2:
        raise DataError(f"there is only the class {', '.join(labels) or 'none'}, so there is nothing to tell apart.")
    label, count = Counter(labels).most_common(1)[0]
    if count > 1:
        raise DataError(f"the label {label!r} stands for two classes. Give each class its own.")
