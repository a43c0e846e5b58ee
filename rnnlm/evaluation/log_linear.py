"""Fitting the exponents of a geometric (log-linear) mixture of language models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..errors import DataError
from ..ops.threads import one_thread
from ..text.corpus import Corpus
from .mixing import nonnegative
from .predictor import Predictor
from .score import distribution_windows, score

ROUNDS = 50  # Newton steps; half a dozen are usual
GAIN = 1e-9  # nats a token; the search ends when the next step would gain less
CELLS = 1 << 20  # probabilities of one model that are processed at a time


def fit_geometric(
    models: Sequence[Predictor],
    corpus: Corpus,
    *,
    skip_unknown: bool = False,
    independent: bool | None = None,
    tell: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Return the exponents λ_i >= 0 with which P(w) = Π_i P_i(w)^λ_i / Z gives a text the highest probability.

    Z is computed over the whole vocabulary at every token. The mean log-probability is concave in λ, with the gradient
    E_text[log P_i] - E_P[log P_i] and the Hessian -Cov_P(log P_i, log P_j), averaged over the tokens. The search starts
    from λ_i = 1 / number of models and takes Newton steps under λ >= 0; each reads the text once through every model. A
    model that excludes a word of the text (P = 0) gets λ = 0. With `skip_unknown` unknown words are not scored;
    `independent` is as for `perplexity`, for every model;
    `tell(nll)` is called after each reading, with the cross-entropy in nats a token. Returns λ, (models,). Raises
    DataError where every model excludes some word of the text, or no token is scored.

    D. Klakow, "Log-linear interpolation of language models", ICSLP 1998.
    """
    streams = [score(model, corpus, independent=independent) for model in models]
    if skip_unknown:
        streams = [stream.with_unknown("skip") for stream in streams]
    if not streams[0].scored.any():
        raise DataError(f"no token of {corpus.name} has a probability, so there is nothing to fit to.")
    is_usable = np.array([bool(np.isfinite(stream.logp[stream.scored]).all()) for stream in streams])
    if not is_usable.any():
        raise DataError(
            f"every model gives some word of {corpus.name} the probability 0, and so would any product of them. "
            "Use a linear mixture."
        )
    usable = [model for model, use in zip(models, is_usable, strict=True) if use]

    def read(exponents: np.ndarray) -> _Moments:
        moments = _moments(usable, corpus, exponents, skip_unknown, independent)
        if tell is not None:
            tell(-moments.value)
        return moments

    x = np.full(len(usable), 1 / len(models))
    current = read(x)
    for _ in range(ROUNDS):
        target = nonnegative(current.curvature, current.gradient + current.curvature @ x)
        step = target - x
        expected_gain = current.gradient @ step - step @ current.curvature @ step / 2
        if expected_gain < GAIN:
            # A model that excludes words matters however small its exponent is, so the step may not set that to 0.
            if np.all(target[x > 0] > 0) or read(target).value >= current.value - GAIN:
                x = target
            break
        following = read(target)
        while following.value < current.value and np.abs(step).max() > 1e-9:
            step = step / 2
            following = read(x + step)
        x, current = x + step, following
    weights = np.zeros(len(models))
    weights[is_usable] = x
    return weights


class _Moments(NamedTuple):
    """The mean log-probability of a text at one point λ, and its derivatives."""

    value: float  # mean log P
    gradient: np.ndarray  # (models,)
    curvature: np.ndarray  # (models, models), minus the Hessian


def _moments(
    models: Sequence[Predictor], corpus: Corpus, x: np.ndarray, skip_unknown: bool, independent: bool | None
) -> _Moments:
    value, tokens = 0.0, 0
    gradient, curvature = np.zeros(len(x)), np.zeros((len(x), len(x)))
    ignored_id = models[0].vocabulary.unk if skip_unknown else None
    rows = max(1, CELLS // len(corpus.vocabulary))
    with one_thread():  # around all models, since their own limits do not end in the reverse order
        every_model = (distribution_windows(model, corpus, independent=independent) for model in models)
        for windows in zip(*every_model, strict=True):
            target = windows[0][0].reshape(-1)
            scored = np.flatnonzero((target >= 0) & (target != (-1 if ignored_id is None else ignored_id)))
            flat = [logp.reshape(len(target), -1) for _, logp in windows]
            for first in range(0, len(scored), rows):
                part = scored[first : first + rows]
                logp = np.stack([distribution[part] for distribution in flat])  # (models, n, V)
                excluded = np.isneginf(logp)
                logp[excluded] = 0
                total = np.tensordot(x, logp, 1)  # (n, V)
                total[excluded[x > 0].any(0)] = -np.inf
                total -= total.max(1, keepdims=True)
                total -= np.log(np.exp(total).sum(1, keepdims=True))
                p = np.exp(total)
                weighted = logp * p
                mean = weighted.sum(-1)
                place = np.arange(len(part))
                value += float(total[place, target[part]].sum())
                gradient += (logp[:, place, target[part]] - mean).sum(1)
                curvature += weighted.reshape(len(x), -1) @ logp.reshape(len(x), -1).T - mean @ mean.T
                tokens += len(part)
    return _Moments(value / tokens, gradient / tokens, curvature / tokens)
