"""The protocol that every language model follows, as scoring, mixing and sampling use it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ..ops.arrays import Array
from ..text.encoding import Encoding
from ..text.vocabulary import Vocabulary

State = tuple[Array, ...]


class Predictor(Protocol):
    """A distribution over the next word, which can score texts, be mixed and be drawn from.

    Every `rnnlm.models.LanguageModel` is one. `kind` names the kind of model and `config` holds its settings. In the
    methods x and y are word ids, (B,) for one step or (T, B) for a window; a state is a tuple of arrays with B rows.
    """

    kind: str
    config: dict[str, Any]

    @property
    def vocabulary(self) -> Vocabulary:
        """The words that the model predicts."""

    @property
    def encoding(self) -> Encoding:
        """The tokenizer and the vocabulary of the model."""

    @property
    def units_per_token(self) -> int:
        """The number of output units that are computed to score one token, at most."""

    def start(self, batch: int = 1) -> State:
        """Return the state of `batch` streams before their first words."""

    def score(self, x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """Return log P(y | x and the words before), (T, B) nats, 0 where y is -1, and the state after the window.

        Where `keep` (T, B) is 0, the state is cleared before the word is read.
        """

    def next(self, x: np.ndarray, state: State) -> tuple[Array, State]:
        """Return log P of every word after x, (B, V) nats, and the state after x."""

    def distributions(self, x: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """Return log P of every word after each word of a window, (T, B, V) nats, and the state after the window."""

    def draw(self, x: np.ndarray, state: State, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, State]:
        """Draw a word for each stream: return the ids (B,), log P of each (B,) in nats, and the state after x."""
