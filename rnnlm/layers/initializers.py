"""Starting values, each with its source. All draw on the host in float64, so both precisions start from one stream.

An initializer is `init(rng, shape) -> array`; a matrix of shape (n_in, n_out) is applied as x W, the filters of a
convolution are of shape (kh, kw, channels, filters).
"""

from __future__ import annotations

import math

import numpy as np  # host-side: starting values are drawn once, on the host, and then moved

Rng = np.random.Generator


def zeros(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Zeros of this shape: the usual start of biases."""
    return np.zeros(shape)


def ones(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Ones of this shape: the start of gains and variances."""
    return np.ones(shape)


def uniform(rng: Rng, shape: tuple[int, ...], limit: float = 0.1) -> np.ndarray:
    """Draws of U(-limit, limit); ±0.1 is the start of Zaremba, Sutskever & Vinyals 2014 (0.05 in their medium size)."""
    return rng.uniform(-limit, limit, shape)


def mikolov(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Sums of three draws from U(-0.1, 0.1), standard deviation 0.1: Mikolov's RNNLM toolkit, 2011."""
    return rng.uniform(-0.1, 0.1, (3, *shape)).sum(0)


def glorot_uniform(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Draws from U(-a, a) with a = √(6 / (n_in + n_out)): Glorot & Bengio 2010.

    Of filters (kh, kw, channels, filters), n_in and n_out count every place of the window.
    """
    *places, n_in, n_out = shape
    limit = (6 / (math.prod(places) * (n_in + n_out))) ** 0.5
    return rng.uniform(-limit, limit, shape)


def he(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Draws from N(0, 2 / n_in), for rectified units; n_in is the product of all axes but the last: He et al. 2015."""
    return rng.normal(0, (2 / math.prod(shape[:-1])) ** 0.5, shape)


def orthogonal(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """A random matrix with orthonormal rows or columns: Saxe, McClelland & Ganguli 2014."""
    rows, columns = shape
    q, r = np.linalg.qr(rng.normal(size=(max(shape), min(shape))))
    q = q * np.sign(np.diag(r))  # without the signs the distribution would not be uniform
    return q if rows >= columns else q.T


def half_identity(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Half the identity matrix, for recurrent rectified units: the start of Le, Jaitly & Hinton 2015, halved.

    Their sequences end; a state that is carried through a whole text would grow forever under the identity itself.
    """
    return 0.5 * np.eye(shape[0], shape[1])


RECURRENT = {
    # tanh has slope 1 at 0, so norm 1 keeps the past; a logistic unit has slope ¼ at most and forgets with any start.
    "tanh": orthogonal,
    "logistic": mikolov,
    "relu": half_identity,
    "clipped_relu": half_identity,
    "leaky_relu": half_identity,
    "elu": orthogonal,
}


def for_activation(activation: str):
    """The usual initializer of the weights below an activation: `he` for rectified units, else `glorot_uniform`."""
    return he if activation in ("relu", "leaky_relu", "clipped_relu", "elu") else glorot_uniform
