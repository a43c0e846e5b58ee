"""Drawing texts from a language model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError, UsageError
from ..ops import ops_for
from ..ops.reference.softmax import draw
from ..ops.threads import one_thread
from ..option_help import signature
from ..options import make
from ..sampling_options import MAX_SENTENCE, SamplingOptions
from ..text.encoding import Encoding
from ..text.vocabulary import EOS, UNK, Vocabulary
from .predictor import Predictor

REDRAWS = 20  # draws of <unk> that are rejected before P of every word is computed
BURN_IN = 20  # words that are drawn instead of a sentence where the training text has no sentence ends
MAX_WORDS = 100_000_000  # words of all texts of a call together: some gigabytes of them
SHOWN = 8  # words of a history, or of those that a prompt has and a vocabulary lacks, that a message shows


@dataclass(frozen=True)
class Sample:
    """One drawn text.

    `prompt`    the words before it
    `words`     the drawn words
    `logprobs`  the model's log P of each of them, nats, whatever the temperature was
    `text`      prompt and words as readable text, which `str()` returns too
    """

    prompt: tuple[str, ...]
    words: tuple[str, ...]
    logprobs: tuple[float, ...]
    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def is_empty(self) -> bool:
        """Whether nothing but sentence ends was drawn."""
        return all(word == EOS for word in self.words)


@one_thread()
def sample(
    model: Predictor, prompt: str = "", length: int | None = None, *, count: int | None = None, **options: Any
) -> list[Sample] | Sample:
    """Draw a continuation of `prompt`: `length` words, or without a length the rest of one sentence, at most 100 words.

    A word is a token: with the tokenizer `chars` a character. A word of probability 0 is never drawn. A sentence
    without words, such as a blank line of the training text, is read and thrown away, but not at temperature 0.

    `count` texts are drawn side by side and returned as a list (None: one Sample). Words are drawn from
    P^(1/temperature), renormalised, then cut to the `top_k` likeliest words, then to the fewest words with `top_p`
    of the probability (nucleus sampling, Holtzman et al. 2020). With temperature 0 the likeliest word is taken. `<unk>`
    is drawn only with `unknown=True`. Unknown words of the prompt are read as `<unk>`, or not at all where the
    vocabulary lacks it; a UserWarning names them. The same `seed` gives the same texts.

    With `burn_in` a sentence is drawn first and thrown away, so that the state is that of the middle of a text, as in
    training. None does so if there is no prompt, the temperature is above 0, and the model carries its state across
    sentences.

    Raises UsageError for values out of range, DataError, naming the history, where no word has a probability.
    """
    how: SamplingOptions = make(SamplingOptions, options)
    _check_size(length, count)
    before = model.encoding.prompt(prompt)
    read = _read_of_prompt(model.encoding, prompt, before)
    burn_in = how.burn_in
    if burn_in is None:
        burn_in = not (read or how.temperature == 0 or model.config.get("independent"))
    rng = np.random.default_rng(how.seed)
    vocabulary = model.vocabulary
    streams = 1 if count is None else count
    x = np.zeros(streams, dtype=np.int32)  # the history before the first word is a sentence end
    state = model.start(streams)
    histories = [[EOS] for _ in range(streams)]
    if burn_in:
        x, state = _middle(model, x, state, rng, histories)
    for word in vocabulary.encode(read):
        _, state = _read(model, x, state)
        x = np.full(streams, word, dtype=np.int32)
    for history in histories:
        history += read
    ban = None if how.unknown else vocabulary.unk
    words: list[list[str]] = [[] for _ in range(streams)]
    logprobs: list[list[float]] = [[] for _ in range(streams)]
    open_ = np.ones(streams, dtype=bool)
    # Whether the sentence has a word, so that a sentence end is its own. At temperature 0 an empty one may never end.
    begun = np.full(streams, length is not None or how.temperature == 0 or (bool(read) and read[-1] != EOS))
    for _ in range(length or MAX_SENTENCE):
        ids, logp, state = _draw(model, x, state, rng, ban, how)
        _require_drawn(logp, open_, vocabulary, ban, lambda i: [*histories[i], *words[i]])
        begun |= ids != vocabulary.eos
        for i in np.flatnonzero(open_ & begun):
            words[i].append(vocabulary.words[ids[i]])
            logprobs[i].append(float(logp[i]))
        if length is None:
            open_ &= (ids != vocabulary.eos) | ~begun
            if not open_.any():
                break
        x = ids.astype(np.int32)
    samples = [
        Sample(tuple(before), tuple(w), tuple(p), model.encoding.join([*before, *w]).strip("\n"))
        for w, p in zip(words, logprobs, strict=True)
    ]
    return samples[0] if count is None else samples


def _check_size(length: int | None, count: int | None) -> None:
    """Raise UsageError for numbers of words and of texts that are too small, too large or no whole numbers."""
    for name, value in (("length", length), ("count", count)):
        if value is not None and (not isinstance(value, int | np.integer) or isinstance(value, bool)):
            raise UsageError(f"{name}={value!r} is not a whole number. Give {name} >= 1.")
        if value is not None and value < 1:
            raise UsageError(f"{name}={value} is too small. Give {name} >= 1.")
    most = (length or MAX_SENTENCE) * (count or 1)
    if most > MAX_WORDS:
        sizes = ", ".join(f"{name}={n}" for name, n in (("length", length), ("count", count)) if n is not None)
        raise UsageError(
            f"{sizes}: up to {most:,} words would be drawn, and the most for one call is {MAX_WORDS:,}. Draw fewer "
            "at a time."
        )


def _read_of_prompt(encoding: Encoding, prompt: str, tokens: Sequence[str]) -> list[str]:
    """Return the words of a prompt that the model reads, with a UserWarning that names the others."""
    vocabulary, unit = encoding.vocabulary, encoding.unit
    if not tokens:
        if prompt:
            warnings.warn(
                f"the prompt {prompt[:40]!r} holds no {unit}, so nothing is read: the text begins as without a prompt.",
                stacklevel=4,
            )
        return []
    unknown = [token for token in tokens if token not in vocabulary]
    if not unknown:
        return list(tokens)
    names = list(dict.fromkeys(map(repr, unknown)))
    listed = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    known = [token for token in tokens if token in vocabulary]
    are = "is" if len(unknown) == 1 else "are"
    what = f"{len(unknown):,} of the prompt's {len(tokens):,} {unit}s {are} not in the vocabulary: {listed}."
    if vocabulary.unk is not None:
        warnings.warn(f"{what} The model reads {UNK} instead.", stacklevel=4)
        return list(tokens)
    then = "The model goes on as if they were not there" if known else "Nothing is left: the text begins as without one"
    warnings.warn(f"{what} {then}, since the vocabulary has no {UNK}.", stacklevel=4)
    return known


def _require_drawn(
    logp: np.ndarray, rows: np.ndarray, vocabulary: Vocabulary, ban: int | None, history: Callable[[int], list[str]]
) -> None:
    """Raise DataError, naming its history, for the first of the `rows` (B,) bool in which no word could be drawn.

    `logp` (B,) is log P of the drawn words, which is not finite there; see `_draw`.
    """
    for i in np.flatnonzero(rows & ~np.isfinite(logp))[:1]:
        words = history(int(i))
        text = ("… " if len(words) > SHOWN else "") + " ".join(words[-SHOWN:])
        only = (
            ""
            if ban is None or np.isnan(logp[i])
            else f" but {vocabulary.words[ban]}, which is drawn only with unknown=True,"
        )
        raise DataError(
            f"after the history {text!r} no word{only} has a probability above 0, so none can be drawn. Give another "
            "prompt, or a model that gives every word a probability: a smoothed one, or a mixture with one."
        )


def _middle(model: Predictor, x: np.ndarray, state, rng: np.random.Generator, histories: list[list[str]]):
    """Return (the last word, the state before it) after every stream has drawn a sentence to its end.

    The words are appended to the history of each stream.

    The sentences end after different numbers of words, so the state of each stream is kept from its own end. Where the
    training text has no sentence ends, or none comes, the state after the words drawn so far is returned.
    """
    eos = model.vocabulary.eos
    steps = MAX_SENTENCE if model.vocabulary.counts[eos] else BURN_IN
    ended, kept_state, kept_x = np.zeros(len(x), dtype=bool), state, x
    for _ in range(steps):
        ids, logp, state = model.draw(x, state, rng)
        _require_drawn(logp, ~ended, model.vocabulary, None, histories.__getitem__)
        for i in np.flatnonzero(~ended):
            histories[i].append(model.vocabulary.words[ids[i]])
        x = ids.astype(np.int32)
        arrays = zip(kept_state, state, strict=True)
        kept_state = tuple(ops_for(new).choose_rows(ended, old, new) for old, new in arrays)
        kept_x = np.where(ended, kept_x, x)
        ended |= x == eos
        if ended.all():
            break
    return kept_x, kept_state


def _read(model: Predictor, x: np.ndarray, state):
    """Return the state after x, by scoring a target of -1, so that no distribution over all words is computed."""
    return model.score(x[None], np.full((1, len(x)), -1, dtype=np.int32), state)


def _draw(model: Predictor, x: np.ndarray, state, rng: np.random.Generator, ban: int | None, how: SamplingOptions):
    """Return (ids, the model's log P of them, the state after x); the word `ban` is never drawn.

    Where no word can be drawn log P is nan, and -inf where only `ban` could be.
    """
    if how.temperature == 1 and how.top_k is None and how.top_p is None:
        ids, logp, after = model.draw(x, state, rng)
        for _ in range(REDRAWS):  # reject and draw again: P(word | not <unk>), without P of every word
            rejected = np.flatnonzero(ids == (-1 if ban is None else ban))
            if not len(rejected):
                return ids, logp, after
            part_of_state = tuple(array[ops_for(array).asarray(rejected)] for array in state)
            ids[rejected], logp[rejected], _ = model.draw(x[rejected], part_of_state, rng)
    logp, state = model.next(x, state)
    logp = ops_for(logp).to_host(logp).astype(np.float64)
    allowed = logp.copy()
    if ban is not None:
        allowed[:, ban] = -np.inf
    possible = np.isfinite(allowed.max(1))  # the largest is nan where one is no number
    allowed[~possible] = 0.0
    ids, _ = draw(_shape(allowed, how), rng.random(len(logp)))
    impossible = np.full(len(ids), np.nan)
    if ban is not None:
        impossible[logp[:, ban] > -np.inf] = -np.inf
    return ids, np.where(possible, logp[np.arange(len(ids)), ids], impossible), state


def _shape(logp: np.ndarray, how: SamplingOptions) -> np.ndarray:
    """Return the log-probabilities (B, V) to draw from, with temperature, top_k and top_p applied, renormalised."""
    temperature, top_k, top_p = how.temperature, how.top_k, how.top_p
    if temperature == 0:
        top_k, temperature = 1, 1.0
    # The likeliest word is shifted to 0 first, so that a tiny temperature cannot make all of them -inf.
    with np.errstate(over="ignore"):
        logp = _normalised((logp - logp.max(1, keepdims=True)) / temperature)
    if top_k is not None and top_k < logp.shape[1]:
        order = np.argsort(-logp, axis=1, kind="stable")  # ties: the more frequent word
        np.put_along_axis(logp, order[:, top_k:], -np.inf, axis=1)
        logp = _normalised(logp)
    if top_p is not None:
        order = np.argsort(-logp, axis=1, kind="stable")
        p = np.exp(np.take_along_axis(logp, order, axis=1))
        beyond = np.cumsum(p, axis=1) - p >= top_p  # the likelier words have that probability already
        ranked = np.where(beyond, -np.inf, np.take_along_axis(logp, order, axis=1))
        np.put_along_axis(logp, order, ranked, axis=1)
        logp = _normalised(logp)
    return logp


def _normalised(logp: np.ndarray) -> np.ndarray:
    top = logp.max(1, keepdims=True)
    return logp - top - np.log(np.exp(logp - top).sum(1, keepdims=True))


signature(sample, SamplingOptions)
