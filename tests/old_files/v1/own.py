"""A recurrence of a user's own: each unit remembers for as long as it has learnt to."""

import autograd.numpy as np

from rnnlm import Recurrence


def parameters(rng, hidden):
    return {"W": rng.normal(0, hidden**-0.5, (hidden, hidden)), "b": np.zeros(hidden), "leak": rng.normal(0, 2, hidden)}


def step(params, x, state):
    (m,) = state  # (B, H)
    a = 0.5 + 0.5 * np.tanh(params["leak"])
    m = a * m + (1 - a) * np.tanh(x + m @ params["W"] + params["b"])
    return m, (m,)


leaky = Recurrence(parameters, step)
