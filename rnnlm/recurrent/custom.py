"""Recurrent layers from one step that a user writes in autograd.numpy, without a backward pass."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np  # host-side: autograd works on NumPy arrays only

from ..errors import RnnlmError, UsageError
from ..layers import Param, WeightsOfFile
from ..ops.arrays import Array
from .recurrent import State

Sizes = int | Sequence[int] | Callable[[int], Sequence[int]]


class Recurrence:
    """A recurrence of the user's own: its parameters, and one step of it in `autograd.numpy`.

        parameters(rng, hidden) -> {name: array}     starting values, drawn from the NumPy generator rng
        step(params, x, state) -> (y, state)         x (B, H) the input, y (B, H), state a tuple of (B, n) arrays

    `states`: how many arrays of size H the state has, or their sizes, or a function of H that gives the sizes; all are
    zero at the start. A step treats each of the B streams by itself, gives the same result for the same input, and
    changes no array in place. Raises UsageError where `parameters` or `step` is no function.
    """

    def __init__(self, parameters: Callable, step: Callable, states: Sizes = 1) -> None:
        for name, value in (("parameters", parameters), ("step", step)):
            if not callable(value):
                raise UsageError(f"{name} of a Recurrence is {value!r}. Give a function.")
        self.parameters, self.step, self.states = parameters, step, states

    def sizes(self, hidden: int) -> list[int]:
        """The size n of each array (B, n) of the state for H hidden units; UsageError where `states` gives none."""
        states = self.states(hidden) if callable(self.states) else self.states
        sizes = [hidden] * states if isinstance(states, int) else list(states)
        if not sizes or not all(isinstance(size, int) and size > 0 for size in sizes):
            raise UsageError(
                f"states={states!r} of a Recurrence is not possible. Give how many arrays its state has, 1 or more, or "
                "a list of their sizes."
            )
        return sizes


class Custom:
    """A `Recurrence` as a recurrent layer: y_t, s_t = step(params, x_t, s_{t-1}).

    x (T, B, H), y (T, B, H), s a tuple of (B, n) arrays; what the step returns is cast to the type of x. The tape holds
    x and the state before each step, so that it fits into a checkpoint; backward does the steps again under autograd,
    with the parameters of that moment (a horizon beyond the block reaches windows from before the last updates). From
    the last step to the first only the state's gradient flows; after that loop, the inputs and parameters get theirs
    from one step over all T·B rows together, which is right because a step treats each stream by itself:

        ds_{t-1} = (dy_t, ds_t) · ∂step(params, x_t, s_{t-1}) / ∂s_{t-1}
        dx, dparams = (dy, ds) · ∂step(params, x, s) / ∂(x, params)

    `name` is what errors call the recurrence. The step is tried on a few numbers when the layer is made, and UsageError
    says what is wrong: a step or `parameters` that fail or return something of another kind or shape, a function
    without a gradient, streams that see each other.
    """

    def __init__(
        self,
        recurrence: Recurrence,
        hidden: int,
        *,
        rng: np.random.Generator,
        name: str = "the recurrence",
        dtype: str = "float32",
    ) -> None:
        self.step, self.hidden, self.name = recurrence.step, hidden, name
        with self._explain_errors("states", recurrence.states):
            self.sizes = recurrence.sizes(hidden)
        with self._explain_errors("parameters", recurrence.parameters):
            made = recurrence.parameters(rng, hidden)
        arrays = self._checked(made)
        if isinstance(rng, WeightsOfFile):  # the step is tried with the values of `parameters`
            for value in arrays.values():
                rng.take(value.shape, dtype)
        self.params = {key: Param(value.astype(dtype)) for key, value in arrays.items()}
        self.dtype = np.dtype(dtype)
        self._try_out()

    def start(self, batch: int) -> State:
        """As `Recurrent.start`: arrays (B, n) of zeros, of the sizes that `Recurrence.states` says."""
        return tuple(np.zeros((batch, size), self.dtype) for size in self.sizes)

    def forward(
        self, x: Array, state: State, keep: Array | None = None, *, train=None
    ) -> tuple[Array, State, tuple[Array, State, Array | None]]:
        """Forward as `Recurrent.forward`, one step after another.

        Raises UsageError for a step that fails, or that returns something of another kind or shape.
        """
        params, x = self._values(), _read_only(x)
        y = np.empty((*x.shape[:2], self.hidden), x.dtype)
        before = tuple(np.empty((len(x), *part.shape), x.dtype) for part in state)  # what each step starts from
        for t in range(len(x)):
            for rows, part in zip(before, state, strict=True):
                rows[t] = part if keep is None else part * keep[t][:, None]
            with self._explain_errors("step", self.step):
                y[t], *after = self._step(params, x[t], tuple(_read_only(rows[t]) for rows in before))
            state = tuple(after)
        return y, tuple(np.array(part, x.dtype) for part in state), (x, before, keep)

    def backward(self, dy: Array | None, dstate: State | None, tape: Any, stop: int = 0) -> tuple[Array, State]:
        """Backward as `Recurrent.backward`, by doing the steps again under autograd; see the class."""
        x, before, keep = tape
        params = self._values()
        dy = np.zeros((*x.shape[:2], self.hidden), x.dtype) if dy is None else dy
        d = tuple(np.zeros_like(rows[0]) for rows in before) if dstate is None else dstate
        after = tuple(np.empty_like(rows) for rows in before)  # the gradient of the state after each step
        for t in range(len(x) - 1, stop - 1, -1):
            for rows, part in zip(after, d, strict=True):
                rows[t] = part
            state = tuple(rows[t] for rows in before)
            d = self._gradient(lambda s, x_t=x[t]: self._step(params, x_t, s), state, (dy[t], *d))
            d = tuple(part.astype(x.dtype, copy=False) for part in d)
            if keep is not None:
                d = tuple(part * keep[t][:, None] for part in d)

        def flat(a: Array) -> Array:
            return a[stop:].reshape(-1, a.shape[-1])  # (N, n)

        memory = tuple(flat(rows) for rows in before)
        *gradients, rows = self._gradient(
            lambda leaves: self._step(dict(zip(params, leaves[:-1], strict=True)), leaves[-1], memory),
            (*params.values(), flat(x)),
            (flat(dy), *(flat(rows) for rows in after)),
        )
        for param, gradient in zip(self.params.values(), gradients, strict=True):
            param.add(np.array(gradient))  # autograd does not promise an array for each
        dx = np.zeros_like(x)
        dx[stop:] = rows.reshape(dx[stop:].shape)
        return dx, d

    def _values(self) -> dict[str, Array]:
        """The parameters by name, protected from a step that would write into them."""
        return {key: _read_only(param.value) for key, param in self.params.items()}

    def _step(self, params: dict[str, Array], x: Array, state: State) -> tuple[Array, ...]:
        """The user's step as (y, state array 1, …), of the right shapes."""
        returned = self.step(params, x, state)
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            raise UsageError(
                f"{self.name}: the step returned {_what(returned)}. It must return a pair, y and the state."
            )
        y, after = returned
        if not isinstance(after, tuple | list) or len(after) != len(self.sizes):
            raise UsageError(
                f"{self.name}: the step returned {_what(after)} as the state. It must be a tuple of {len(self.sizes)} "
                "(states of the Recurrence): `return y, (h,)`."
            )
        names = ["y", *(f"state array {number}" for number in range(1, 1 + len(after)))]
        for name, array, size in zip(names, (y, *after), (self.hidden, *self.sizes), strict=True):
            # What plain NumPy makes of autograd's arrays is an array of objects, through which no gradient flows.
            if getattr(array, "shape", None) != (len(x), size) or array.dtype.kind not in "fiub":
                raise UsageError(
                    f"{self.name}: the step returned {_what(array)} as {name}. It must be an array of numbers of shape "
                    f"({len(x)}, {size}), a row for each stream, made with autograd.numpy."
                )
        return (y, *after)

    def _gradient(self, function: Callable, arguments: State, weights: State) -> State:
        """The gradient of Σ weights · function(arguments) with respect to each array of `arguments`."""
        from autograd import make_vjp
        from autograd.builtins import tuple as traced_tuple

        # autograd divides by cosh² where it could multiply by 1 - tanh²: right, but it overflows on the way.
        with self._explain_errors("step under autograd", self.step), np.errstate(over="ignore"):
            backward, _ = make_vjp(lambda leaves: traced_tuple(function(tuple(leaves))))(arguments)
            return backward(weights)

    def _checked(self, made: Any) -> dict[str, Array]:
        """The parameters as arrays of numbers by name."""
        if not isinstance(made, dict):
            raise UsageError(f"{self.name}: parameters returned {_what(made)}. It must return a dict, name to array.")
        arrays = {}
        for key, value in made.items():
            if not isinstance(key, str) or not key.isidentifier():  # a dot would end a layer's name
                raise UsageError(f"{self.name}: {key!r} is no name for a parameter. Give one like W or W_in.")
            arrays[key] = array = np.asarray(value)
            if array.dtype.kind not in "fiu" or array.ndim == 0 or array.size == 0:
                raise UsageError(
                    f"{self.name}: the parameter {key} is {_what(value)}. It must be an array of numbers with one "
                    "dimension or more."
                )
        return arrays

    def _try_out(self) -> None:
        """Do two steps on random numbers, forward and backward: this finds errors that do not depend on the data."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(2, 3, self.hidden)).astype(self.dtype)
        keep = np.array([[1, 1, 1], [1, 0, 1]], self.dtype)
        y, state, tape = self.forward(x, self.start(3), keep)
        alone, _, _ = self.forward(x[:, 2:], self.start(1))
        if not np.allclose(y[:, 2:], alone, rtol=1e-3, atol=1e-4, equal_nan=True):
            raise UsageError(
                f"{self.name}: the step gives a stream other numbers in a batch of 3 than alone, or other numbers each "
                "time. It must treat each row of x by itself, without chance."
            )
        self.backward(np.ones_like(y), state, tape)
        for param in self.params.values():
            param.zero()

    @contextmanager
    def _explain_errors(self, what: str, function: Any) -> Iterator[None]:
        """Turn whatever the user's function raises into a UsageError of one line that says where it happened."""
        try:
            yield
        except RnnlmError:
            raise
        except Exception as error:
            code = getattr(function, "__code__", None)
            lines = [
                frame.lineno
                for frame in traceback.extract_tb(error.__traceback__)
                if code and frame.filename == code.co_filename
            ]
            place = f" in line {lines[-1]}" if lines else ""
            text = " ".join(str(error).split())
            raise UsageError(
                f"{self.name}: {what} raised {type(error).__name__}{place}: {text[:200]}. Write it with "
                "autograd.numpy (import autograd.numpy as np), and change no array in place."
            ) from error


class NotRun:
    """The place of a `Custom` layer whose code is not run: it has the parameters that a file holds, and no step."""

    def __init__(self, params: Mapping[str, Array], name: str) -> None:
        self.params, self.name = {key: Param(value) for key, value in params.items()}, name

    def start(self, batch: int) -> State:
        """A state of one empty array: what the state is, only the code says."""
        return (np.zeros((batch, 0)),)

    def forward(self, x: Array, state: State, keep: Array | None = None, *, train=None) -> tuple[Array, State, Any]:
        """UsageError, as for every computation."""
        raise UsageError(f"{self.name} was not run, so the model cannot compute. Load it with trust=True.")

    def backward(self, dy: Array | None, dstate: State | None, tape: Any, stop: int = 0) -> tuple[Array, State]:
        """UsageError, as for every computation."""
        raise UsageError(f"{self.name} was not run, so the model cannot compute. Load it with trust=True.")


def _read_only(array: Array) -> Array:
    """The same numbers, protected from a step that would write into them."""
    view = array.view()
    view.flags.writeable = False
    return view


def _what(value: Any) -> str:
    """What a value is, in a few words for an error."""
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" if shape is None else f"an array of shape {shape} and type {value.dtype}"
