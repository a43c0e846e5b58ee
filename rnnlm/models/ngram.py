"""N-gram models as language models, with modified Kneser–Ney and other smoothings."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import DataError, enough_memory
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
from ..option_help import signature
from ..option_sets import refuse_others
from ..options import make, option
from ..stored import Stored
from ..text.corpus import Corpus
from ..text.encoding import Encoding, as_encoding
from ..text.vocabulary import Vocabulary
from .language_model import LanguageModel
from .model import Header, State

BYTES_PER_NGRAM = 60  # that counting and estimating needs, at most

SMOOTHINGS: dict[str, Callable[[NgramOptions], Smoothing]] = {
    "kneser-ney": lambda options: KneserNey(),
    "absolute": lambda options: AbsoluteDiscounting(),
    "witten-bell": lambda options: WittenBell(),
    "lidstone": lambda options: Lidstone(options.order, 1.0 if options.gamma is None else options.gamma),
    "ml": lambda options: MaximumLikelihood(),
    "stupid": lambda options: StupidBackoff(0.4 if options.alpha is None else options.alpha),
}


@dataclass(frozen=True, kw_only=True)
class NgramOptions:
    """How an n-gram model is made of a text.

    `smoothing`: "kneser-ney" (modified, interpolated), "absolute", "witten-bell", "lidstone" (with `gamma`, 1 is
    Laplace's rule), "ml" (maximum likelihood) or "stupid" (back-off by the factor `alpha`, renormalised). `prune`:
    n-grams of each order that occur at most so often are left out, as in (0, 0, 1). `memory` in GB: where the counts
    would need more they are files in the folder for temporary files; None is half of the machine's memory.
    """

    order: int = option(5, "Words in the longest n-gram.", metavar="N", common=True)
    smoothing: str = option(
        "kneser-ney",
        "kneser-ney (modified, interpolated), absolute, witten-bell, lidstone, ml or stupid (back-off, renormalised).",
        choices=tuple(SMOOTHINGS),
        common=True,
    )
    gamma: float | None = option(
        None, "What is added to each count.", metavar="X", selector="smoothing", kinds=("lidstone",), usual="1"
    )
    alpha: float | None = option(
        None, "The factor of a back-off.", metavar="X", selector="smoothing", kinds=("stupid",), usual="0.4"
    )
    prune: Sequence[int] = option(
        (), "Leave n-grams out that occur at most N times, by order, as in 0 0 1.", metavar="N N ...", common=True
    )
    memory: float | None = option(
        None, "Beyond it counts go to files; half the machine's without it.", group="Machine", metavar="GB"
    )
    dtype: str = option("float32", "float32 or float64.", choices=("float32", "float64"))


@dataclass(frozen=True, kw_only=True)
class RecordedOptions(NgramOptions):
    """What a model file says of how a table was made: the options, the pruning by entropy, or an ARPA file."""

    smoothing: str = option(
        "kneser-ney", "The smoothing, arpa for a table that was read.", choices=(*SMOOTHINGS, "arpa")
    )
    entropy: float | None = option(None, "The threshold of pruning by entropy.", metavar="X", least=0)


class NgramLM(LanguageModel):
    """P(w | the order - 1 words before it, within its sentence) from a table of n-grams with back-off.

    `table` is what `rnnlm.ngram` estimates, prunes and reads from ARPA files; `NgramLM.train` makes it from a text. The
    state (B, order - 1) holds the contexts that the table has, as nodes of its trie, -1 for none. `config` keeps how
    the table was made.
    """

    kind = "ngram"

    Options = NgramOptions

    def __init__(self, encoding: Encoding | Vocabulary, table: Table, config: Mapping[str, Any]) -> None:
        self.encoding, self.table, self.config = as_encoding(encoding), table, dict(config)
        self.log: list[dict[str, Any]] = []

    @classmethod
    def train(
        cls,
        text: Corpus | str | Path,
        *,
        tokenizer: str = "words",
        vocabulary: Vocabulary | None = None,
        **options: Any,
    ) -> NgramLM:
        """The n-gram model of a text: a path, or a Corpus; the keywords are those of `NgramOptions`.

        For a text that gives no valid discounts there is one RuntimeWarning, which says what is used instead. Raises
        UsageError for a value out of range, DataError for a text that cannot be used.
        """
        o: NgramOptions = make(cls.Options, options)
        refuse_others(o, "smoothing", o.smoothing)
        order, prune, dtype = o.order, o.prune, o.dtype
        check_order(order)
        check_prune(prune, order)
        smoothing = SMOOTHINGS[o.smoothing](o)
        corpus = text if isinstance(text, Corpus) else Corpus.encode(text, vocabulary=vocabulary, tokenizer=tokenizer)
        if not (corpus.ids >= 0).any():
            raise DataError(f"no token of {corpus.name} is in the vocabulary, so there is nothing to count.")
        words = len(corpus.vocabulary)
        advice = "Give less `memory` (GB), so that counts are kept on the disk, a lower `order`, or a smaller text."
        with (
            enough_memory(f"the n-grams of {corpus.name}", advice),
            Workspace(len(corpus) * order * BYTES_PER_NGRAM, o.memory) as workspace,
        ):
            counts = count(corpus.ids, words, order, chunk=workspace.chunk, columns=workspace.columns)
            table, notes = estimate(counts, smoothing, prune=prune, dtype=dtype, columns=workspace.columns)
            if notes:
                warnings.warn(f"{corpus.name}: {'; '.join(notes)}.", RuntimeWarning, stacklevel=2)
            config: dict[str, Any] = {"order": order, "smoothing": o.smoothing, "prune": list(prune), "dtype": dtype}
            config |= {"gamma": smoothing.gamma} if isinstance(smoothing, Lidstone) else {}
            config |= {"alpha": smoothing.alpha} if isinstance(smoothing, StupidBackoff) else {}
            model = cls(corpus.encoding, workspace.kept(table), config)
        run = {"text": corpus.name, "data.train": corpus.sha256, "data.train_tokens": len(corpus), "notes": notes}
        model.log.append({"kind": "run", "command": "", **run})
        return model

    @classmethod
    def read_arpa(cls, path: str | Path, vocabulary: Vocabulary | None = None) -> NgramLM:
        """The model in an ARPA file, of any program. See `rnnlm.ngram.arpa_read`."""
        words, table = arpa_read.read(path, vocabulary)
        config = {"order": table.order, "smoothing": "arpa", "prune": [], "dtype": "float32"}
        model = cls(words, table, config)
        model.log.append({"kind": "run", "command": "", "text": str(path)})
        return model

    def pruned(self, threshold: float) -> NgramLM:
        """The model without the n-grams that hardly change it. See `rnnlm.ngram.pruning.entropy_prune`."""
        config = self.config | {"entropy": threshold}
        model = NgramLM(self.encoding, entropy_prune(self.table, threshold), config)
        model.log = list(self.log)
        return model

    def write_arpa(self, path: str | Path) -> None:
        """Write an ARPA file, which other programs read. See `rnnlm.ngram.arpa_write`."""
        arpa_write.write(path, self.table, self.vocabulary)

    def facts(self) -> dict[str, Any]:
        """See `Model.facts`: how many n-grams of each order there are."""
        return {"ngrams": np.diff(self.table.levels).tolist()}

    def summary(self) -> list[tuple[str, str]]:
        """See `Model.summary`: the number of n-grams, in all and by order."""
        sizes, unit = self.facts()["ngrams"], self.encoding.unit
        return [("n-grams", f"{sum(sizes):,} of 1 to {len(sizes)} {unit}s: {', '.join(f'{n:,}' for n in sizes)}")]

    @property
    def units_per_token(self) -> int:
        """The order: scoring a token looks up one entry of each length at most."""
        return self.table.order

    def start(self, batch: int = 1) -> State:
        """No contexts yet: -1 everywhere, (B, order - 1)."""
        ops = ops_for(self.table.logp)
        return (ops.xp.full((batch, self.table.order - 1), -1, dtype=self.table.first.dtype),)

    def score(self, x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """log P(y_t | x_t, earlier words) in nats, (T, B), as `LanguageModel.score`, looked up token by token."""
        ops = ops_for(self.table.logp)
        contexts = ops.ngram_contexts(self.table, x, state[0], keep)
        logp = ops.ngram_logp(self.table, contexts.reshape(x.size, -1), y.reshape(-1))
        return logp.reshape(x.shape), (contexts[-1],)

    def distributions(self, x: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """log P of every word after each x, (T, B, V), as `LanguageModel.distributions`."""
        ops = ops_for(self.table.logp)
        contexts = ops.ngram_contexts(self.table, x, state[0], keep)
        return ops.ngram_rows(self.table, contexts.reshape(x.size, -1)).reshape(*x.shape, -1), (contexts[-1],)

    def next(self, x: np.ndarray, state: State) -> tuple[Array, State]:
        """log P of every word after x (B,), (B, V): the distribution of a window with T = 1."""
        logp, state = self.distributions(np.asarray(x)[None], state)
        return logp[0], state

    def pack(self) -> tuple[Header, dict[str, Array]]:
        """See `Model.pack`: the arrays of the table."""
        return {}, self.table.arrays()

    @classmethod
    def unpack(cls, encoding: Encoding, stored: Stored) -> Self:
        """See `LanguageModel.unpack`."""
        config = stored.options("config", RecordedOptions)
        table = Table.unpack(stored, len(encoding.vocabulary))
        for name, value in (("order", table.order), ("dtype", table.logp.dtype.name)):
            if config.get(name, value) != value:
                raise DataError(f"the entry {stored.place}config.{name} is {config[name]}, but the table has {value}.")
        return cls(encoding, table, config)


signature(NgramLM.train.__func__, NgramOptions)  # type: ignore[attr-defined]
