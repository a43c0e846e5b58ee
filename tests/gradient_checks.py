"""Small tools of the gradient tests: random parameters, and the comparison itself."""

from collections.abc import Mapping

import numpy as np

PAIRS = [(1, 1), (4, 4), (3, 7), (2, 9), (10, 13)]  # (block, horizon)


def randomize(params, seed, scale=0.5):
    """Random values everywhere, biases too: what starts at zero would hide a wrong gradient."""
    rng = np.random.default_rng(seed)
    for param in params.values():
        param.value[...] = rng.normal(0, scale, param.value.shape)


def values(params):
    return {name: param.value.copy() for name, param in params.items()}


def gradients(params):
    return {name: param.grad.copy() for name, param in params.items()}


def agree(ours, theirs, name="value"):
    """Equal to 1e-7 of their size, number by number, through tuples and dictionaries."""
    if isinstance(theirs, Mapping):
        assert ours.keys() == theirs.keys()
        for key in theirs:
            agree(ours[key], theirs[key], f"{name}[{key}]")
    elif isinstance(theirs, tuple | list):
        assert len(ours) == len(theirs)
        for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            agree(a, b, f"{name}[{number}]")
    else:
        assert np.shape(ours) == np.shape(theirs), name
        assert np.asarray(ours).dtype == np.float64, name
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-10, err_msg=name)


def nonzero_rows(array):
    """The rows of a gradient that are not all zero."""
    return np.flatnonzero(np.abs(array).reshape(len(array), -1).sum(1))
