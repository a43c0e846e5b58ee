"""A model that has no word `<unk>`, over its words and `<unk>`, so that it mixes with models that have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array
from ..options import make
from ..text.vocabulary import UNK, Vocabulary
from .language_model import LanguageModel
from .model import State
from .wrapping import WrappedLM, keep_for, next_of


def with_unk(vocabulary: Vocabulary) -> Vocabulary:
    """The same words and, as the last one, `<unk>`, which the text never had."""
    return Vocabulary([*vocabulary.words, UNK], [*vocabulary.counts.tolist(), 0])


def over(model: LanguageModel, vocabulary: Vocabulary) -> LanguageModel:
    """The model with `<unk>` added, where that gives the words of `vocabulary`; else the model itself."""
    is_lacking = model.vocabulary.unk is None and vocabulary.words == [*model.vocabulary.words, UNK]
    return WithUnkLM(model) if is_lacking else model


class WithUnkLM(WrappedLM):
    """P(w) = P_model(w) for the words of `model`, and P(`<unk>`) = 0: the word is the last one of its vocabulary.

    Below it an unknown word is still none: it is not read, so that what follows has the probabilities that `model`
    gives. KenLM's files always have `<unk>`, and a network that was trained on a text without unknown words has not.
    Raises UsageError for a model that has `<unk>`.
    """

    kind = "with-unk"

    @dataclass(frozen=True, kw_only=True)
    class Options:
        """It has no options."""

    def __init__(self, model: LanguageModel, **keywords: Any) -> None:
        if model.vocabulary.unk is not None:
            raise UsageError(f"the model has the word {UNK} already. Use it as it is.")
        super().__init__(model, make(self.Options, keywords))
        self.encoding = model.encoding.with_vocabulary(with_unk(model.vocabulary))

    @property
    def units_per_token(self) -> int:
        """Those of the model below."""
        return self.model.units_per_token

    def start(self, batch: int = 1) -> State:
        """The state of the model below."""
        return self.model.start(batch)

    def _below(self, ids: np.ndarray) -> np.ndarray:
        """Ids as the model below has them: `<unk>` is -1."""
        return np.where(np.asarray(ids) == self.vocabulary.unk, -1, ids)

    def score(self, x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """log P(y_t | x_t, earlier words) in nats, (T, B), as `LanguageModel.score`; -inf for `<unk>`."""
        x = self._below(x)
        logp, state = self.model.score(x, self._below(y), state, keep_for(self.model, x, keep))
        return np.where(np.asarray(y) == self.vocabulary.unk, -np.inf, ops_for(logp).to_host(logp)), state

    def next(self, x: np.ndarray, state: State) -> tuple[Array, State]:
        """log P of every word after x (B,), (B, V), as `LanguageModel.next`."""
        logp, state = next_of(self.model, self._below(x), state)
        return _with_column(logp), state

    def distributions(self, x: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """log P of every word after each x, (T, B, V), as `LanguageModel.distributions`."""
        x = self._below(x)
        logp, state = self.model.distributions(x, state, keep_for(self.model, x, keep))
        return _with_column(logp), state


def _with_column(logp: Array) -> np.ndarray:
    """Log-probabilities with a last column for `<unk>`."""
    host = ops_for(logp).to_host(logp)
    return np.concatenate([host, np.full((*host.shape[:-1], 1), -np.inf, host.dtype)], axis=-1)
