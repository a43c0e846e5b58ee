"""A learnt array, its gradient, and which rows of it the gradient touches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np  # host-side bookkeeping: which rows were touched

from ..ops import ops_for
from ..ops.arrays import Array, is_device_array
from ..ops.gradients import Dense, Gradient, OuterProduct, RowSparse
from .weights_of_file import WithoutWeights

Rows = slice | np.ndarray


class Param:
    """A value, its gradient of the same shape, and the rows that the gradient touches since the last `zero()`.

    An update that touches 160 words of 10,000 must not cost 10,000 rows: optimizers, clipping and zeroing go over
    `touched()` only, and every other row of `grad` is zero. Gradients arrive in three forms (`ops.gradients`) and stay
    as they came; they are added up to one array of the value's shape when there are several, or when somebody asks
    for `grad`.
    """

    def __init__(self, value: Array, *, least: float | None = None) -> None:
        self.least = least  # that its numbers may be; None where there is no limit
        self.set(value)

    @classmethod
    def starting(
        cls,
        init: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray],
        rng: np.random.Generator | None,
        shape: tuple[int, ...],
        dtype: str,
        *,
        least: float | None = None,
    ) -> Self:
        """Return the parameter with the starting values init(rng, shape); nothing is drawn where a file has the values,
        or where the shape alone is wanted.

        `rng` may be None where `init` draws nothing. Raises DataError as `WeightsOfFile.take`.
        """
        value = rng.take(shape, dtype) if isinstance(rng, WithoutWeights) else init(rng, shape).astype(dtype)  # type: ignore[arg-type]
        return cls(value, least=least)

    def __repr__(self) -> str:
        return f"Param({self.value.shape}, {self.value.dtype})"

    def set(self, value: Array) -> None:
        """Replace the value, perhaps by one on another machine; the gradient is cleared and made where the value is."""
        self.value = value
        self._dense: Array | None = None  # made when it is needed; zero outside the touched rows
        self._reset()

    def _reset(self) -> None:
        self._pieces: list[Gradient] = []  # not yet in `_dense`; a `Dense` one only where nothing came before it
        self._written = False  # `_dense` may be other than zero
        self._all_rows = False
        self._ids: list[np.ndarray] = []
        self._spans: list[np.ndarray] = []
        self._merged_spans: np.ndarray | None = None

    @property
    def grad(self) -> Array:
        """The gradient as an array of the value's shape; gradients in other forms are added up to it.

        Whoever writes into it says so by `touch`, unless every row that changes is among `rows` already.
        """
        ops = ops_for(self.value)
        pieces, self._pieces = self._pieces, []
        self._written = self._written or bool(pieces)
        if pieces and isinstance(pieces[0], Dense):
            self._dense = pieces[0].array
        elif self._dense is None:
            self._dense = ops.zeros(self.value.shape, self.value.dtype)
        for piece in pieces:
            if isinstance(piece, OuterProduct):
                ops.outer_product_add(self._dense, piece)
            elif isinstance(piece, RowSparse):
                self._dense[ops.asarray(piece.ids)] += piece.rows
        return self._dense

    @grad.setter
    def grad(self, value: Array) -> None:
        """Copy g into the array, so that `param.grad += g` adds to it; the writer calls `touch` here too."""
        self.grad[...] = value

    def add(self, g: Array) -> None:
        """Add a gradient of the whole array. It is handed over: g may be kept and written into.

        So nothing else may use its memory afterwards; a caller whose array is part of another one, or goes to two
        parameters, gives a copy.
        """
        if self._pieces or self._written or g.shape != self.value.shape:
            grad = self.grad
            grad += g
            self.touch()
        else:
            xp = ops_for(self.value).xp
            self._pieces = [Dense(xp.ascontiguousarray(g, dtype=self.value.dtype), None)]
            self._all_rows = True

    def add_rows(self, ids: np.ndarray, g: Array) -> None:
        """Add g[i] to the gradient of row ids[i]: ids (N,) on the host, g (N, …); an id of -1 adds nothing."""
        piece = ops_for(self.value).sum_rows(ids, g)
        if len(piece.ids):
            self._pieces.append(piece)
            self._ids.append(piece.ids)

    def add_outer_product(self, outer: OuterProduct) -> None:
        """Add a gradient that is still two factors; like an array given to `add`, it may be kept and changed."""
        if len(outer.groups):
            self._pieces.append(outer)
            self._add_spans(outer.spans)

    def touch(self, spans: Any = None) -> None:
        """Declare that `grad` was written into: everywhere, or in these spans of rows, (start, end) each."""
        self._written = True
        if spans is None:
            self._all_rows = True
        else:
            self._add_spans(np.asarray(spans, dtype=np.int64).reshape(-1, 2))

    def _add_spans(self, spans: np.ndarray) -> None:
        if len(spans):
            self._spans.append(spans)
            self._merged_spans = None

    @property
    def rows(self) -> np.ndarray | None:
        """The ids of the touched rows in rising order; None means all."""
        if self._all_rows:
            return None
        pieces = [*self._ids, *(np.arange(start, end) for spans in self._spans for start, end in spans.tolist())]
        return np.unique(np.concatenate(pieces)) if pieces else np.empty(0, dtype=np.int64)

    def touched(self) -> Iterator[Any]:
        """Index objects that together select every touched row once: slices where rows are contiguous, else ids."""
        if self._all_rows:
            yield slice(None)
        elif not self._ids:
            for start, end in self._merge_spans().tolist():
                yield slice(start, end)
        else:
            ids = self.rows
            if ids is not None and len(ids):
                yield ops_for(self.value).asarray(ids)

    def _merge_spans(self) -> np.ndarray:
        """The union of the spans as few spans: neighbouring and overlapping ones become one."""
        if not self._spans:
            return np.empty((0, 2), dtype=np.int64)
        if self._merged_spans is not None:
            return self._merged_spans
        spans = np.concatenate(self._spans)
        starts, ends = spans[np.argsort(spans[:, 0], kind="stable")].T
        ends = np.maximum.accumulate(ends)
        apart = np.ones(len(spans) + 1, dtype=bool)  # whether a span begins beyond the ends of all before it
        np.greater(starts[1:], ends[:-1], out=apart[1:-1])
        first, last = apart[:-1], apart[1:]
        self._merged_spans = union = np.empty((np.count_nonzero(first), 2), dtype=np.int64)
        union[:, 0], union[:, 1] = starts[first], ends[last]
        return union

    def gradient(self) -> Gradient | None:
        """The gradient in the form that it has; None where no row is touched."""
        if not self._written and len(self._pieces) == 1:
            return self._pieces[0]
        grad = self.grad
        if self._all_rows:
            return Dense(grad, None)
        spans = self._merge_spans()
        if self._ids:
            rows = self.rows
            assert rows is not None
            spans = np.stack([rows, rows + 1], 1)
        return Dense(grad, spans) if len(spans) else None

    def elements(self) -> Dense | RowSparse | None:
        """The gradient in a form whose elements can be changed in place: an outer product is multiplied out first."""
        gradient = self.gradient()
        if not isinstance(gradient, OuterProduct):
            return gradient
        return Dense(self.grad, self._merge_spans())

    def zero(self) -> None:
        """Clear the gradient; costs only the touched rows."""
        if self._all_rows:
            self._dense = None
        elif self._written and self._dense is not None:
            if is_device_array(self._dense) and not self._ids:
                self._dense.fill(0)  # one launch; one for each span would take longer
            else:
                for rows in self.touched():
                    self._dense[rows] = 0
        self._reset()
