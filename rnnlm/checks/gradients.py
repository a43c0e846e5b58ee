"""The gradients of every layer, judged by automatic differentiation and by differences.

A layer's loss is L = Σ weight · output over all it returns, with fixed random weights. Both precisions stand at the
same point, numbers that float32 has exactly, so what float64 says of this point judges float32 too.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
from autograd import make_vjp
from autograd.builtins import tuple as traced_tuple

from .cases import CASES, Case
from .cases.case import Called
from .finding import FLOOR, Check, Measured, furthest, worst
from .machines import NUMPY, Machine, host

# A central difference over h is off by h² L''' / 6 and by ε |L| / h, at this h about 1e-11 each where all numbers are
# around 1. Dozens of them are moved at once, so 1e-8 occurs; 1e-6 is allowed.
H = 1e-5
DIRECTIONS = 2

Arrays = dict[str, np.ndarray]


def checks() -> list[Check]:
    return [
        Check(section, case.layer, case.variant, partial(measure, case), case.on_gpu)
        for section, cases in CASES.items()
        for case in cases
    ]


def measure(case: Case, machine: Machine, dtype: str) -> Measured:
    ours, gradient = derivatives(case, machine, dtype)
    values, derived = truth(case)
    found = {
        "autograd": furthest(ours | gradient, values | {name: derived[name] for name in gradient}),
        "differences": differences(case, machine, gradient),
    }
    if machine != NUMPY:
        with NUMPY.working():
            values, derived = derivatives(case, NUMPY, dtype)
        found["NumPy"] = furthest(ours | gradient, values | derived)
    return found


class Layer:
    """A case's layer on a machine, at any point: outputs, and the way back."""

    def __init__(self, case: Case, machine: Machine, dtype: str) -> None:
        self.case, self.machine, self.dtype = case, machine, dtype
        self.layer = case.make(np.random.default_rng(1), dtype)
        self.params = case.params(self.layer)

    def at(self, point: Arrays) -> Called:
        placed = {name: self.machine.put(array.astype(self.dtype)) for name, array in point.items()}
        for name, param in self.params.items():
            param.set(placed[name])
        return self.case.run(self.layer, *(placed[name] for name in self.case.inputs))

    def loss(self, point: Arrays) -> float:
        outputs = [host(y) for y in self.at(point)[0]]
        return sum(float((d * y).sum()) for d, y in zip(weights(outputs), outputs, strict=True))


def start(case: Case) -> Arrays:
    """The point: parameters, none of them as it starts, and inputs, by name."""
    rng = np.random.default_rng(2)
    params = case.params(case.make(np.random.default_rng(1), "float32"))
    point = {name: p.value + rng.uniform(-0.4, 0.4, p.value.shape).astype(np.float32) for name, p in params.items()}
    point |= {name: rng.normal(0, case.scale, shape).astype(np.float32) for name, shape in case.inputs.items()}
    return {name: array.astype(np.float64) for name, array in point.items()}


def weights(outputs: list[np.ndarray]) -> list[np.ndarray]:
    """The weight of each output number in the loss."""
    rng = np.random.default_rng(3)
    return [rng.normal(size=np.shape(y)).astype(np.float32).astype(np.float64) for y in map(np.asarray, outputs)]


def derivatives(case: Case, machine: Machine, dtype: str) -> tuple[Arrays, Arrays]:
    """Ours: the outputs, and the gradient of everything learnt or put in. TypeError for another precision."""
    layer = Layer(case, machine, dtype)
    outputs, backward = layer.at(start(case))
    values = {f"output {number}": host(y) for number, y in enumerate(outputs, 1)}
    d = [machine.put(w.astype(dtype)) if w.ndim else float(w) for w in weights(list(values.values()))]
    gradient = dict(zip(case.inputs, map(host, backward(*d)), strict=True))
    gradient |= {name: host(param.grad) for name, param in layer.params.items() if name not in case.fixed}
    for name, array in (values | gradient).items():
        if array.dtype != dtype:
            raise TypeError(f"{name} is {array.dtype}, and it should be {dtype}")
    return values, gradient


@cache
def truth(case: Case) -> tuple[Arrays, Arrays]:
    """The same from the case's formula, in float64."""

    def formula(point):
        own = {name: array for name, array in point.items() if name not in case.inputs}
        found = case.formula(own, *(point[name] for name in case.inputs))
        return traced_tuple(found if isinstance(found, tuple) else (found,))

    backward, outputs = make_vjp(formula)(start(case))
    values = {f"output {number}": y for number, y in enumerate(outputs, 1)}
    return values, backward(traced_tuple(tuple(weights(list(outputs)))))


def differences(case: Case, machine: Machine, gradient: Arrays) -> tuple[float, str]:
    """(L(p + h v) - L(p - h v)) / 2h against gradient · v in float64, for directions v of +1 and -1 in each array."""
    layer, point, rng, errors = Layer(case, machine, "float64"), start(case), np.random.default_rng(4), {}
    for name, array in gradient.items():
        for number in range(DIRECTIONS):
            v = rng.choice([-1.0, 1.0], array.shape)
            above, below = (layer.loss(point | {name: point[name] + h * v}) for h in (H, -H))
            slope, ours = (above - below) / (2 * H), float((array * v).sum())
            scale = max(abs(slope), float(np.linalg.norm(array)), FLOOR)  # of what such a sum is likely to be
            errors[f"{name} {number}"] = abs(ours - slope) / scale
    error, name = worst(errors)
    return error, name.rpartition(" ")[0]
