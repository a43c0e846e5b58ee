"""Checks of output layers: Σ P = 1, and scores and draws that agree with the distributions."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .cases.outputs import MAKERS
from .finding import Check, Measured, distance, furthest
from .machines import NUMPY, Machine, host

N, H, V = 40, 33, 101


def checks() -> list[Check]:
    """Return a check for each output layer."""
    return [Check("distributions", name, "", partial(measure, make)) for name, make in MAKERS.items()]


def measure(make: Any, machine: Machine, dtype: str) -> Measured:
    """Return the errors of sums of P, of scores, of draws, and on other machines those against NumPy."""
    rng = np.random.default_rng(5)
    target = rng.integers(0, V, N)
    ours = distribution(make, machine, dtype, target)
    logp = ours["log P"].astype(np.float64)
    errors = {
        "Σ P = 1": (float(np.abs(np.exp(logp).sum(1) - 1).max()), ""),
        "scores": (distance(ours["log P of the targets"], logp[np.arange(N), target]), ""),
        "draws": (distance(ours["log P of the drawn"], logp[np.arange(N), ours["drawn"]]), ""),
    }
    if machine != NUMPY:
        with NUMPY.working():
            errors["NumPy"] = furthest(ours, distribution(make, NUMPY, dtype, target))
    return errors


def distribution(make: Any, machine: Machine, dtype: str, target: np.ndarray) -> dict[str, np.ndarray]:
    """Return by name what an output layer computes for N random hidden vectors.

    These are log P of every word (N, V), log P of the `target` words (N,), and drawn words (N,) with their log P (N,).
    """
    rng = np.random.default_rng(6)
    layer = make(V, H, rng, dtype)
    for param in layer.params.values():
        param.value += rng.normal(0, 0.3, param.value.shape).astype(np.float32)
    machine.place(layer.params)
    h = machine.put(rng.normal(size=(N, H)).astype(dtype))
    nll, _ = layer.forward(h, target, gradient=False)
    drawn, logp = layer.draw(h, rng)
    return {
        "log P": host(layer.logprobs(h)),
        "log P of the targets": -host(nll),
        "drawn": drawn,
        "log P of the drawn": logp,
    }
