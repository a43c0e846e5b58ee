"""One log-probability per token: what every comparison, mixture and perplexity is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from ..errors import DataError, UsageError
from ..text.encoding import Encoding, as_encoding, difference
from ..text.vocabulary import Vocabulary

ABOVE_ZERO = 1e-6  # nats by which rounding may take a log-probability that was written down above 0


@dataclass(frozen=True, eq=False)
class Stream:
    """The log-probability that a model gave to each token of a text, and all that must be known to compare it.

    `ids`         (n,) int32, the tokens in the order of the text; 0 is `</s>`, -1 a word that has no probability
    `logp`        (n,) float64, nats; nan where a token is not scored, -inf where a model excludes it
    `model`       what produced it; `text`, `sha256`: the name of the text, and of its bytes
    `encoding`    how the text became ids: its tokenizer and its `vocabulary`; a vocabulary alone is that of `words`
    `unknown`     how unknown words count: "<unk>" (as that word), "divided over N types", or "left out"
    `ends`        whether sentence ends are scored
    `characters`  of the text, a sentence end counting one
    `entropy`     (n,) of the whole prediction, nats, or None; `rank` (n,) of the token in it, 1 for the likeliest,
                  0 for one that is not scored
    `top_ids`, `top_logp`  (n, k): the k likeliest words at each place, falling, or None
    """

    ids: np.ndarray
    logp: np.ndarray
    model: str
    text: str
    sha256: str
    encoding: Encoding
    unknown: str
    characters: int
    ends: bool = True
    entropy: np.ndarray | None = None
    rank: np.ndarray | None = None
    top_ids: np.ndarray | None = None
    top_logp: np.ndarray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", as_encoding(self.encoding))

    @property
    def vocabulary(self) -> Vocabulary:
        """The words behind the ids."""
        return self.encoding.vocabulary

    @property
    def tokenizer(self) -> str:
        """The short text that names the rule which cut the text into tokens."""
        return self.encoding.tokenizer

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_unknown(self) -> np.ndarray:
        """(n,) bool: the words that are not in the vocabulary, or are written `<unk>`."""
        return (self.ids < 0) | (self.ids == self.vocabulary.unknown_id)

    @property
    def scored(self) -> np.ndarray:
        """(n,) bool: the tokens that have a probability, be it zero."""
        return ~np.isnan(self.logp)

    def with_unknown(self, rule: str | int) -> Stream:
        """The same stream with another rule for unknown words.

        "<unk>" leaves them as the model scored them, "skip" leaves them out, and a whole number N (or its digits)
        divides P(`<unk>`) evenly over N unseen types: log P(`<unk>`) - log N each. Raises UsageError for another rule,
        N < 1, or an N where P(`<unk>`) is not there to be divided.
        """
        types = unseen_types(rule)
        if rule == "<unk>":
            return self
        logp = self.logp.copy()
        if rule == "skip":
            logp[self.is_unknown] = np.nan
            rank = None if self.rank is None else np.where(self.is_unknown, 0, self.rank)
            return replace(self, logp=logp, rank=rank, unknown="left out")
        divided = f"divided over {types} types"
        if self.unknown == divided:
            return self
        if self.unknown != "<unk>":
            raise UsageError(
                f"unknown={types} would divide P(<unk>), but in {self.model} unknown words are {self.unknown}. "
                "Give unknown=skip, or a model whose vocabulary has <unk>."
            )
        logp[self.is_unknown] -= np.log(types)
        return replace(self, logp=logp, unknown=divided)


def unseen_types(rule: str | int) -> int:
    """The number N in a rule for unknown words, 1 for "<unk>" and "skip". UsageError for what is not a rule."""
    if rule in ("<unk>", "skip"):
        return 1
    types = int(rule) if isinstance(rule, str) and rule.isdecimal() else rule
    if not isinstance(types, int) or types < 1:
        raise UsageError(f"unknown={rule!r} is not a rule. Give <unk>, skip, or a number of unseen types >= 1.")
    return types


def unknown_rule(vocabulary: Vocabulary) -> str:
    """How a model with this vocabulary counts unknown words by itself."""
    return "left out" if vocabulary.unk is None else "<unk>"


def require_same(streams: list[Stream]) -> None:
    """DataError that names the first difference where two streams do not score the same tokens by the same rules."""
    for other in streams[1:]:
        _require_pair(streams[0], other)


def _require_pair(a: Stream, b: Stream) -> None:
    def refuse(what: str, one: object, two: object, advice: str = "") -> NoReturn:
        raise DataError(
            f"{a.model} and {b.model} cannot be compared: {what}, {one} against {two}. {advice} "
            "Probabilities compare only over the same tokens."
        )

    if found := difference(a.encoding, b.encoding):
        refuse(*found)
    if a.sha256 and b.sha256 and a.sha256 != b.sha256:
        refuse("they scored different texts", f"{a.text} {a.sha256[:12]}", f"{b.text} {b.sha256[:12]}")
    same = min(len(a), len(b))
    for i in np.flatnonzero(a.ids[:same] != b.ids[:same])[:1]:
        refuse(f"token {i + 1} differs", *(_word(s, i) for s in (a, b)))
    if len(a) != len(b):
        refuse("their texts differ in length", f"{len(a):,} tokens", f"{len(b):,}")
    if a.unknown != b.unknown:
        refuse("they count unknown words differently", a.unknown, b.unknown, "Score both with the same `unknown`.")
    if a.ends != b.ends:
        one, two = ("scored" if s.ends else "not scored" for s in (a, b))
        refuse("they count sentence ends differently", one, two, "Score both with sentence ends.")
    for i in np.flatnonzero(a.scored != b.scored)[:1]:
        states = (f"{_word(s, i)} {'' if s.scored[i] else 'not '}scored" for s in (a, b))
        refuse(f"token {i + 1} has a probability in one of them only", *states)


def _word(stream: Stream, place: int) -> str:
    return repr(stream.vocabulary.decode([stream.ids[place]])[0])
