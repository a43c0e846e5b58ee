"""N-gram models: Kneser–Ney and the other smoothings, as language models like any other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import DataError, UsageError
from ..ngram import arpa_read, arpa_write
from ..ngram.columns import Workspace
from ..ngram.counts import check_order, count
from ..ngram.estimate import estimate
from ..ngram.pruning import entropy_prune
from ..ngram.smoothing import (
    AbsoluteDiscounting,
    KneserNey,
    Lidstone,
    MaximumLikelihood,
    Smoothing,
    StupidBackoff,
    WittenBell,
    check_prune,
)
from ..ngram.table import Table
from ..ops import ops_for
from ..ops.arrays import Array
from ..text.corpus import Corpus
from ..text.vocabulary import Vocabulary
from .language_model import LanguageModel
from .model import Header, State

BYTES = 60  # that an n-gram needs while it is counted and estimated, at most

SMOOTHINGS: dict[str, Callable[[int, float, float], Smoothing]] = {  # of order, gamma, alpha
    "kneser-ney": lambda order, gamma, alpha: KneserNey(),
    "absolute": lambda order, gamma, alpha: AbsoluteDiscounting(),
    "witten-bell": lambda order, gamma, alpha: WittenBell(),
    "lidstone": lambda order, gamma, alpha: Lidstone(order, gamma),
    "ml": lambda order, gamma, alpha: MaximumLikelihood(),
    "stupid": lambda order, gamma, alpha: StupidBackoff(alpha),
}


class NgramLM(LanguageModel):
    """P(w | the order - 1 words before it) from a table of n-grams with back-off; sentences do not see each other.

    `table` is what `rnnlm.ngram` estimates, prunes and reads from ARPA files; `NgramLM.train` makes it from a text.
    The state is the contexts that the table has, nodes of its trie. `config` keeps how the table was made.
    """

    kind = "ngram"

    def __init__(self, vocabulary: Vocabulary, table: Table, *, tokenizer: str = "words", **config: Any) -> None:
        self.vocabulary, self.table, self.tokenizer, self.config = vocabulary, table, tokenizer, config
        self.log: list[dict[str, Any]] = []

    @classmethod
    def train(
        cls,
        text: Corpus | str | Path,
        *,
        order: int = 5,
        smoothing: str = "kneser-ney",
        prune: Sequence[int] = (),
        gamma: float = 1.0,
        alpha: float = 0.4,
        tokenizer: str = "words",
        vocabulary: Vocabulary | None = None,
        dtype: str = "float32",
        memory: float | None = None,
    ) -> NgramLM:
        """The n-gram model of a text: a path, or a Corpus.

        `smoothing`: "kneser-ney" (modified, interpolated), "absolute", "witten-bell", "lidstone" (with `gamma`, 1 is
        Laplace's rule), "ml" (maximum likelihood) or "stupid" (back-off by the factor `alpha`, renormalised). `prune`:
        n-grams of each order that occur at most so often are left out, as in (0, 0, 1). `memory` in GB: where the
        counts would need more they are files in the folder for temporary files; None is half of the machine's memory.
        A text that gives no valid discounts is warned of once (RuntimeWarning), and what stands in is said. Raises
        UsageError for a value out of range, DataError for a text that cannot be used.
        """
        if smoothing not in SMOOTHINGS:
            raise UsageError(f"smoothing={smoothing!r} is not known. Give one of {', '.join(SMOOTHINGS)}.")
        if dtype not in ("float32", "float64"):
            raise UsageError(f"dtype={dtype!r} is not known. Give float32 or float64.")
        check_order(order)
        check_prune(prune, order)
        how = SMOOTHINGS[smoothing](order, gamma, alpha)
        corpus = text if isinstance(text, Corpus) else Corpus.encode(text, vocabulary=vocabulary, tokenizer=tokenizer)
        if not (corpus.ids >= 0).any():
            raise DataError(f"no token of {corpus.name} is in the vocabulary, so there is nothing to count.")
        words = len(corpus.vocabulary)
        with Workspace(len(corpus) * order * BYTES, memory) as place:
            counts = count(corpus.ids, words, order, chunk=place.chunk, columns=place.columns)
            table, notes = estimate(counts, how, prune=prune, dtype=dtype, columns=place.columns)
            if notes:
                warnings.warn(f"{corpus.name}: {'; '.join(notes)}.", RuntimeWarning, stacklevel=2)
            config: dict[str, Any] = {"order": order, "smoothing": smoothing, "prune": list(prune), "dtype": dtype}
            if smoothing == "lidstone":
                config["gamma"] = gamma
            if smoothing == "stupid":
                config["alpha"] = alpha
            model = cls(corpus.vocabulary, place.kept(table), tokenizer=corpus.tokenizer, **config)
        run = {"text": corpus.name, "data.train": corpus.sha256, "data.train_tokens": len(corpus), "notes": notes}
        model.log.append({"kind": "run", "command": "", **run})
        return model

    @classmethod
    def read_arpa(cls, path: str | Path, vocabulary: Vocabulary | None = None) -> NgramLM:
        """The model in an ARPA file, of any program. See `rnnlm.ngram.arpa_read`."""
        words, table = arpa_read.read(path, vocabulary)
        model = cls(words, table, order=table.order, smoothing="arpa", prune=[], dtype="float32")
        model.log.append({"kind": "run", "command": "", "text": str(path)})
        return model

    def pruned(self, threshold: float) -> NgramLM:
        """The model without the n-grams that hardly change it. See `rnnlm.ngram.pruning.entropy_prune`."""
        config = self.config | {"entropy": threshold}
        model = NgramLM(self.vocabulary, entropy_prune(self.table, threshold), tokenizer=self.tokenizer, **config)
        model.log = list(self.log)
        return model

    def write_arpa(self, path: str | Path) -> None:
        """Write an ARPA file, which other programs read. See `rnnlm.ngram.arpa_write`."""
        arpa_write.write(path, self.table, self.vocabulary)

    def facts(self) -> dict[str, Any]:
        return {"ngrams": np.diff(self.table.levels).tolist()}

    def summary(self) -> list[tuple[str, str]]:
        sizes = self.facts()["ngrams"]
        return [("n-grams", f"{sum(sizes):,} of 1 to {len(sizes)} words: {', '.join(f'{n:,}' for n in sizes)}")]

    @property
    def units_per_token(self) -> int:
        return self.table.order

    def start(self, batch: int = 1) -> State:
        ops = ops_for(self.table.logp)
        return (ops.xp.full((batch, self.table.order - 1), -1, dtype=self.table.first.dtype),)

    def score(self, x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        ops = ops_for(self.table.logp)
        contexts = ops.ngram_contexts(self.table, x, state[0], keep)
        logp = ops.ngram_logp(self.table, contexts.reshape(x.size, -1), y.reshape(-1))
        return logp.reshape(x.shape), (contexts[-1],)

    def distributions(self, x: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        ops = ops_for(self.table.logp)
        contexts = ops.ngram_contexts(self.table, x, state[0], keep)
        return ops.ngram_rows(self.table, contexts.reshape(x.size, -1)).reshape(*x.shape, -1), (contexts[-1],)

    def next(self, x: np.ndarray, state: State) -> tuple[Array, State]:
        logp, state = self.distributions(np.asarray(x)[None], state)
        return logp[0], state

    def pack(self) -> tuple[Header, dict[str, Array]]:
        return {}, self.table.arrays()

    @classmethod
    def unpack(cls, vocabulary: Vocabulary, header: Header, arrays: dict[str, np.ndarray], folder: Path) -> Self:
        return cls(vocabulary, Table.from_arrays(arrays), tokenizer=header["tokenizer"], **header["config"])
