"""A recurrence of your own: write one step in autograd.numpy, and train it like any other model.

    rnnlm train --model tools/examples/own_recurrence.py:leaky -o leaky.rnnlm
    rnnlm sample leaky.rnnlm -c 5 -t 0.8

Leaky units: m ← a m + (1 − a) tanh(x + m W + b), where each unit learns its own a between 0 and 1, and so how long it
remembers: near 1 for many words, near 0 for one (Jaeger et al. 2007).
"""

import autograd.numpy as np

from rnnlm import Recurrence


def parameters(rng, hidden):
    return {"W": rng.normal(0, hidden**-0.5, (hidden, hidden)), "b": np.zeros(hidden), "leak": rng.normal(0, 2, hidden)}


def step(params, x, state):
    (m,) = state  # (B, H): what the units remember of each of the B streams
    a = 0.5 + 0.5 * np.tanh(params["leak"])
    m = a * m + (1 - a) * np.tanh(x + m @ params["W"] + params["b"])
    return m, (m,)


leaky = Recurrence(parameters, step)
