"""Formulas of recurrent language models, written from the papers and differentiated by autograd.

They handle one stream, one step and one word at a time, are slow on purpose, and share no code with `rnnlm`. Vectors
are row vectors, as in the package: x W + b. Parameters are a dictionary of arrays, under the package's names.

    J. Elman, "Finding structure in time", Cognitive Science 14, 1990
    M. Jordan, "Serial order: a parallel distributed processing approach", ICS report 8604, 1986
    J. Goodman, "Classes for fast maximum entropy training", ICASSP 2001
    T. Mikolov et al., "Extensions of recurrent neural network language model", ICASSP 2011
    R. Williams & J. Peng, "An efficient gradient-based algorithm for on-line training of recurrent network
        trajectories", Neural Computation 2, 1990
"""

import autograd.numpy as np
from autograd import grad

# Activation functions, of the pre-activation a -----------------------------------------------------

ACTIVATIONS = {
    "tanh": lambda a: np.tanh(a),
    "logistic": lambda a: 1 / (1 + np.exp(-a)),
    "relu": lambda a: np.where(a > 0, a, 0.0),
    "clipped_relu": lambda a: np.where(a <= 0, 0.0, np.where(a >= 20, 20.0, a)),  # Hannun et al. 2014
    "leaky_relu": lambda a: np.where(a > 0, a, 0.01 * a),  # Maas, Hannun & Ng 2013
    "elu": lambda a: np.where(a > 0, a, np.exp(np.minimum(a, 0.0)) - 1),  # Clevert et al. 2016, α = 1
}


# Maps without memory -------------------------------------------------------------------------------


def affine(x, W, b=0.0):
    """y = x W + b."""
    return np.dot(x, W) + b


def embedding(word, table):
    """Return the one-hot vector of a word times the table; for no word (-1) that vector is 0."""
    one_hot = np.array([1.0 if i == word else 0.0 for i in range(len(table))])
    return np.dot(one_hot, table)


def dropout(x, mask=None):
    """Return x times a given mask, or x without a mask."""
    return x if mask is None else x * mask


# From a hidden vector to -log P(word) --------------------------------------------------------------


def softmax(a):
    """P_i = exp(a_i) / Σ_j exp(a_j)."""
    return np.exp(a) / np.sum(np.exp(a))


def softmax_nll(h, target, W, b):
    """-log P(target) = -log(exp(w_target · h + b_target) / Σ_i exp(w_i · h + b_i)); 0 for a target of -1."""
    return 0.0 if target < 0 else -np.log(softmax(np.dot(W, h) + b)[target])


def class_softmax_nll(h, target, class_W, class_b, W, b, start):
    """-log P(class | h) - log P(word | class, h), where class c holds the words start[c] … start[c+1] - 1."""
    if target < 0:
        return 0.0
    (c,) = (c for c in range(len(start) - 1) if start[c] <= target < start[c + 1])
    members = list(range(start[c], start[c + 1]))
    p_class = softmax(np.dot(class_W, h) + class_b)[c]
    p_word = softmax(np.array([np.dot(W[i], h) + b[i] for i in members]))[members.index(target)]
    return -np.log(p_class) - np.log(p_word)


# Recurrences: a step takes (x, state, masks) to (y, state) -----------------------------------------


def elman(p, activation):
    """h' = f(x + h W + b), which is both the output and the state."""

    def step(x, state, masks):
        (h,) = state
        h = ACTIVATIONS[activation](x + np.dot(h, p["W"]) + p["b"])
        return h, (h,)

    return step


def jordan(p, activation, layers=1):
    """h = f(x + z U + b), further hidden layers on top, z' = softmax(h R' + r), which is the state."""
    f = ACTIVATIONS[activation]

    def step(x, state, masks):
        (z,) = state
        h = f(x + np.dot(z, p["U"]) + p["b"])
        for number in range(1, layers):
            h = f(affine(h, p[f"{number}.W"], p[f"{number}.b"]))
        z = softmax(np.dot(p["R"], h) + p["r"])
        return dropout(h, *masks), (z,)

    return step


def stack(p, activation, layers):
    """Elman networks on top of each other; dropout between layers and on the output, not along time (Zaremba 2014)."""

    def step(x, state, masks):
        after = []
        for number in range(layers):
            if number:
                x = affine(x, p[f"{number}.input.W"], p.get(f"{number}.input.b", 0.0))
            h, (memory,) = elman(part(p, f"{number}."), activation)(x, (state[number],), ())
            after.append(memory)
            x = dropout(h, masks[number] if masks else None)
        return x, tuple(after)

    return step


def part(p, prefix):
    """Return the parameters whose names start with a prefix, under names without it."""
    return {name[len(prefix) :]: p[name] for name in p if name.startswith(prefix)}


def unroll(step, x, state, keep=None, masks=()):
    """Run a step over x (T, B, E), stream by stream: (y (T, B, H), the state after).

    The state is cleared before every step whose keep (T, B) is 0. `masks` are arrays (T, B, H), one part a step.
    """
    T, B = len(x), len(state[0])
    y, last = [[None] * B for _ in range(T)], []
    for b in range(B):
        memory = tuple(array[b] for array in state)
        for t in range(T):
            if keep is not None and keep[t][b] == 0:
                memory = tuple(np.zeros(array.shape) for array in memory)
            y[t][b], memory = step(x[t][b], memory, [mask[t][b] for mask in masks])
        last.append(memory)
    return np.array(y), tuple(np.array(list(arrays)) for arrays in zip(*last, strict=True))


# Whole models, and truncated back-propagation through time -----------------------------------------


def language_model(step, output, table, x, y, state, keep=None, input_mask=None, masks=()):
    """Return -log P(y_t | x_t, earlier words), (T, B), for word ids x and y (T, B), and the state after them."""
    T, B = x.shape
    rows = np.array([[embedding(x[t, b], table) for b in range(B)] for t in range(T)])
    h, state = unroll(step, dropout(rows, input_mask), state, keep, masks)
    return np.array([[output(h[t][b], y[t, b]) for b in range(B)] for t in range(T)]), state


def truncated_bptt(run, params, state, steps, block, horizon, weight):
    """Return the gradient of each update, with the parameters held fixed: a list of dictionaries.

    After every `block` steps the losses of this newest block, each times `weight`, are differentiated through the last
    `horizon` steps; the state before the first of those is a constant. run(params, state, begin, end) returns the
    losses (end - begin, B) and the state after.
    """
    gradients = []
    for begin in range(0, steps, block):
        end = min(begin + block, steps)
        first = max(0, end - horizon)
        constant = run(params, state, 0, first)[1] if first else state

        def loss(p, begin=begin, end=end, first=first, constant=constant):
            losses, _ = run(p, constant, first, end)
            return np.sum(losses[begin - first :]) * weight

        gradients.append(grad(loss)(params))
    return gradients
