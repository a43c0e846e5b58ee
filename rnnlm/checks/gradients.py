"""The gradients of every layer, compared with automatic differentiation and with differences.

The loss of a layer is L = Σ weight · output over all that it returns, with fixed random weights. Both precisions are
checked at the same point, whose numbers float32 holds exactly, so that the float64 results are right for float32 too.
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

# The errors of a central difference over h are h² L''' / 6 and ε |L| / h, at this h about 1e-11 each where all numbers
# are around 1. Dozens of numbers change at once, so that errors of 1e-8 occur; 1e-6 is allowed.
H = 1e-5
DIRECTIONS = 2  # random directions in which the difference of each array is taken

Arrays = dict[str, np.ndarray]


def checks() -> list[Check]:
    """Return a check of the gradients for each case of `CASES`."""
    return [
        Check(section, case.layer, case.variant, partial(measure, case), case.on_gpu)
        for section, cases in CASES.items()
        for case in cases
    ]


def measure(case: Case, machine: Machine, dtype: str) -> Measured:
    """Return the errors of outputs and gradients against autograd, differences, and on other machines NumPy."""
    ours, gradient = derivatives(case, machine, dtype)
    values, derived = truth(case)
    errors = {
        "autograd": furthest(ours | gradient, values | {name: derived[name] for name in gradient}),
        "differences": differences(case, machine, gradient),
    }
    if machine != NUMPY:
        with NUMPY.working():
            values, derived = derivatives(case, NUMPY, dtype)
        errors["NumPy"] = furthest(ours | gradient, values | derived)
    return errors


class Layer:
    """The layer of a case on a machine, which can be run at any point: with any parameters and inputs, by name."""

    def __init__(self, case: Case, machine: Machine, dtype: str) -> None:
        self.case, self.machine, self.dtype = case, machine, dtype
        self.layer = case.make(np.random.default_rng(1), dtype)
        self.params = case.params(self.layer)

    def at(self, point: Arrays) -> Called:
        """Run the layer at a point; return its outputs and the function that computes the gradients of its inputs."""
        placed = {name: self.machine.put(array.astype(self.dtype)) for name, array in point.items()}
        for name, param in self.params.items():
            param.set(placed[name])
        return self.case.run(self.layer, *(placed[name] for name in self.case.inputs))

    def loss(self, point: Arrays) -> float:
        """Return the loss L at a point."""
        outputs = [host(y) for y in self.at(point)[0]]
        return sum(float((d * y).sum()) for d, y in zip(weights(outputs), outputs, strict=True))


def start(case: Case) -> Arrays:
    """Return the point that is checked, by name: inputs, and parameters moved away from their initial values."""
    rng = np.random.default_rng(2)
    params = case.params(case.make(np.random.default_rng(1), "float32"))
    point = {name: p.value + rng.uniform(-0.4, 0.4, p.value.shape).astype(np.float32) for name, p in params.items()}
    point |= {name: rng.normal(0, case.scale, shape).astype(np.float32) for name, shape in case.inputs.items()}
    return {name: array.astype(np.float64) for name, array in point.items()}


def weights(outputs: list[np.ndarray]) -> list[np.ndarray]:
    """Return the weights of the outputs in the loss, an array of the shape of each."""
    rng = np.random.default_rng(3)
    return [rng.normal(size=np.shape(y)).astype(np.float32).astype(np.float64) for y in map(np.asarray, outputs)]


def derivatives(case: Case, machine: Machine, dtype: str) -> tuple[Arrays, Arrays]:
    """Return the layer's outputs, and the gradients of its inputs and learned parameters, by name.

    Raises TypeError where one of them has not the precision `dtype`.
    """
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
    """Return the outputs and all gradients by autograd, from the formula of the case, in float64."""

    def formula(point):
        params = {name: array for name, array in point.items() if name not in case.inputs}
        result = case.formula(params, *(point[name] for name in case.inputs))
        return traced_tuple(result if isinstance(result, tuple) else (result,))

    backward, outputs = make_vjp(formula)(start(case))
    values = {f"output {number}": y for number, y in enumerate(outputs, 1)}
    return values, backward(traced_tuple(tuple(weights(list(outputs)))))


def differences(case: Case, machine: Machine, gradient: Arrays) -> tuple[float, str]:
    """Return the largest error of gradient · v, and the name of its array.

    It is compared with (L(p + h v) - L(p - h v)) / 2h in float64, for random directions v of +1 and -1 in each array.
    """
    layer, point, rng, errors = Layer(case, machine, "float64"), start(case), np.random.default_rng(4), {}
    for name, array in gradient.items():
        for number in range(DIRECTIONS):
            v = rng.choice([-1.0, 1.0], array.shape)
            above, below = (layer.loss(point | {name: point[name] + h * v}) for h in (H, -H))
            slope, ours = (above - below) / (2 * H), float((array * v).sum())
            scale = max(abs(slope), float(np.linalg.norm(array)), FLOOR)  # the size to expect of such a sum
            errors[f"{name} {number}"] = abs(ours - slope) / scale
    error, name = worst(errors)
    return error, name.rpartition(" ")[0]
