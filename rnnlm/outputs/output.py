"""What every output layer promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from ..layers import Param
from ..ops.arrays import Array


class Output(Protocol):
    """P(word | hidden vector). Scoring and its gradient belong together: only then can the (N, V) matrix be avoided.

    An output layer chooses, makes, describes and stores itself, so that nobody else asks which one it is:

    Options: the dataclass of its options (`rnnlm.options`), which become options of every network.
    choose: the layer for a vocabulary with these counts (V,), where the options ask for it, else None. `options` has at
    least the fields of `Options`; `structure` is what `structure()` returned before the layer was put into a file, or
    None for a new one. Raises UsageError for options that do not fit the vocabulary.
    structure: host arrays by name that say how it is built, besides the values of its parameters; they go into files.
    start_from: the biases as the words' counts (V,) suggest.

    forward: h (N, H), target (N,) host integers -> nll (N,) in nats, and the tape; target -1 scores 0. With `gradient`
    False nothing is prepared for `backward`.
    backward: the gradient of scale · Σ nll; adds to the parameters, returns dh (N, H).
    logprobs: h (N, H) -> log P of every word (N, V). draw: h (N, H) -> word ids (N,) drawn from P
    and the log P of each, on the host.

    units_per_token: how many output units scoring a token takes at most. description: a few words for a person. facts:
    numbers by name, for machines. cheaper: what to change for fewer units a token; empty where there is nothing.
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
        structure: Mapping[str, np.ndarray] | None = None,
    ) -> Self | None: ...

    def structure(self) -> dict[str, np.ndarray]: ...

    def start_from(self, counts: np.ndarray) -> None: ...

    def forward(self, h: Array, target: np.ndarray, *, gradient: bool = True) -> tuple[Array, Any]: ...

    def backward(self, tape: Any, scale: float) -> Array: ...

    def logprobs(self, h: Array) -> Array: ...

    def draw(self, h: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]: ...

    @property
    def units_per_token(self) -> int: ...

    @property
    def description(self) -> str: ...

    def facts(self) -> dict[str, Any]: ...

    @property
    def cheaper(self) -> str: ...


@runtime_checkable
class Readout(Protocol):
    """An output layer that has a softmax over words or word classes which can be fed back, as Jordan's network does.

    readout: the parameters (R (n, H), r (n,)) of that softmax. fed_back: what its n numbers are, in a word.
    """

    fed_back: str

    def readout(self) -> tuple[Param, Param]: ...
