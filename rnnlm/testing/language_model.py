"""The contract of language models: the properties that every one of them must have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..cache_folder import scratch_folder
from ..models import LanguageModel, load
from ..models.model import Model
from ..ops import ops_for

T, B = 12, 3  # steps and streams of the windows that are scored
DRAWS = 20_000  # words that are drawn to compare their frequencies with P
RTOL, RTOL_SINGLE = 1e-9, 1e-4  # the relative errors that float64 and float32 may have


def check_language_model(model: LanguageModel, *, rtol: float | None = None) -> None:
    """Check that a model has the properties that scoring, mixing, sampling and training rely on.

    Probabilities sum to one; `score` and `draw` agree with `next`; a text scores the same in one window and in two,
    with the state passed on; a batch of streams scores as each of them alone; where the mask `keep` is 0 a stream
    starts afresh; a target of -1 scores 0 and changes nothing else; sampling changes nothing, and neither does saving
    and loading, for a model that can be saved. `rtol` is the relative error that rounding may cause: by default 1e-4
    for a model with numbers in float32, 1e-9 for float64.

    Raises AssertionError that names the property that does not hold, and the values that differ.
    """
    if rtol is None:
        logp, _ = model.next(np.zeros(1, np.int32), model.start(1))
        is_single = any(array.dtype == np.float32 for array in (logp, *_weights(model).values()))
        rtol = RTOL_SINGLE if is_single else RTOL
    for check in LANGUAGE_MODEL_CHECKS:
        check(model, rtol=rtol)


def check_probabilities_sum_to_one(model: LanguageModel, *, rtol: float = RTOL) -> None:
    """Σ_w P(w | history) = 1 after every word, and `next` returns log P of the shape (B, V)."""
    x, _ = _text(model)
    state = model.start(B)
    for t in range(4):
        logp, state = model.next(x[t], state)
        logp = _host(logp)
        _equal(logp.shape, (B, len(model.vocabulary)), "the shape of what `next` returns")
        _close(np.exp(logp).sum(1), np.ones(B), rtol, f"Σ P over all words after step {t}")


def check_score_is_next(model: LanguageModel, *, rtol: float = RTOL) -> None:
    """`score` returns the same log P of the targets as `next` does word by word."""
    x, y = _text(model)
    scored, _ = model.score(x, y, model.start(B))
    state = model.start(B)
    for t in range(T):
        logp, state = model.next(x[t], state)
        _close(_host(scored)[t], _host(logp)[np.arange(B), y[t]], rtol, f"log P by `score` and by `next` at step {t}")


def check_two_halves_score_as_the_whole(model: LanguageModel, *, rtol: float = RTOL) -> None:
    """A text scores the same in one window and in two, with the state passed on, and ends in the same state."""
    x, y = _text(model)
    whole, end = model.score(x, y, model.start(B))
    first, state = model.score(x[:5], y[:5], model.start(B))
    second, state = model.score(x[5:], y[5:], state)
    halves = np.concatenate([_host(first), _host(second)])
    _close(halves, _host(whole), rtol, "a text in two windows and in one")
    for number, (after_two, after_one) in enumerate(zip(state, end, strict=True)):
        _close(_host(after_two), _host(after_one), rtol, f"array {number} of the state after two windows and after one")


def check_streams_do_not_see_each_other(model: LanguageModel, *, rtol: float = RTOL) -> None:
    """A batch of streams scores as each of them alone."""
    x, y = _text(model)
    together = _host(model.score(x, y, model.start(B))[0])
    for b in range(B):
        alone = _host(model.score(x[:, b : b + 1], y[:, b : b + 1], model.start(1))[0])
        _close(together[:, b : b + 1], alone, rtol, f"stream {b} in a batch of {B} and alone")


def check_keep_zero_is_a_fresh_start(model: LanguageModel, *, rtol: float = RTOL) -> None:
    """Where `keep` is 0, the words from there on score as at the beginning of a text."""
    x, y = _text(model)
    keep = np.ones((T, B))
    keep[5] = 0
    masked, _ = model.score(x, y, model.start(B), keep)
    fresh, _ = model.score(x[5:], y[5:], model.start(B))
    _close(_host(masked)[5:], _host(fresh), rtol, "what follows a fresh start and the beginning of a text")


def check_padding_scores_nothing(model: LanguageModel, *, rtol: float = RTOL) -> None:
    """A target of -1 scores 0, and changes neither the other scores nor the state."""
    x, y = _text(model)
    whole, end = model.score(x, y, model.start(B))
    some_targets = np.where(np.arange(T)[:, None] % 2, y, -1)
    half, state = model.score(x, some_targets, model.start(B))
    _close(_host(half), np.where(some_targets < 0, 0, _host(whole)), rtol, "the scores beside targets of -1")
    _equal_arrays(_host(state[0]), _host(end[0]), "the state after targets of -1")
    none, _ = model.score(x, np.full_like(y, -1), model.start(B))
    _equal_arrays(_host(none), np.zeros((T, B)), "the scores of targets of -1")


def check_saving_changes_nothing(model: LanguageModel, *, rtol: float = RTOL) -> None:
    """A model that was saved and loaded has the same settings, words and scores, and writes the same bytes again.

    A model without a method `pack`, which cannot be saved, passes.
    """
    if getattr(type(model), "pack", Model.pack) is Model.pack:
        return
    x, y = _text(model)
    with scratch_folder() as folder:
        first, second = Path(folder, "first.rnnlm"), Path(folder, "second.rnnlm")
        model.save(first)
        loaded = load(first, trust=True)  # code that it names runs in this process already
        for name in ("kind", "config", "log"):
            _equal(getattr(loaded, name), getattr(model, name), f"`{name}` of the loaded model")
        _equal(loaded.encoding.hash, model.encoding.hash, "the encoding's hash of the loaded model")
        before, after = (_host(either.score(x, y, either.start(B))[0]) for either in (model, loaded))
        _equal_arrays(after, before, "the scores of the loaded model")
        loaded.save(second)
        _equal(first.read_bytes() == second.read_bytes(), True, "the bytes that the loaded model writes are the same:")


def check_sampling_changes_nothing(model: LanguageModel, *, rtol: float = RTOL) -> None:
    """Drawing texts between two windows changes no score, no state and no weight."""
    x, y = _text(model)
    prompt = [word for word in model.vocabulary.words[1:3] if word != "<unk>"]
    first, state = model.score(x[:6], y[:6], model.start(B))
    weights = {name: _host(array).copy() for name, array in _weights(model).items()}
    state_before = tuple(_host(part).copy() for part in state)
    model.sample(" ".join(prompt), 15, count=4, seed=1)
    model.sample(" ".join(prompt[:1]), 5, temperature=0.5, top_k=4, seed=2)
    second, _ = model.score(x[6:], y[6:], state)
    whole, _ = model.score(x, y, model.start(B))
    _close(np.concatenate([_host(first), _host(second)]), _host(whole), rtol, "scores after samples were drawn")
    for number, (after, before) in enumerate(zip(state, state_before, strict=True)):
        _equal_arrays(_host(after), before, f"array {number} of a state after samples were drawn")
    for name, value in weights.items():
        _equal_arrays(_host(_weights(model)[name]), value, f"the array {name} after samples were drawn")


def check_draws_have_their_probability(model: LanguageModel, *, rtol: float = RTOL) -> None:
    """`draw` returns the same log P of the drawn words as `next` does, and the same state."""
    x, _ = _text(model)
    ids, logp, after = model.draw(x[0], model.start(B), np.random.default_rng(1))
    distribution, state = model.next(x[0], model.start(B))
    _close(_host(logp), _host(distribution)[np.arange(B), ids], rtol, "log P of the drawn words")
    _close(_host(after[0]), _host(state[0]), rtol, "the state after drawing")


def check_words_are_drawn_as_often_as_p_says(model: LanguageModel, *, rtol: float = RTOL) -> None:
    """The total variation between 20,000 draws from a distribution and P is about that of chance, √(V / 2πn)."""
    V = len(model.vocabulary)
    word = min(2, V - 1)
    ids, _, _ = model.draw(np.full(DRAWS, word), model.start(DRAWS), np.random.default_rng(11))
    p = np.exp(_host(model.next(np.array([word]), model.start(1))[0])[0])
    variation = 0.5 * float(np.abs(np.bincount(ids, minlength=V) / DRAWS - p).sum())
    allowed = 1.7 * (V / (2 * np.pi * DRAWS)) ** 0.5
    what = f"words are drawn as often as P says, total variation {variation:.3g} of {allowed:.3g}:"
    _equal(variation < allowed, True, what)


Check = Callable[..., None]
LANGUAGE_MODEL_CHECKS: tuple[Check, ...] = (
    check_probabilities_sum_to_one,
    check_score_is_next,
    check_two_halves_score_as_the_whole,
    check_streams_do_not_see_each_other,
    check_keep_zero_is_a_fresh_start,
    check_padding_scores_nothing,
    check_saving_changes_nothing,
    check_sampling_changes_nothing,
    check_draws_have_their_probability,
    check_words_are_drawn_as_often_as_p_says,
)


def _text(model: LanguageModel) -> tuple[np.ndarray, np.ndarray]:
    """Return random words and the words after them, (T, B) each."""
    rng = np.random.default_rng(7)
    V = len(model.vocabulary)
    return rng.integers(0, V, (T, B)), rng.integers(0, V, (T, B))


def _weights(model: LanguageModel) -> dict[str, Any]:
    return {} if getattr(type(model), "pack", None) is Model.pack else model.pack()[1]


def _host(array: Any) -> np.ndarray:
    return ops_for(array).to_host(array)


def _equal(actual: Any, expected: Any, what: str) -> None:
    if actual != expected:
        raise AssertionError(f"{what} {actual!r}, and must be {expected!r}.")


def _close(actual: np.ndarray, expected: np.ndarray, rtol: float, what: str) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rtol, err_msg=f"{what} differ")


def _equal_arrays(actual: np.ndarray, expected: np.ndarray, what: str) -> None:
    np.testing.assert_array_equal(actual, expected, err_msg=f"{what} differ")
