"""Every recurrence against the reference: windows, states, reset masks, truncation; all parameters and states."""

from collections.abc import Callable
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from gradient_checks import PAIRS, agree, gradients, randomize, values

from rnnlm.checks.formulas import recurrent as ref
from rnnlm.layers import Affine, Embedding, Param
from rnnlm.ops import ops_for
from rnnlm.outputs import ClassMap, ClassSoftmax, Softmax
from rnnlm.recurrent import Elman, Jordan, Recurrent, Stack

# Two blocks of the longest pair are 20 steps; a gradient's reach does not depend on what lies before it.
H, V, SEED, RATE = 4, 6, 7, 0.4


class Case(NamedTuple):
    layer: Recurrent
    params: dict[str, Param]  # all that the layer writes gradients into, under the reference's names
    step: Callable[[Any], Any]  # parameters -> the reference's step
    dropouts: tuple[int, ...] = ()  # the numbers of the layers with dropout


def elman(activation="tanh"):
    layer = Elman(H, rng=np.random.default_rng(0), activation=activation, dtype="float64")
    return Case(layer, layer.params, lambda p: ref.elman(p, activation))


def jordan(activation="tanh", readout="words", layers=1, dropout=0.0):
    rng = np.random.default_rng(0)
    output = Softmax(V, H, rng=rng, dtype="float64")
    if readout == "classes":
        output = ClassSoftmax(ClassMap(np.array([0, 1, 4, V])), H, rng=rng, dtype="float64")
    tied = Embedding(V, H, rng=rng, dtype="float64").params["W"] if readout == "tied" else None
    R, r = output.readout()
    layer = Jordan(
        H,
        rng=rng,
        readout=(R, r),
        feedback=tied,
        layers=layers,
        activation=activation,
        dropout=dropout,
        dtype="float64",
    )
    params = {"U": tied, **layer.params} if tied else layer.params
    numbers = (1,) if dropout else ()
    return Case(layer, {**params, "R": R, "r": r}, lambda p: ref.jordan(p, activation, layers), numbers)


def stack(activation="tanh", layers=3, dropout=RATE, bias=False):
    rng = np.random.default_rng(0)
    between = [Affine(H, H, rng=rng, bias=bias, dtype="float64") for _ in range(layers - 1)]
    elmans = [Elman(H, rng=rng, activation=activation, dtype="float64") for _ in range(layers)]
    layer = Stack(elmans, between, dropout)
    numbers = tuple(range(1, layers + 1)) if dropout else ()
    return Case(layer, layer.params, lambda p: ref.stack(p, activation, layers), numbers)


ACTIVATIONS = list(ref.ACTIVATIONS)
CASES = {f"elman {name}": (elman, {"activation": name}) for name in ACTIVATIONS}
CASES |= {f"jordan {name}": (jordan, {"activation": name}) for name in ACTIVATIONS}
CASES |= {f"stack {name}": (stack, {"activation": name, "layers": 2}) for name in ACTIVATIONS}
CASES |= {
    f"jordan {readout} {layers} {dropout}": (jordan, {"readout": readout, "layers": layers, "dropout": dropout})
    for readout in ("words", "classes", "tied")
    for layers, dropout in ((1, 0.0), (3, RATE))
}
CASES |= {
    "stack of 1": (stack, {"layers": 1}),
    "stack of 3": (stack, {"layers": 3}),
    "stack of 3, biases, no dropout": (stack, {"layers": 3, "dropout": 0.0, "bias": True}),
}


def make(name):
    build, options = CASES[name]
    case = build(**options)
    randomize(case.params, 1)
    return case


