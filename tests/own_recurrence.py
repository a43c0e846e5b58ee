"""Recurrences as a user writes them, for the tests of such models."""

import autograd.numpy as np

from rnnlm import Recurrence
from rnnlm.layers import initializers


def elman_parameters(rng, hidden):
    return {"W": initializers.orthogonal(rng, (hidden, hidden)), "b": np.zeros(hidden)}


def elman_step(params, x, state):
    (h,) = state
    h = np.tanh(x + h @ params["W"] + params["b"])
    return h, (h,)


elman = Recurrence(elman_parameters, elman_step)


def lstm_parameters(rng, hidden):
    return {"W": rng.normal(0, 0.3, (2 * hidden, 4 * hidden)), "b": rng.normal(0, 0.3, 4 * hidden)}


def lstm_step(params, x, state):
    h, c = state
    i, f, o, g = np.split(np.concatenate([x, h], 1) @ params["W"] + params["b"], 4, axis=1)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    h = logistic(o) * np.tanh(c)
    return h, (h, c)


def logistic(a):
    return 0.5 + 0.5 * np.tanh(0.5 * a)


lstm = Recurrence(lstm_parameters, lstm_step, states=2)


def clock_parameters(rng, hidden):
    return {"U": rng.normal(0, 0.3, (3, hidden)), "R": rng.normal(0, 0.3, (hidden, 3)), "decay": np.full(1, 0.7)}


def clock_step(params, x, state):
    """Three slow units beside the hidden ones, and a state that holds the last input."""
    slow, last = state
    y = np.tanh(x - 0.5 * last + slow @ params["U"])
    return y, [params["decay"] * slow + y @ params["R"], x]


clock = Recurrence(clock_parameters, clock_step, states=lambda hidden: [3, hidden])
