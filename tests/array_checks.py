"""Small tools of the tests of the backends: random arrays, the comparison itself, and a look at the threads."""

import numpy as np

from rnnlm.checks.cases.numbers import REFERENCE, Numbers
from rnnlm.ops.gradients import OuterProduct
from rnnlm.ops.pool import Pool

__all__ = ["CLOSE", "REFERENCE", "Numbers", "agree", "shared_kernels"]

CLOSE = {"float32": (1e-4, 4e-6), "float64": (1e-10, 1e-13)}  # of the number itself, of the array's largest


def agree(ours, theirs, dtype):
    """Equal within CLOSE, dtype and shape too, through tuples; whole numbers exactly."""
    if isinstance(theirs, tuple | list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            agree(one, other, dtype)
    elif isinstance(theirs, OuterProduct):
        agree([ours.d, ours.rows, ours.groups, ours.scale], [theirs.d, theirs.rows, theirs.groups, theirs.scale], dtype)
    elif isinstance(theirs, float | np.ndarray | np.generic) and np.asarray(theirs).dtype.kind == "f":
        relative, absolute = CLOSE[dtype]
        assert np.shape(ours) == np.shape(theirs)
        assert np.ndim(theirs) == 0 or ours.dtype == theirs.dtype
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
