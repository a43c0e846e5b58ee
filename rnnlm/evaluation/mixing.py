"""Linear mixtures of probability streams: fitting the weights, and the order in which models help most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import DataError, UsageError
from .stream import Stream, joint_context, require_same

ROUNDS = 200  # at most, each of one EM step and one Newton step; a handful are usual
GAIN = 1e-12  # nats a token: the search ends when no other weights are better by more
ROUNDING = 1e-14  # nats a token: smaller differences are rounding


def mixture(streams: Sequence[Stream], weights: Sequence[float] | np.ndarray, name: str = "mixture") -> Stream:
    """Return the linear mixture of streams over the same tokens: P = Σ_i w_i P_i.

    With a weight of 1 the result has that stream's numbers bit for bit; a stream of weight 0 is not read. `name` is
    what messages call the mixture. Raises DataError where the streams differ in text, vocabulary or rules, UsageError
    for weights that `check_weights` refuses.
    """
    require_same(list(streams))
    shares = check_weights(weights, len(streams))
    logp = weighted_sum([stream.logp for stream, w in zip(streams, shares, strict=True) if w > 0], shares[shares > 0])
    about = replace(streams[0], entropy=None, rank=None, top_ids=None, top_logp=None)
    return replace(about, logp=logp, model=name, context=joint_context(list(streams)))


def weighted_sum(logps: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Return log Σ_i w_i exp(logp_i), (n,) float64, computed so that no probability underflows; nan stays nan.

    `logps` are arrays (n,) of log P; the weights are above 0, and the weight of a single array is 1.
    """
    if len(logps) == 1:  # its weight is 1
        return logps[0]
    total = np.add(logps[0], math.log(weights[0]), dtype=np.float64)
    with np.errstate(invalid="ignore"):  # from nan, where a token is not scored
        for logp, w in zip(logps[1:], weights[1:], strict=True):
            np.logaddexp(total, np.add(logp, math.log(w), dtype=np.float64), out=total)
    return total


def check_weights(weights: Sequence[float] | np.ndarray, members: int, kind: str = "linear") -> np.ndarray:
    """Return the weights as an array (members,) float64; those of a linear mixture are scaled to the sum 1.

    `kind` is "linear" or "geometric". Raises UsageError unless there is one weight for each member, all are finite and
    >= 0, one is above 0, and in a linear mixture their sum is 1 within 1e-6.
    """
    checked = np.array(weights, dtype=np.float64)
    if checked.shape != (members,):
        raise UsageError(f"there are {members} models and {checked.size} weights. Give one weight for each model.")
    for w in checked[~(np.isfinite(checked) & (checked >= 0))][:1]:
        raise UsageError(f"the weight {w} is not possible. Give numbers >= 0.")
    if not checked.any():
        raise UsageError("all weights are 0, so there is nothing to mix. Give at least one positive weight.")
    if kind == "geometric":
        return checked
    if abs(checked.sum() - 1) > 1e-6:
        raise UsageError(f"the weights of a linear mixture sum to {checked.sum():.6g}. Give weights with the sum 1.")
    return checked / checked.sum()


def fit_linear(streams: Sequence[Stream], start: Sequence[float] | np.ndarray | None = None) -> np.ndarray:
    """Return the weights with which the linear mixture of the streams gives their text the highest probability.

    They maximise the concave F(w) = 1/n Σ_t log Σ_i w_i P_i(t) over the simplex. With r_i(t) = P_i(t) / Σ_j w_j P_j(t)
    and g_i = 1/n Σ_t r_i(t), a step of expectation–maximisation is w_i <- w_i g_i (Dempster, Laird and Rubin 1977).
    These steps are slow where a weight goes to 0, so each is followed by a Newton step under w >= 0. At the maximum
    g_i <= 1, and g_i = 1 where w_i > 0; max_i g_i - 1 bounds what any other weights could gain, and the search ends
    where that is below 1e-12. So the result does not depend on `start` (None: equal weights). A token of P = 0 in every
    stream is ignored. Returns (streams,). Raises DataError where the streams cannot be mixed, or no token has a
    probability.
    """
    P, w = _relative(streams), _equal(len(streams))
    if start is not None:
        w = (w + check_weights(start, len(streams))) / 2  # a weight of 0 could give a token P = 0
    return _fit(P, w)


class Step(NamedTuple):
    """One step of `greedy_path`.

    `added`    the index of the stream that this step adds
    `weights`  (streams,) the fitted weights of the mixture, 0 for streams that are not in it yet
    `nll`      the cross-entropy of the mixture on the text, nats a token
    """

    added: int
    weights: np.ndarray
    nll: float


def greedy_path(streams: Sequence[Stream]) -> list[Step]:
    """Return the order in which streams help a mixture most, as one `Step` for each stream.

    The first is the best stream alone; each next one lowers the perplexity of the mixture on this text the most, with
    all weights fitted again. Raises what `fit_linear` raises.
    """
    P, path, chosen = _relative(streams), [], np.zeros(0, dtype=int)
    offset = float(np.max([stream.logp[stream.scored] for stream in streams], 0).mean())  # what P is relative to
    while len(chosen) < len(streams):
        trials = []
        for i in np.setdiff1d(np.arange(len(streams)), chosen):
            members = np.append(chosen, i)
            weights = np.zeros(len(streams))
            weights[members] = _fit(P[:, members], _equal(len(members)))
            trials.append((-_mean_log(P @ weights), int(i), weights))
        nll, added, weights = min(trials, key=lambda trial: trial[0])
        path.append(Step(added, weights, nll - offset))
        chosen = np.append(chosen, added)
    return path


def nonnegative(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the v >= 0, (n,), that maximises b·v - ½ v·A·v, for a positive semidefinite A (n, n) and b (n,).

    C. Lawson & R. Hanson, "Solving least squares problems", 1974: the method of active sets.
    """
    v, free = np.zeros(len(b)), np.zeros(len(b), dtype=bool)
    for _ in range(10 * len(b)):  # a bound, in case rounding makes the search cycle
        slope = np.where(free, -np.inf, b - A @ v)
        if slope.max() <= ROUNDING * np.abs(A).max():
            break
        free[slope.argmax()] = True
        while True:
            peak = np.zeros(len(b))
            peak[free] = np.linalg.lstsq(A[np.ix_(free, free)], b[free])[0]
            blocked = free & (peak <= 0)
            if not blocked.any():
                v = peak
                break
            v += np.min(v[blocked] / (v[blocked] - peak[blocked])) * (peak - v)
            free &= v > 0
            v[~free] = 0
    return v


def _relative(streams: Sequence[Stream]) -> np.ndarray:
    """Return P / (the largest P of the streams), (n, streams), for the n tokens that some stream gives a P > 0."""
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
    """Return the weights after one Newton step from w, which is halved until F does not fall.

    The step maximises F(v) - Σ_i v_i over v >= 0, whose maximum is that of F on the simplex. At w its gradient is g - 1
    and its curvature A = 1/n r'r, with A w = g.
    """
    r = P / (P @ w)[:, None]
    target = nonnegative(r.T @ r / len(P), 2 * r.mean(0) - 1)
    value = _mean_log(P @ w)
    for halvings in range(40):
        new = w + 0.5**halvings * (target - w)
        new /= new.sum()
        if _mean_log(P @ new) >= value - ROUNDING:
            return new
    return w


def _mean_log(p: np.ndarray) -> float:
    with np.errstate(divide="ignore"):
        return float(np.log(p).mean())


def _equal(members: int) -> np.ndarray:
    return np.full(members, 1 / members)
