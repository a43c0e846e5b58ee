"""Elman's network once more, as a user would write it: one step, and no backward pass."""

import autograd.numpy as np

from rnnlm import Recurrence


def parameters(rng, hidden):
    return {"W": rng.normal(0, 0.1, (hidden, hidden)), "b": np.zeros(hidden)}


def step(params, x, state):
    (h,) = state
    h = np.tanh(x + np.dot(h, params["W"]) + params["b"])
    return h, (h,)


ELMAN = Recurrence(parameters, step)
