"""Elman's network once more, as a user would write it: one step, and no backward pass."""

import autograd.numpy as np

from rnnlm import Recurrence


def parameters(rng, hidden):
    """Return the initial parameters: W (H, H) and b (H,)."""
    return {"W": rng.normal(0, 0.1, (hidden, hidden)), "b": np.zeros(hidden)}


def step(params, x, state):
    """Return h = tanh(x + h W + b), (B, H), and the state after the step, which is h too."""
    (h,) = state
    h = np.tanh(x + np.dot(h, params["W"]) + params["b"])
    return h, (h,)


ELMAN = Recurrence(parameters, step)
