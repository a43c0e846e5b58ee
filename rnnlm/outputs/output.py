"""What every output layer promises."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ..layers import Param
from ..ops.arrays import Array


class Output(Protocol):
    """P(word | hidden vector). Scoring and its gradient belong together: only then can the (N, V) matrix be avoided.

    forward: h (N, H), target (N,) host integers -> nll (N,) in nats, and the tape; target -1 scores 0. With `gradient`
    False nothing is prepared for `backward`.
    backward: the gradient of scale · Σ nll; adds to the parameters, returns dh (N, H).
    logprobs: h (N, H) -> log P of every word (N, V). draw: h (N, H) -> word ids (N,) drawn from P
    and the log P of each, on the host.
    start_from: the biases as the words' counts (V,) suggest.
    readout: the parameters (R (n, H), r (n,)) of a softmax over words or word classes, for Jordan's feedback.
    """

    params: dict[str, Param]

    def start_from(self, counts: np.ndarray) -> None: ...

    def forward(self, h: Array, target: np.ndarray, *, gradient: bool = True) -> tuple[Array, Any]: ...

    def backward(self, tape: Any, scale: float) -> Array: ...

    def logprobs(self, h: Array) -> Array: ...

    def draw(self, h: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]: ...

    def readout(self) -> tuple[Param, Param]: ...
