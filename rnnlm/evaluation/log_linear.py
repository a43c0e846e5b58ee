"""Geometric mixtures of language models: the fit of their exponents."""

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
GAIN = 1e-9  # nats a token that the last step may promise
CELLS = 1 << 20  # probabilities of one model that are worked on at a time


def fit_geometric(
    models: Sequence[Predictor],
    corpus: Corpus,
    *,
    skip_unknown: bool = False,
    tell: Callable[[float], None] | None = None,
) -> np.ndarray:
    """The exponents λ_i >= 0 with which P(w) = Π_i P_i(w)^λ_i / Z gives a text the highest probability.

    Z is worked out over the whole vocabulary at every token. The mean log-probability is concave, with the gradient
    E_text[log P_i] - E_P[log P_i] and the Hessian -Cov_P(log P_i, log P_j), averaged over the tokens; each Newton step
    under λ >= 0, from λ_i = 1 over their number on, reads the text once through every model. A model that excludes a
    word of the text (P = 0) gets λ = 0. `skip_unknown` leaves `<unk>` out of the text; `tell(nll)` is called after
    each reading. Raises DataError when every model excludes a word of the text, or it has nothing to score.

    D. Klakow, "Log-linear interpolation of language models", ICSLP 1998.
    """
    streams = [score(model, corpus) for model in models]
    if skip_unknown:
        streams = [stream.with_unknown("skip") for stream in streams]
    if not streams[0].scored.any():
        raise DataError(f"no token of {corpus.name} has a probability, so there is nothing to fit to.")
    able = np.array([bool(np.isfinite(stream.logp[stream.scored]).all()) for stream in streams])
    if not able.any():
        raise DataError(
            f"every model gives some word of {corpus.name} the probability 0, and so would any product of them. "
            "Use a linear mixture."
        )
    some = [model for model, yes in zip(models, able, strict=True) if yes]

    def read(at: np.ndarray) -> _Moments:
        found = _moments(some, corpus, at, skip_unknown)
        if tell is not None:
            tell(-found.value)
        return found

    x = np.full(len(some), 1 / len(models))
    now = read(x)
    for _ in range(ROUNDS):
        target = nonnegative(now.curvature, now.gradient + now.curvature @ x)
        way = target - x
        promised = now.gradient @ way - way @ now.curvature @ way / 2
        if promised < GAIN:
            # Where a model excludes words, its last bit of weight still matters, and the step may not drop it.
            if np.all(target[x > 0] > 0) or read(target).value >= now.value - GAIN:
                x = target
            break
        new = read(target)
        while new.value < now.value and np.abs(way).max() > 1e-9:
            way = way / 2
            new = read(x + way)
        x, now = x + way, new
    weights = np.zeros(len(models))
    weights[able] = x
    return weights


class _Moments(NamedTuple):
    value: float  # mean log P
    gradient: np.ndarray  # (models,)
    curvature: np.ndarray  # (models, models), minus the Hessian


def _moments(models: Sequence[Predictor], corpus: Corpus, x: np.ndarray, skip_unknown: bool) -> _Moments:
    value, tokens = 0.0, 0
    gradient, curvature = np.zeros(len(x)), np.zeros((len(x), len(x)))
    left_out = models[0].vocabulary.unk if skip_unknown else None
    rows = max(1, CELLS // len(corpus.vocabulary))
    with one_thread():  # around all: the models' own limits do not end in the reverse order of their beginnings
        for windows in zip(*(distribution_windows(model, corpus) for model in models), strict=True):
            target = windows[0][0].reshape(-1)
            scored = np.flatnonzero((target >= 0) & (target != (-1 if left_out is None else left_out)))
            flat = [logp.reshape(len(target), -1) for _, logp in windows]
            for first in range(0, len(scored), rows):
                part = scored[first : first + rows]
                logp = np.stack([one[part] for one in flat])  # (models, n, V)
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
