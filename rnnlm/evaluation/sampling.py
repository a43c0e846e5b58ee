"""Drawing texts from a language model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UsageError
from ..ops import ops_for
from ..ops.reference.softmax import draw
from ..ops.threads import one_thread
from ..options import make, signature
from ..sampling_options import SamplingOptions
from .predictor import Predictor

REDRAWS = 20  # draws of <unk> that are rejected before P of every word is computed
BURN_IN = 20  # words that are drawn instead of a sentence where the training text has no sentence ends
MAX_SENTENCE = 100  # words at which a sample without a length stops if no sentence end comes


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


@one_thread()
def sample(
    model: Predictor, prompt: str = "", length: int | None = None, *, count: int | None = None, **options: Any
) -> list[Sample] | Sample:
    """Draw a continuation of `prompt`: `length` words, or without a length the rest of one sentence.

    `count` texts are drawn side by side and returned as a list (None: one Sample). Words are drawn from
    P^(1/temperature), renormalised, then cut to the `top_k` likeliest words, then to the fewest words with `top_p`
    of the probability (nucleus sampling, Holtzman et al. 2020). With temperature 0 the likeliest word is taken. `<unk>`
    is drawn only with `unknown=True`. Unknown words of the prompt are read as `<unk>`, or skipped where the vocabulary
    lacks it. The same `seed` gives the same texts.

    With `burn_in` a sentence is drawn first and thrown away, so that the state is that of the middle of a text, as in
    training. None does so if there is no prompt, the temperature is above 0, and the model carries its state across
    sentences.

    Raises UsageError for values out of range.
    """
    how: SamplingOptions = make(SamplingOptions, options)
    for name, value in (("length", length), ("count", count)):
        if value is not None and value < 1:
            raise UsageError(f"{name}={value} is too small. Give {name} >= 1.")
    burn_in = how.burn_in
    if burn_in is None:
        burn_in = not (prompt or how.temperature == 0 or model.config.get("independent"))
    rng = np.random.default_rng(how.seed)
    before = model.encoding.prompt(prompt)
    vocabulary = model.vocabulary
    streams = 1 if count is None else count
    x = np.zeros(streams, dtype=np.int32)  # the history before the first word is a sentence end
    state = model.start(streams)
    if burn_in:
        x, state = _middle(model, x, state, rng)
    for word in vocabulary.encode(before):
        _, state = _read(model, x, state)
        x = np.full(streams, word, dtype=np.int32)
    ban = None if how.unknown else vocabulary.unk
    words: list[list[str]] = [[] for _ in range(streams)]
    logprobs: list[list[float]] = [[] for _ in range(streams)]
    open_ = np.ones(streams, dtype=bool)
    for _ in range(length or MAX_SENTENCE):
        ids, logp, state = _draw(model, x, state, rng, ban, how)
        for i in np.flatnonzero(open_):
            words[i].append(vocabulary.words[ids[i]])
            logprobs[i].append(float(logp[i]))
        if length is None:
            open_ &= ids != vocabulary.eos
            if not open_.any():
                break
        x = ids.astype(np.int32)
    samples = [
        Sample(tuple(before), tuple(w), tuple(p), model.encoding.join([*before, *w]).strip("\n"))
        for w, p in zip(words, logprobs, strict=True)
    ]
    return samples[0] if count is None else samples


def _middle(model: Predictor, x: np.ndarray, state, rng: np.random.Generator):
    """Return (the last word, the state before it) after every stream has drawn a sentence to its end.

    The sentences end after different numbers of words, so the state of each stream is kept from its own end. Where the
    training text has no sentence ends, or none comes, the state after the words drawn so far is returned.
    """
    eos = model.vocabulary.eos
    steps = MAX_SENTENCE if model.vocabulary.counts[eos] else BURN_IN
    ended, kept_state, kept_x = np.zeros(len(x), dtype=bool), state, x
    for _ in range(steps):
        ids, _, state = model.draw(x, state, rng)
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
    """Return (ids, the model's log P of them, the state after x); the word `ban` is never drawn."""
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
    shaped = _shape(logp, ban, how)
    ids, _ = draw(shaped, rng.random(len(shaped)))
    return ids, logp[np.arange(len(ids)), ids], state


def _shape(logp: np.ndarray, ban: int | None, how: SamplingOptions) -> np.ndarray:
    """Return the log-probabilities (B, V) to draw from, with temperature, top_k and top_p applied, renormalised."""
    temperature, top_k, top_p = how.temperature, how.top_k, how.top_p
    logp = logp.copy()
    if ban is not None:
        logp[:, ban] = -np.inf
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
