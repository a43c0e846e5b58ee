"""The optimizers' updates of all parameters, in one launch and one for each gradient that is still two factors."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ..arrays import Array
from ..gradients import Gradient, Outer, Some, Whole
from .kernels import NUMBER, Kernels
from .outer import ROWWISE, RULE, Outers
from .runs import SHARED, Runs, place

BLOCKS = 2048  # an array's work is shared out among this many blocks, or fewer
Item = tuple[Array, Gradient, list[Array]]


class Updates(Outers):
    """The rules, as `training` states them. A gradient is read only."""

    rules: ClassVar[frozenset[str]] = frozenset(RULE)

    def update(
        self,
        rule: str,
        value: Array,
        gradient: Gradient,
        slots: list[Array],
        rate: float,
        l2: float,
        decay: float,
        numbers: tuple[float, float, float],
    ) -> None:
        self.update_all(rule, [(value, gradient, slots)], rate, l2, decay, numbers)

    def update_all(
        self,
        rule: str,
        items: list[Item],
        rate: float,
        l2: float,
        decay: float,
        numbers: tuple[float, float, float],
    ) -> None:
        whole = []
        for value, gradient, slots in items:
            if isinstance(gradient, Outer):
                self.outer_update(rule, value, gradient, slots, rate, l2, decay, numbers)
            elif value.size:
                whole.append((value, gradient, slots))
        if not whole:
            return
        dtype = whole[0][0].dtype
        table = Table(self, rule, dtype)
        for item in whole:
            table.add(*item)
        constants = map(dtype.type, (rate, l2, rate * decay, *numbers))
        given, real = (table.sent(), len(whole), table.runs.count, *constants), NUMBER[dtype]
        self.launch("update", table.runs.blocks, 256, *given, shared=SHARED, REAL=real, RULE=RULE[rule])
        for value, changed in table.copies:
            value[...] = changed


class Table:
    """What update.cu reads: where each parameter's arrays lie, which blocks do which of its rows, and ids of rows."""

    def __init__(self, ops: Kernels, rule: str, dtype: Any) -> None:
        self.ops, self.dtype, self.by_row = ops, dtype, rule in ROWWISE
        self.items: list[int] = []
        self.runs = Runs()
        self.ids: list[np.ndarray] = []
        self.id_count = 0
        self.kept: list[Array] = []  # alive until the launch
        self.copies: list[tuple[Array, Array]] = []  # of a transposed starting value, say

    def add(self, value: Array, gradient: Whole | Some, slots: list[Array]) -> None:
        """The parameter `value` with its gradient and its rule's memories."""
        number, rows, unit = len(self.items) // 7, len(value), math.prod(value.shape[1:])
        g, ids, spans = self._parts(gradient)
        g, w = self.ops.whole(g, self.dtype), self.ops.whole(value)
        self.kept.append(g)
        if not value.flags.c_contiguous:
            self.copies.append((value, w))
        memories = [place(slot, self.dtype) for slot in slots]
        own = memories.pop() if self.by_row else 0
        memories += [0] * (2 - len(memories))
        places = [place(w, self.dtype), place(g, self.dtype), *memories, own]
        if ids is not None:
            self.items += [*places, unit, (1 + self.id_count) * (1 if isinstance(gradient, Some) else -1)]
            self.runs.add(number, 0, len(ids), share(len(ids), 8))
            self.ids.append(ids)
            self.id_count += len(ids)
            return
        scale = 1 if self.by_row else unit  # rows mean nothing: as many rows of one number
        unit //= scale
        self.items += [*places, unit, 0]
        each = share(rows * scale, 8 if unit > 1 else 256 if self.by_row else 1024)
        if spans is None:
            self.runs.add(number, 0, rows * scale, each)
        else:
            self.runs.add_spans(number, spans, scale, each)

    def _parts(self, gradient: Whole | Some) -> tuple[Array, np.ndarray | None, np.ndarray | None]:
        """The array, and the rows that it is about: by id, in spans, or all of them."""
        if isinstance(gradient, Some):
            return gradient.rows, gradient.ids, None
        array, spans = gradient
        if spans is not None and len(spans) > 1 and (spans[:, 1] - spans[:, 0] == 1).all():
            return array, spans[:, 0], None
        return array, None, spans

    def sent(self) -> Array:
        """The table on the GPU, in one copy."""
        return self.ops.asarray(self.runs.packed(self.items, *self.ids))


def share(work: int, least: int) -> int:
    """How much of the work a block does: a multiple of `least`, and so much that there are no more than `BLOCKS`."""
    return least * max(1, -(-work // (least * BLOCKS)))