def make_keep(kind, T, B):
    """No sentence starts; some; or two in a row in every stream, at the window's beginning, middle and end."""
    if kind == "none":
        return None
    keep = (np.random.default_rng(11).random((T, B)) > 0.3).astype(float)
    if kind == "two in a row":
        keep[:] = 1
        for place in (0, T // 2, T - 2):
            keep[max(place, 0) : place + 2] = 0
    return keep


class Run:
    """A sequence in windows of `block` steps through the layer, and the same through the reference."""

    def __init__(self, case, T, B, block, keep="none", seed=2):
        rng = np.random.default_rng(seed)
        self.case, self.T, self.block = case, T, block
        clipped = getattr(case.layer, "activation", "") == "clipped_relu"
        self.x = rng.normal(0, 15 if clipped else 1, (T, B, H))  # 15: units on both sides of the ceiling
        self.state = tuple(rng.normal(size=part.shape) for part in case.layer.start(B))
        self.keep = make_keep(keep, T, B)
        self.dy = rng.normal(size=(T, B, H))
        self.dstate = tuple(rng.normal(size=part.shape) for part in self.state)
        self.begins = range(0, T, block)
        sizes = [min(block, T - begin) for begin in self.begins]
        self.masks = [
            np.concatenate(
                [
                    ops_for(self.x).dropout_mask((size, B, H), RATE, (SEED * 64 + number, window), np.float64)
                    for window, size in enumerate(sizes)
                ]
            )
            for number in case.dropouts
        ]

    def forward(self):
        """Ours: y, the state after, the tapes."""
        state, ys, tapes = self.state, [], []
        for window, begin in enumerate(self.begins):
            here = slice(begin, begin + self.block)
            keep = None if self.keep is None else self.keep[here]
            y, state, tape = self.case.layer.forward(self.x[here], state, keep, train=(SEED, window))
            ys.append(y)
            tapes.append((len(y), tape))
        return np.concatenate(ys), state, tapes

    def backward(self, tapes, horizon, dstate):
        """Ours: the newest window's dy and dstate through `horizon` steps; dx of all windows visited, and d(state)."""
        dy, left, dxs = self.dy[self.begins[-1] :], horizon, []
        for steps, tape in reversed(tapes):
            stop = max(0, steps - left)
            dx, dstate = self.case.layer.backward(dy, dstate, tape, stop)
            dxs.insert(0, dx)
            dy, left = None, left - (steps - stop)
            if not left:
                break
        return np.concatenate(dxs), dstate

    def unroll(self, p, x, state, begin):
        """The reference, from step `begin` to the end."""
        keep = None if self.keep is None else self.keep[begin:]
        return ref.unroll(self.case.step(p), x, state, keep, [mask[begin:] for mask in self.masks])

    def reference_gradient(self, horizon, with_dstate):
        """d(parameters), dx, d(entering state) of Σ dy·y over the newest block + Σ dstate·state, through `horizon`."""
        p, first = values(self.case.params), max(0, self.T - horizon)
        newest = max(self.begins[-1], first)  # a loss before the horizon has no gradient
        entering = self.state
        if first:
            keep = None if self.keep is None else self.keep[:first]
            masks = [mask[:first] for mask in self.masks]
            entering = ref.unroll(self.case.step(p), self.x[:first], self.state, keep, masks)[1]

        def loss(everything):
            p, x, state = everything
            y, after = self.unroll(p, x, state, first)
            total = anp.sum(self.dy[newest:] * y[newest - first :])
            if with_dstate:
                total = total + sum(anp.sum(d * part) for d, part in zip(self.dstate, after, strict=True))
            return total

        return grad(loss)((p, self.x[first:], tuple(entering)))

    def check(self, horizon, with_dstate=True):
        y, state, tapes = self.forward()
        expected_y, expected_state = self.unroll(values(self.case.params), self.x, self.state, 0)
        agree(y, expected_y, "y")
        agree(state, expected_state, "state")
        for times in (1, 2):  # the second time the gradients have doubled
            dx, dstate = self.backward(tapes, horizon, self.dstate if with_dstate else None)
            expected, expected_dx, expected_dstate = self.reference_gradient(horizon, with_dstate)
            unvisited = len(dx) - len(expected_dx)
            assert not dx[:unvisited].any()
            agree(dx[unvisited:], expected_dx, "dx")
            agree(dstate, expected_dstate, "dstate")
            agree(gradients(self.case.params), {name: times * g for name, g in expected.items()}, "grad")


@pytest.mark.parametrize("keep", ["none", "some", "two in a row"])
@pytest.mark.parametrize(("block", "horizon"), PAIRS)
@pytest.mark.parametrize("name", CASES)
def test_truncated_gradient(name, block, horizon, keep):
    windows = -(-horizon // block) + 1
    Run(make(name), windows * block, 2, block, keep).check(horizon, with_dstate=keep != "some")


@pytest.mark.parametrize("B", [1, 3])
@pytest.mark.parametrize("T", [1, 5])
@pytest.mark.parametrize("name", CASES)
def test_one_window(name, T, B):
    Run(make(name), T, B, T, "some").check(T)


@pytest.mark.parametrize("stop", [1, 3, 4])
@pytest.mark.parametrize("name", ["elman tanh", "jordan tied 3 0.4", "stack of 3"])
def test_one_window_that_is_left_early(name, stop):
    """`stop` counts from the window's first step; the reset at step `stop` itself cuts the gradient of the state."""
    run = Run(make(name), 5, 3, 5)
    run.check(5 - stop)
    run = Run(make(name), 5, 3, 5)
    run.keep = np.ones((5, 3))
    run.keep[stop, 1] = 0
    run.check(5 - stop)


@pytest.mark.parametrize("name", ["elman tanh", "jordan words 3 0.4", "stack of 3"])
def test_a_window_without_loss_passes_on_the_gradient_of_its_state(name):
    run = Run(make(name), 4, 2, 4)
    run.dy[:] = 0
    _, _, ((_, tape),) = run.forward()
    dx, dstate = run.case.layer.backward(None, run.dstate, tape)
    expected, expected_dx, expected_dstate = run.reference_gradient(4, with_dstate=True)
    agree(dx, expected_dx)
    agree(dstate, expected_dstate)
    agree(gradients(run.case.params), expected)


@pytest.mark.parametrize("name", ["elman tanh", "jordan words 3 0.4", "stack of 3"])
def test_no_loss_and_no_gradient_of_the_state_is_no_gradient(name):
    run = Run(make(name), 4, 2, 4)
    _, _, ((_, tape),) = run.forward()
    dx, dstate = run.case.layer.backward(None, None, tape)
    agree(dx, np.zeros_like(run.x))
    agree(dstate, tuple(np.zeros_like(part) for part in run.state))
    agree(gradients(run.case.params), {name: np.zeros_like(p.value) for name, p in run.case.params.items()})


@pytest.mark.parametrize("name", ["elman tanh", "jordan tied 3 0.4", "stack of 3"])
def test_gradient_arguments_are_not_written_into(name):
    run = Run(make(name), 6, 2, 3, "some")
    _, _, tapes = run.forward()
    given = [run.x, run.dy, *run.dstate, *run.state]
    before = [array.copy() for array in given]
    run.backward(tapes, 5, run.dstate)
    for array, copy in zip(given, before, strict=True):
        assert (array == copy).all()
