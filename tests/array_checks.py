"""Small tools of the tests of the backends: random arrays, the comparison itself, and a look at the threads."""

import numpy as np

from rnnlm.ops import Reference
from rnnlm.ops.gradients import Outer
from rnnlm.ops.pool import Pool

REFERENCE = Reference(np)
CLOSE = {"float32": (1e-4, 4e-6), "float64": (1e-10, 1e-13)}  # of the number itself, of the array's largest


class Numbers:
    """Random arrays of one precision."""

    def __init__(self, dtype):
        self.rng, self.dtype = np.random.default_rng(5), np.dtype(dtype)

    def __call__(self, *shape):
        return self.rng.normal(0, 1, shape).astype(self.dtype)

    def weights(self, n, H):
        return self(n, H) / self.dtype.type(n**0.5)

    def keep(self, T, B):
        return (self.rng.random((T, B)) < 0.7).astype(self.dtype)

    def hidden(self, activation, *shape):
        """Outputs of an activation, some of them where its slope changes."""
        return REFERENCE.activate(
            activation, self(*shape) * self.rng.choice([1, 40], shape, p=[0.8, 0.2]).astype(self.dtype)
        )

    def classes(self, V, C):
        """of (V,), start (C + 1,); the first class and the last one have one word."""
        inner = np.sort(self.rng.choice(np.arange(2, V - 1), C - 3, replace=False)) if C > 3 else []
        start = np.unique(np.array([0, 1, *inner, V - 1, V]))
        return np.repeat(np.arange(len(start) - 1), np.diff(start)), start

    def outer(self, N, V, C, H):
        groups = REFERENCE.by_class(self.rng.integers(-1, V, N), *self.classes(V, C))[1]
        groups = groups[groups[:, 3] - groups[:, 2] > 1]
        return Outer(
            self(int(((groups[:, 1] - groups[:, 0]) * (groups[:, 3] - groups[:, 2])).sum())), self(N, H), groups, 0.3
        )


def agree(ours, theirs, dtype):
    """Equal within CLOSE, dtype and shape too, through tuples; whole numbers exactly."""
    if isinstance(theirs, tuple | list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            agree(one, other, dtype)
    elif isinstance(theirs, np.ndarray | np.generic) and theirs.dtype.kind == "f":
        relative, absolute = CLOSE[dtype]
        assert np.shape(ours) == theirs.shape
        assert theirs.ndim == 0 or ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, relative, absolute * np.abs(theirs).max(initial=0))
    else:
        np.testing.assert_array_equal(ours, theirs)


def shared_kernels(monkeypatch):
    """A list to which the name of every kernel is added that runs on several threads from now on."""
    seen, run = [], Pool._together

    def together(pool, function, parts):
        seen.append(function.__name__)
        return run(pool, function, parts)

    monkeypatch.setattr(Pool, "_together", together)
    return seen
