"""The protocol of language models, and the methods that all of them share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np

from ..evaluation.perplexity import Perplexity, perplexity
from ..evaluation.sampling import Sample, sample
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.reference.softmax import draw
from ..stored import Stored
from ..text.encoding import Encoding
from ..text.vocabulary import Vocabulary
from .model import Header, Model, State


class LanguageModel(Model):
    """A distribution over the next word, given the words so far.

    A subclass keeps `encoding` (how a text becomes word ids: `rnnlm.text.as_encoding` of what its constructor was
    given) and `config`, its constructor keywords verbatim, and writes `start`, `score` and `next`. Word ids are integer
    arrays of the host, time-major: (T, B) for T steps of B parallel streams, which do not influence each other. A state
    is a tuple of arrays whose first axis is B; it is passed in and returned, never kept. Log-probabilities are natural.
    `rnnlm.testing.check_language_model` says whether a model keeps to this.
    """

    encoding: Encoding

    def _repr_parts(self) -> list[str]:
        return [self.encoding.size, *super()._repr_parts()]

    @property
    def vocabulary(self) -> Vocabulary:
        """The words that the model predicts."""
        return self.encoding.vocabulary

    @property
    def tokenizer(self) -> str:
        """The short text that names the rule which cut the training text into words."""
        return self.encoding.tokenizer

    def to_arrays(self) -> tuple[Header, dict[str, np.ndarray]]:
        """See `Model.to_arrays`; the encoding goes into the header and the arrays too."""
        header, arrays = super().to_arrays()
        about, words = self.encoding.to_arrays()
        return {**header, **about}, {**arrays, **words}

    @classmethod
    def unpack(cls, encoding: Encoding, stored: Stored) -> Self:
        """The model that `pack` took apart, from what a file says of it.

        DataError where something is missing or is not what it must be.
        """
        raise TypeError(f"a {cls.__name__} does not say how to load it: it has no method unpack")

    @property
    def units_per_token(self) -> int:
        """How many output units scoring a token computes at most: V, unless the model needs fewer."""
        return len(self.vocabulary)

    @abstractmethod
    def start(self, batch: int = 1) -> State:
        """The state before the first word of `batch` streams."""

    @abstractmethod
    def score(self, x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """log P(y_t | x_t, earlier words) in nats, (T, B), and the state after the window.

        x, y are word ids (T, B); where y is -1 the result is 0. `keep` (T, B) is 0 at steps before which the state is
        cleared, 1 elsewhere; None keeps it throughout.
        """

    @abstractmethod
    def next(self, x: np.ndarray, state: State) -> tuple[Array, State]:
        """log P of every word after x (B,) in nats, (B, V), and the state after x."""

    def distributions(self, x: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """log P of every word after each x (T, B) of a window, in nats, (T, B, V), and the state after it."""
        rows, fresh = [], self.start(x.shape[1])
        for t in range(len(x)):
            if keep is not None:
                cleared = keep[t] == 0
                state = tuple(ops_for(b).choose_rows(cleared, a, b) for a, b in zip(fresh, state, strict=True))
            logp, state = self.next(x[t], state)
            rows.append(logp)
        return ops_for(rows[0]).xp.stack(rows), state

    def draw(self, x: np.ndarray, state: State, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, State]:
        """One word a stream, drawn from the distribution after x (B,): ids (B,), their log P, the state after x."""
        logp, state = self.next(x, state)
        host = ops_for(logp).to_host(logp)
        ids, logp = draw(host, rng.random(len(host)))
        return ids, logp, state

    def perplexity(
        self, text: Any, *, streams: int = 1, independent: bool | None = None, progress: bool | None = None
    ) -> Perplexity:
        """The perplexity of a text: a path, or a `Corpus`. See `rnnlm.evaluation.perplexity`."""
        return perplexity(self, text, streams=streams, independent=independent, progress=progress)

    def sample(self, prompt: str = "", length: int | None = None, **options: Any) -> list[Sample] | Sample:
        """A sampled continuation of the prompt. See `rnnlm.evaluation.sample` for the options."""
        return sample(self, prompt, length, **options)
