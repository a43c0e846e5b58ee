"""Formulas of networks that see the last few inputs only: steps as in `recurrent`, whose state is those inputs.

Y. Bengio, R. Ducharme, P. Vincent & C. Jauvin, "A neural probabilistic language model", JMLR 3, 2003
A. van den Oord et al., "WaveNet: a generative model for raw audio", 2016
Y. Dauphin, A. Fan, M. Auli & D. Grangier, "Language modeling with gated convolutional networks", ICML 2017
"""

import autograd.numpy as np

from .recurrent import ACTIVATIONS, affine, dropout


def feedforward(p, activation, layers=1, direct=False):
    """h = f([x_{t-n+1} … x_t] W + b), further hidden layers on top; `direct` returns the inputs beside h."""

    def step(x, state, masks):
        (memory,) = state
        inputs = np.concatenate([memory, x])
        h = inputs
        for number in range(layers):
            if number and masks:
                h = dropout(h, masks[number - 1])
            h = ACTIVATIONS[activation](affine(h, p[f"{number}.W"], p[f"{number}.b"]))
        if direct:
            h = np.concatenate([h, inputs])
        return dropout(h, masks[-1] if masks else None), (inputs[len(x) :],)

    return step


def convolution(p, activation, layers, residual=False):
    """Convolutions over the last k inputs on top of each other, with dropout between them and on the output.

    The activation "gated" is the first half of the units times the logistic function of the second. With `residual` a
    layer whose input is as large as its output adds the two.
    """

    def step(x, state, masks):
        after = []
        for number in range(layers):
            inputs = np.concatenate([state[number], x])
            a = affine(inputs, p[f"{number}.W"], p[f"{number}.b"])
            if activation == "gated":
                half = len(a) // 2
                h = a[:half] * ACTIVATIONS["logistic"](a[half:])
            else:
                h = ACTIVATIONS[activation](a)
            after.append(inputs[len(x) :])
            if residual and len(x) == len(h):
                h = x + h
            x = dropout(h, masks[number] if masks else None)
        return x, tuple(after)

    return step
