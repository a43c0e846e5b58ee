"""The class `Stream`: one log-probability per token, which every comparison, mixture and perplexity is made from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from ..errors import DataError, UsageError
from ..text.encoding import Encoding, as_encoding, difference
from ..text.vocabulary import Vocabulary
from .possible import COMPUTED_ABOVE_ZERO

CARRIED, INDEPENDENT, AS_TRAINED, NOT_KNOWN = "carried", "independent", "as trained", "not known"
CONTEXTS = {  # what `Stream.context` can be, and what that means
    CARRIED: "the text is one stream, and the state goes on over sentence ends",
    INDEPENDENT: "every sentence is scored as a text of its own",
    AS_TRAINED: "the model was trained with independent sentences, and its state is cleared at sentence ends",
    NOT_KNOWN: "the file of another program does not say what the state is at sentence ends",
}
ABOVE_ZERO = 1e-6  # nats: how far above 0 the rounding of its digits may put a log-probability in a file


@dataclass(frozen=True, eq=False)
class Stream:
    """The log-probability that a model gave to each token of a text, and all that must be known to compare it.

    `ids`         (n,) int32, the tokens in the order of the text; 0 is `</s>`, -1 a word that has no probability
    `logp`        (n,) float64, nats; nan where a token is not scored, -inf where the model gives it P = 0
    `model`       the name of what produced it
    `text`        the name of the text
    `sha256`      of the bytes of the text, "" where it is not known
    `encoding`    how the text became ids: its tokenizer and `vocabulary`; a vocabulary alone means tokenizer `words`
    `unknown`     how unknown words count: "<unk>" (as that word), "divided over N types", or "left out"
    `characters`  the number of characters of the text; a sentence end counts as one
    `ends`        whether sentence ends are scored
    `context`     what a probability depends on besides its sentence: one of `CONTEXTS`
    `entropy`     (n,) the entropy of the prediction at each token, nats, or None
    `rank`        (n,) the rank of the token in the prediction, 1 for the likeliest, 0 where it is not scored, or None
    `top_ids`     (n, k) the k likeliest words at each token, likeliest first, or None
    `top_logp`    (n, k) their log-probabilities, nats, or None
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
    context: str = CARRIED
    entropy: np.ndarray | None = None
    rank: np.ndarray | None = None
    top_ids: np.ndarray | None = None
    top_logp: np.ndarray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", as_encoding(self.encoding))
        if self.context not in CONTEXTS:
            raise ValueError(f"context={self.context!r} is not one of {', '.join(CONTEXTS)}")

    @property
    def vocabulary(self) -> Vocabulary:
        """The words behind the ids."""
        return self.encoding.vocabulary

    @property
    def tokenizer(self) -> str:
        """The name of the tokenizer that made the tokens, such as "words"."""
        return self.encoding.tokenizer

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        parts = [f"{len(self):,} tokens", f"{np.count_nonzero(self.scored):,} scored"]
        parts += [name for name in ("entropy", "rank") if getattr(self, name) is not None]
        if self.top_ids is not None:
            parts.append(f"top {self.top_ids.shape[1]}")
        return f"Stream({self.model!r} on {self.text!r}, {', '.join(parts)})"

    @property
    def is_unknown(self) -> np.ndarray:
        """(n,) bool: whether the token is not in the vocabulary, or is written `<unk>`."""
        return (self.ids < 0) | (self.ids == self.vocabulary.unknown_id)

    @property
    def scored(self) -> np.ndarray:
        """(n,) bool: whether the token has a probability, which may be zero."""
        return ~np.isnan(self.logp)

    def with_unknown(self, rule: str | int) -> Stream:
        """Return the same stream with another rule for unknown words.

        "<unk>" leaves them as the model scored them, "skip" does not score them, and a whole number N (or its digits)
        divides P(`<unk>`) evenly over N unseen words: log P(`<unk>`) - log N for each. Raises UsageError for another
        rule, for N < 1, and for an N where the stream has no P(`<unk>`) to divide.
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


def require_possible(stream: Stream) -> None:
    """Raise DataError for numbers that no stream can hold, naming the first token that has one.

    Ids and the likeliest words are in the vocabulary; log P is not above 0 (but for rounding), and a number where the
    token is in the vocabulary; the entropy is from 0 to log V, the rank from 0 to V.
    """
    V = len(stream.vocabulary)
    _require(stream, "the id", stream.ids, -1, V - 1)
    _require(stream, "log P", stream.logp, -np.inf, COMPUTED_ABOVE_ZERO, nan=True)
    if stream.entropy is not None:
        _require(stream, "the entropy", stream.entropy, -COMPUTED_ABOVE_ZERO, math.log(V) * (1 + COMPUTED_ABOVE_ZERO))
    if stream.rank is not None:
        _require(stream, "the rank", stream.rank, 0, V)
    if stream.top_ids is not None and stream.top_logp is not None:
        _require(stream, "a likeliest word", stream.top_ids, 0, V - 1)
        _require(stream, "log P of a likeliest word", stream.top_logp, -np.inf, COMPUTED_ABOVE_ZERO)


def _require(stream: Stream, what: str, values: np.ndarray, low: float, high: float, *, nan: bool = False) -> None:
    """Raise DataError for the first token with a value that is not from `low` to `high`; `nan` allows NaN too."""
    good = (values >= low) & (values <= high)
    if nan:
        good |= np.isnan(values)
    for place in np.argwhere(~good)[:1]:
        raise DataError(
            f"{what} of token {place[0] + 1} is {values[tuple(place)]}, and only {low:g} to {high:g} is possible. "
            "Score the text again."
        )


_MOST_DIGITS = 18  # of a number of unseen types


def unseen_types(rule: str | int) -> int:
    """Return the number N in a rule for unknown words, 1 for "<unk>" and "skip". Raises UsageError for others."""
    if rule in ("<unk>", "skip"):
        return 1
    is_number = isinstance(rule, str) and rule.isascii() and rule.isdecimal() and len(rule) <= _MOST_DIGITS
    types = int(rule) if is_number else rule
    if not isinstance(types, int) or not 1 <= types < 10**_MOST_DIGITS:
        shown = repr(rule) if len(repr(rule)) <= 40 else f"{repr(rule)[:40]}…"
        raise UsageError(
            f"unknown={shown} is not a rule. Give <unk>, skip, or a number of unseen types from 1 to 10^18."
        )
    return types


def unknown_rule(vocabulary: Vocabulary) -> str:
    """Return how a model with this vocabulary counts unknown words: "<unk>", or "left out" without that word."""
    return "left out" if vocabulary.unk is None else "<unk>"


def require_same(streams: list[Stream]) -> None:
    """Raise DataError, naming the first difference, unless all streams score the same tokens by the same rules."""
    for other in streams[1:]:
        _require_pair(streams[0], other)
    _require_one_context(streams)


def joint_context(streams: list[Stream]) -> str:
    """Return the context of what is made of streams that `require_same` lets through."""
    contexts = [stream.context for stream in streams]
    return next((context for context in (CARRIED, INDEPENDENT) if context in contexts), contexts[0])


def _require_one_context(streams: list[Stream]) -> None:
    """Raise DataError where some streams carry the state over sentence ends and others were told not to.

    A model that was trained with independent sentences clears its own state, as an n-gram model does, so its stream is
    compared with both; so is one whose file does not say.
    """
    first = {stream.context: stream.model for stream in reversed(streams)}
    if CARRIED in first and INDEPENDENT in first:
        raise DataError(
            f"{first[CARRIED]} and {first[INDEPENDENT]} cannot be compared: in {first[CARRIED]} "
            f"{CONTEXTS[CARRIED]} (carried), in {first[INDEPENDENT]} {CONTEXTS[INDEPENDENT]} (independent). "
            "Score both with independent=True, or both with independent=False."
        )


def _require_pair(a: Stream, b: Stream) -> None:
    def refuse(what: str, one: object, two: object, advice: str = "") -> NoReturn:
        raise DataError(
            f"{a.model} and {b.model} cannot be compared: {what}, {one} against {two}. {advice} "
            "Probabilities compare only over the same tokens."
        )

    if first_difference := difference(a.encoding, b.encoding):
        refuse(*first_difference)
    if a.sha256 and b.sha256 and a.sha256 != b.sha256:
        refuse("they scored different texts", f"{a.text} {a.sha256[:12]}", f"{b.text} {b.sha256[:12]}")
    shorter = min(len(a), len(b))
    for i in np.flatnonzero(a.ids[:shorter] != b.ids[:shorter])[:1]:
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
