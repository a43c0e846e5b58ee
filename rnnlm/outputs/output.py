"""The protocol that every output layer follows."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from ..layers import Param
from ..ops.arrays import Array
from ..stored import Stored


class Output(Protocol):
    """P(word | hidden vector): the last layer of a language model.

    Scoring and its gradient belong together: only then can the (N, V) matrix of all probabilities be avoided. An output
    layer chooses, makes, describes and stores itself, so that nothing else in the package asks which one it is.
    `Options` is the dataclass of its options (`rnnlm.options`), which become options of every network. `params` are the
    learnt arrays by name.
    """

    Options: ClassVar[type]
    params: dict[str, Param]

    @classmethod
    def choose(
        cls,
        counts: np.ndarray,
        options: Any,
        size: int,
        *,
        rng: np.random.Generator,
        dtype: str,
        structure: Stored | None = None,
    ) -> Self | None:
        """The layer for hidden vectors of `size` H and a vocabulary with these counts (V,), or None.

        None means that the options do not ask for this kind of layer. `options` has at least the fields of `Options`;
        `structure` is the file that holds what `structure()` returned, or None for a new layer. Raises
        UsageError for options that do not fit the vocabulary.
        """

    def structure(self) -> dict[str, np.ndarray]:
        """Host arrays by name that say how the layer is built, besides its parameters; they go into model files."""

    def start_from(self, counts: np.ndarray) -> None:
        """Set the biases to the values that the words' counts (V,) suggest."""

    def forward(self, h: Array, target: np.ndarray, *, gradient: bool = True) -> tuple[Array, Any]:
        """Score target words: h (N, H), target (N,) host integers -> nll (N,) in nats, and the tape.

        A target of -1 scores 0 and has no gradient. With `gradient` False nothing is prepared for `backward`.
        """

    def backward(self, tape: Any, scale: float) -> Array:
        """The gradient dh (N, H) of scale · Σ nll; adds the gradients of the parameters to those that they have."""

    def logprobs(self, h: Array) -> Array:
        """The log-probability of every word, in nats: h (N, H) -> (N, V)."""

    def draw(self, h: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Words drawn from P, one for each row of h (N, H): ids (N,), and the log P of each, both on the host."""

    @property
    def units_per_token(self) -> int:
        """How many output units scoring a token takes at most."""

    @property
    def numbers_per_token(self) -> int:
        """How many numbers are in memory for each token, at most, between the forward and the backward pass."""

    @property
    def description(self) -> str:
        """The layer in a few words, for a person."""

    def facts(self) -> dict[str, Any]:
        """Numbers that describe the layer, by name, as `rnnlm info --json` prints them."""

    @property
    def cheaper(self) -> str:
        """The advice that makes a token cost fewer units, as part of a sentence; empty where there is none."""


@runtime_checkable
class Readout(Protocol):
    """An output layer with a softmax over words or word classes that can be fed back, as in Jordan's network.

    `fed_back` says in a word what the n numbers of that softmax belong to.
    """

    fed_back: str

    def readout(self) -> tuple[Param, Param]:
        """The parameters (R (n, H), r (n,)) of that softmax."""
