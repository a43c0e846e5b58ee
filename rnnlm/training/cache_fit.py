"""Choosing the settings of a cache on a validation text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import DataError, UsageError
from ..evaluation.possible import possible
from ..evaluation.score import as_corpus, score
from ..models.cache import CacheLM, interpolated
from ..models.continuous_cache import ContinuousCacheLM, mix_with_cache
from ..models.language_model import LanguageModel
from ..models.recurrent import RecurrentLM
from ..text.corpus import Corpus
from ..text.windows import in_order, windows

DECAYS = (0.98, 0.985, 0.99, 0.993, 0.995, 0.997, 0.998)
THETAS = (0.1, 0.2, 0.35, 0.6, 1.0, 1.6, 2.5, 4.0)
STEPS = 500  # words scored at a time
MAX_STRENGTH = 1e9  # words: an order with such a strength changes no probability
SMALLEST_FACTOR = 1.02  # the search ends when changing a strength by this factor no longer helps
LARGEST_SHARE = 0.999
SMALLEST_P = np.finfo(np.float64).tiny  # instead of P = 0, so that the sum of the logarithms is finite


def fit_cache(
    model: LanguageModel, text: Corpus | str | Path, *, orders: int = 3, decays: Sequence[float] = DECAYS
) -> CacheLM:
    """The cache of n-grams up to `orders` words whose decay and strengths predict the text best.

    Each decay of the list is tried; for each, the strengths are moved up and down by a falling factor, one after the
    other, as long as the perplexity falls. The model itself scores the text once. Raises UsageError for orders < 1 or
    no decay, DataError for a text that cannot be used.
    """
    if orders < 1 or not decays:
        raise UsageError(f"orders={orders}, decays={list(decays)}: give at least one order and one decay.")
    corpus = as_corpus(model, text)
    stream = score(model, corpus)
    if not stream.scored.any():
        raise DataError(f"no token of {corpus.name} is in the model's vocabulary, so there is nothing to fit.")
    p = np.exp(stream.logp[stream.scored])
    best: tuple[float, float, list[float]] = (np.inf, 0.0, [])
    for decay in decays:
        cache = CacheLM(model, decay=decay, strengths=[1.0] * orders)
        hits, totals = (part[:, stream.scored] for part in _counts(cache, corpus))
        start = [10.0 / (1 - decay) * 0.1**k for k in range(orders)]
        nll, strengths = _fit_strengths(p, hits, totals, start)
        if nll < best[0]:
            best = (nll, decay, strengths)
    return CacheLM(model, decay=best[1], strengths=best[2])


def _counts(cache: CacheLM, corpus: Corpus) -> tuple[np.ndarray, np.ndarray]:
    """The cache's counts for every token of the text: (n, tokens) each."""
    parts = []
    history = cache.start(1)[0]
    for x, y, keep in windows(corpus.ids, 1, STEPS):
        hits, totals, history = cache.counts(x, y, history, keep)
        parts.append(np.concatenate([hits, totals]).transpose(1, 2, 0))  # (T, 1, 2 n)
    both = in_order(parts, len(corpus)).T
    return both[: len(both) // 2], both[len(both) // 2 :]


def _fit_strengths(
    p: np.ndarray, hits: np.ndarray, totals: np.ndarray, start: list[float]
) -> tuple[float, list[float]]:
    """The lowest mean cross-entropy that was found, in nats, and the strengths that give it."""

    def nll(strengths: Sequence[float]) -> float:
        return float(-np.log(np.maximum(interpolated(p, hits, totals, strengths), SMALLEST_P)).mean())

    strengths, factor = list(start), 2.0
    lowest = nll(strengths)
    while factor > SMALLEST_FACTOR:
        before = lowest
        for k in range(len(strengths)):
            for by in (factor, 1 / factor):
                moved = [*strengths[:k], strengths[k] * by, *strengths[k + 1 :]]
                while moved[k] < MAX_STRENGTH and (value := nll(moved)) < lowest:
                    strengths, lowest = moved, value
                    moved = [*strengths[:k], strengths[k] * by, *strengths[k + 1 :]]
        if lowest == before:
            factor **= 0.5
    return lowest, [float(f"{beta:.4g}") for beta in strengths]


def fit_continuous_cache(
    model: RecurrentLM, text: Corpus | str | Path, *, size: int = 500, thetas: Sequence[float] = THETAS
) -> ContinuousCacheLM:
    """The continuous cache of `size` words whose θ, one of the list, and weight λ predict the text best.

    θ is raised along the list until the cross-entropy rises. For each θ the best λ is found by bisection: the
    log-likelihood is concave in λ. Raises as `fit_cache` does, and NotANumber for a probability that is none.
    """
    corpus = as_corpus(model, text)
    numbers = np.arange(len(corpus), dtype=np.int32)
    if not thetas:
        raise UsageError("thetas is empty: give at least one flatness to try.")
    best: tuple[float, float, float] = (np.inf, 0.0, 0.0)
    for theta in thetas:
        cache = ContinuousCacheLM(model, size=size, theta=theta)
        state, parts = cache.start(1), []
        for (x, y, _), (_, places, _) in zip(windows(corpus.ids, 1, STEPS), windows(numbers, 1, STEPS), strict=True):
            p, cached, state = cache.model_and_cache(x, y, state)
            with np.errstate(divide="ignore"):
                possible(np.log(p), y, places, corpus, f"the model ({model.kind})")
            parts.append(np.stack([p[:, 0], cached[:, 0]])[:, y[:, 0] >= 0])
        p, cached = np.concatenate(parts, axis=1)
        if not len(p):
            raise DataError(f"no token of {corpus.name} is in the model's vocabulary, so there is nothing to fit.")
        share = _best_share(p, cached)
        nll = float(-np.log(np.maximum(mix_with_cache(p, cached, share), SMALLEST_P)).mean())
        if nll > best[0]:
            break
        if nll < best[0]:  # where both are equal the cache is too flat to matter, and a larger θ may still help
            best = (nll, theta, share)
    return ContinuousCacheLM(model, size=size, theta=best[1], share=float(f"{best[2]:.4g}"))


def _best_share(p: np.ndarray, cached: np.ndarray) -> float:
    """The λ that maximises Σ log((1 - λ) p + λ cached): where its derivative, which falls, is zero."""
    matters = (p > 0) | (cached > 0)  # what has the probability 0 in both has it for every λ
    matters &= ~np.isnan(cached)
    p, gain = p[matters], (cached - p)[matters]
    low, high = 0.0, LARGEST_SHARE
    for _ in range(50):
        middle = (low + high) / 2
        rises = (gain / (p + middle * gain)).sum() > 0
        low, high = (middle, high) if rises else (low, middle)
    return low
