"""Linear mixtures of probability streams: weights by expectation–maximisation, and which model helps next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import DataError, UsageError
from .stream import Stream, require_same

ROUNDS = 200  # of one EM and one Newton step; a handful are usual
GAIN = 1e-12  # nats a token: no other weights are better by more
ROUNDING = 1e-14  # nats a token


def mixture(streams: Sequence[Stream], weights: Sequence[float] | np.ndarray, name: str = "mixture") -> Stream:
    """The linear mixture of streams over the same tokens: P = Σ_i w_i P_i.

    A weight of 1 gives that stream's numbers bit for bit; a weight of 0 costs nothing. Raises DataError where the
    streams differ in text, vocabulary or rules, UsageError for weights that `check_weights` refuses.
    """
    require_same(list(streams))
    shares = check_weights(weights, len(streams))
    logp = weighted_sum([stream.logp for stream, w in zip(streams, shares, strict=True) if w > 0], shares[shares > 0])
    return replace(streams[0], logp=logp, model=name, entropy=None, rank=None, top_ids=None, top_logp=None)


def weighted_sum(logps: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """log Σ_i w_i exp(logp_i) in float64, worked out so that no probability is too small; nan stays nan."""
    if len(logps) == 1:  # its weight is 1
        return logps[0]
    total = np.add(logps[0], math.log(weights[0]), dtype=np.float64)
    with np.errstate(invalid="ignore"):  # of nan, where a token is not scored
        for logp, w in zip(logps[1:], weights[1:], strict=True):
            np.logaddexp(total, np.add(logp, math.log(w), dtype=np.float64), out=total)
    return total


def check_weights(weights: Sequence[float] | np.ndarray, members: int, kind: str = "linear") -> np.ndarray:
    """The weights as an array; those of a linear mixture are scaled to the sum 1. UsageError for weights that are not
    one a member, finite and >= 0, that are all 0, or whose sum in a linear mixture is not 1 within 1e-6."""
    found = np.array(weights, dtype=np.float64)
    if found.shape != (members,):
        raise UsageError(f"there are {members} models and {found.size} weights. Give one weight for each model.")
    for w in found[~(np.isfinite(found) & (found >= 0))][:1]:
        raise UsageError(f"the weight {w} is not possible. Give numbers >= 0.")
    if not found.any():
        raise UsageError("all weights are 0, so there is nothing to mix. Give at least one positive weight.")
    if kind == "geometric":
        return found
    if abs(found.sum() - 1) > 1e-6:
        raise UsageError(f"the weights of a linear mixture sum to {found.sum():.6g}. Give weights with the sum 1.")
    return found / found.sum()


def fit_linear(streams: Sequence[Stream], start: Sequence[float] | np.ndarray | None = None) -> np.ndarray:
    """The weights with which the linear mixture of the streams gives their text the highest probability.

    They maximise the concave F(w) = 1/n Σ_t log Σ_i w_i P_i(t) over the simplex. With r_i(t) = P_i(t) / Σ_j w_j P_j(t)
    and g_i = 1/n Σ_t r_i(t), a step of expectation–maximisation is w_i <- w_i g_i (Dempster, Laird and Rubin 1977).
    It is slow where a weight goes to 0, so each is followed by a Newton step under w >= 0. At the maximum g_i <= 1, and
    g_i = 1 where w_i > 0; max_i g_i - 1 bounds what any other weights could gain, and the search ends below 1e-12.
    So the `start` (None: equal weights) makes no difference. A token to which no stream gives a probability says
    nothing about the weights. Raises DataError where the streams cannot be mixed, or no token has a probability.
    """
    P, w = _relative(streams), _equal(len(streams))
    if start is not None:
        w = (w + check_weights(start, len(streams))) / 2  # a weight of 0 could leave a token without a probability
    return _fit(P, w)


class Step(NamedTuple):
    """One step of `greedy_path`: the place of the stream that was added, the weights of all, the mean -log P."""

    added: int
    weights: np.ndarray
    nll: float


def greedy_path(streams: Sequence[Stream]) -> list[Step]:
    """Which stream helps next: first the best alone, then always the one that, with all weights fitted again, lowers
    the mixture's perplexity on this text most. Errors are those of `fit_linear`."""
    P, path, chosen = _relative(streams), [], np.zeros(0, dtype=int)
    best = float(np.max([stream.logp[stream.scored] for stream in streams], 0).mean())  # what P is relative to
    while len(chosen) < len(streams):
        trials = []
        for i in np.setdiff1d(np.arange(len(streams)), chosen):
            some = np.append(chosen, i)
            weights = np.zeros(len(streams))
            weights[some] = _fit(P[:, some], _equal(len(some)))
            trials.append((-_mean_log(P @ weights), int(i), weights))
        nll, added, weights = min(trials, key=lambda trial: trial[0])
        path.append(Step(added, weights, nll - best))
        chosen = np.append(chosen, added)
    return path


def nonnegative(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The v >= 0 that maximises b·v - ½ v·A·v, for a positive semidefinite A: Lawson and Hanson's active sets, 1974."""
    v, free = np.zeros(len(b)), np.zeros(len(b), dtype=bool)
    for _ in range(10 * len(b)):  # a bound for the case that rounding makes it go round in circles
        slope = np.where(free, -np.inf, b - A @ v)
        if slope.max() <= ROUNDING * np.abs(A).max():
            break
        free[slope.argmax()] = True
        while True:
            peak = np.zeros(len(b))
            peak[free] = np.linalg.lstsq(A[np.ix_(free, free)], b[free])[0]
            down = free & (peak <= 0)
            if not down.any():
                v = peak
                break
            v += np.min(v[down] / (v[down] - peak[down])) * (peak - v)
            free &= v > 0
            v[~free] = 0
    return v


def _relative(streams: Sequence[Stream]) -> np.ndarray:
    """(n, streams): P of each token relative to the best stream's, for the tokens that any stream thinks possible."""
    require_same(list(streams))
    logp = np.stack([stream.logp[stream.scored] for stream in streams], 1)
    top = logp.max(1, keepdims=True)
    possible = np.isfinite(top[:, 0])
    if not possible.any():
        raise DataError(f"no model gives any token of {streams[0].text} a probability, so there is nothing to fit to.")
    return np.exp(logp[possible] - top[possible])


def _fit(P: np.ndarray, w: np.ndarray) -> np.ndarray:
    P = P[P.any(1)]  # without the tokens that all of these streams exclude
    if not len(P):
        return w
    for _ in range(ROUNDS):
        gain = (P / (P @ w)[:, None]).mean(0)
        if gain.max() - 1 <= GAIN and np.all(np.abs(gain[w > 0] - 1) < 1e-6):
            break
        w = _newton(P, w * gain)
    return w


def _newton(P: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The maximum over v >= 0 of F(v) - Σ_i v_i, which is that of F on the simplex, as seen from w; halved until F
    does not fall. The gradient is g - 1 and the curvature A = 1/n r'r, with A w = g."""
    r = P / (P @ w)[:, None]
    target = nonnegative(r.T @ r / len(P), 2 * r.mean(0) - 1)
    now = _mean_log(P @ w)
    for halvings in range(40):
        new = w + 0.5**halvings * (target - w)
        new /= new.sum()
        if _mean_log(P @ new) >= now - ROUNDING:
            return new
    return w


def _mean_log(p: np.ndarray) -> float:
    with np.errstate(divide="ignore"):
        return float(np.log(p).mean())


def _equal(members: int) -> np.ndarray:
    return np.full(members, 1 / members)
