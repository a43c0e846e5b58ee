"""What this folder asks of a language model, whatever kind it is."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ..ops.arrays import Array
from ..text.vocabulary import Vocabulary

State = tuple[Array, ...]


class Predictor(Protocol):
    """A distribution over the next word: what can be scored, mixed and drawn from.

    Every `rnnlm.models.LanguageModel` is one; what the members mean is said there.
    """

    kind: str
    config: dict[str, Any]

    @property
    def vocabulary(self) -> Vocabulary: ...

    @property
    def tokenizer(self) -> str: ...

    @property
    def units_per_token(self) -> int: ...

    def start(self, batch: int = 1) -> State: ...

    def score(
        self, x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None = None
    ) -> tuple[Array, State]: ...

    def next(self, x: np.ndarray, state: State) -> tuple[Array, State]: ...

    def distributions(self, x: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]: ...

    def draw(self, x: np.ndarray, state: State, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, State]: ...
