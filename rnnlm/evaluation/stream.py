"""The class `Stream`: one log-probability per token, which every comparison, mixture and perplexity is made from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, NoReturn

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
LEFT_OUT = "left out"  # what `Stream.unknown` is where unknown words have no probability
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
            return replace(self, logp=logp, rank=rank, unknown=LEFT_OUT)
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
    """Raise DataError for numbers that no stream can hold (see `impossible`), naming the first token that has one."""
    if wrong := impossible(stream):
        raise DataError(f"{wrong.what} of token {wrong.place + 1} {wrong.reason}. Score the text again.")


class Impossible(NamedTuple):
    """The place of a token in a stream, which of its numbers cannot be, and why."""

    place: int
    what: str
    reason: str


def impossible(stream: Stream, above_zero: float = COMPUTED_ABOVE_ZERO) -> Impossible | None:
    """Return the first kind of number that no stream can hold, and the first token with one; None where all can be.

    Ids and the likeliest words are in the vocabulary; log P is a number where the rules of the stream say so, and no
    more than `above_zero` nats above 0; the entropy is from 0 to log V, the rank from 1 to V, 0 where the token is not
    scored; none of the likeliest words is likelier than the one before it.
    """
    V = len(stream.vocabulary)
    scored, is_unknown = stream.scored, stream.is_unknown
    found = [
        _outside("the id", stream.ids, -1, V - 1),
        _outside("log P", np.where(scored, stream.logp, 0.0), -np.inf, above_zero),
        _first("log P", ~scored & ~_may_be_unscored(stream), "is nan, and only unknown words may have none"),
    ]
    if stream.unknown == LEFT_OUT:
        found.append(_first("log P", scored & is_unknown, "is a number, and unknown words are left out"))
    if stream.entropy is not None:
        most = math.log(V) * (1 + COMPUTED_ABOVE_ZERO) + above_zero
        found.append(_outside("the entropy", stream.entropy, -above_zero, most))
    if stream.rank is not None:
        found.append(_outside("the rank", stream.rank, 0, V))
        found.append(_first("the rank", (stream.rank == 0) & scored, "is 0, and the token has a probability"))
        found.append(_first("the rank", (stream.rank != 0) & ~scored, "is not 0, and the token has no probability"))
    if stream.top_ids is not None and stream.top_logp is not None:
        found.append(_outside("a likeliest word", stream.top_ids, 0, V - 1))
        found.append(_outside("log P of a likeliest word", stream.top_logp, -np.inf, above_zero))
        rises = stream.top_logp[:, 1:] > stream.top_logp[:, :-1]
        found.append(_first("a likeliest word", rises, "is likelier than the one before it"))
    return next((wrong for wrong in found if wrong is not None), None)


def _may_be_unscored(stream: Stream) -> np.ndarray:
    """(n,) bool: whether a token may be without a probability, by the rules that the stream names."""
    if stream.context == NOT_KNOWN:  # that of another program, which may not know every word that we know
        return np.ones(len(stream), dtype=bool)
    left_out = stream.is_unknown & (stream.unknown == LEFT_OUT)
    return left_out if stream.ends else left_out | (stream.ids == stream.vocabulary.eos)


def _first(what: str, wrong: np.ndarray, reason: str) -> Impossible | None:
    """Return the first token for which a number is `wrong`: (n,) or (n, k)."""
    return Impossible(int(np.argwhere(wrong)[0][0]), what, reason) if wrong.any() else None


def _outside(what: str, values: np.ndarray, low: float, high: float) -> Impossible | None:
    """Return the first token with a value that is not from `low` to `high`, as NaN is not."""
    for place in np.argwhere(~((values >= low) & (values <= high)))[:1]:
        value = values[tuple(place)]
        return Impossible(int(place[0]), what, f"is {value}, and only {low:g} to {high:g} is possible")
    return None


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
    return LEFT_OUT if vocabulary.unk is None else "<unk>"


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
