"""Checks of optimizers and gradient clipping: every backend against the plain array code."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..layers import Param
from ..ops.gradients import OuterProduct
from ..optim import OPTIMIZERS
from ..optim.clipping import clip_norm
from .finding import Check, Measured, furthest
from .machines import NUMPY, Machine, host

ROWS, UNITS, TOKENS = 30, 17, 8


def checks() -> list[Check]:
    """Return a check for each optimizer."""
    return [Check("optimizers", name, "", partial(measure, name)) for name in OPTIMIZERS]


def measure(name: str, machine: Machine, dtype: str) -> Measured:
    """Return the error of the updated parameters against NumPy; nothing on NumPy itself."""
    if machine == NUMPY:
        return {}
    with NUMPY.working():
        theirs = updated(name, NUMPY, dtype)
    return {"NumPy": furthest(updated(name, machine, dtype), theirs)}


def updated(name: str, machine: Machine, dtype: str) -> dict[str, np.ndarray]:
    """Return parameters by name after two updates, with gradients of all forms: dense, spans, rows, outer products."""
    rng = np.random.default_rng(7)

    def draw(*shape: int):
        return machine.put(rng.normal(size=shape).astype(np.float32).astype(dtype))

    params = {form: Param(draw(ROWS, UNITS)) for form in ("whole", "spans", "rows", "factors")}
    params["vector"] = Param(draw(ROWS))
    optimizer = OPTIMIZERS[name](params, 0.1, l2=0.01, decay=0.1)
    for _ in range(2):
        params["whole"].add(draw(ROWS, UNITS))
        params["vector"].add(draw(ROWS))
        params["spans"].grad[3:9] += draw(6, UNITS)
        params["spans"].touch([(3, 9)])
        params["rows"].add_rows(rng.integers(-1, ROWS, TOKENS), draw(TOKENS, UNITS))
        groups = np.array([[0, 3, 2, 6, 0], [3, TOKENS, 20, ROWS, 12]])  # see `class_softmax_nll`
        factors = OuterProduct(draw(12 + (TOKENS - 3) * 10), draw(TOKENS, UNITS), groups, 0.5)
        params["factors"].add_outer_product(factors)
        clip_norm(params.values(), 1.0)
        optimizer.step()
    return {form: host(param.value) for form, param in params.items()}
